namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The price of each class of tokens in one call of a model. A class without its own price, or with the same price as
/// its kind, follows its kind. If a class has another price than its kind but none for the call's size or tier, its
/// price is unknown (null).
/// </summary>
internal readonly struct TokenRates(ModelPrice price, PriceVariants? variants, PriceCondition condition)
{
    /// <summary>US dollars for a token of a class; null when the price book has no price.</summary>
    public decimal? Of(TokenClass one) => Of(one, condition);

    /// <summary>Whether the model has its own price for a class, at any size and in the standard tier.</summary>
    public bool HasOwn(TokenClass one) => Own(one, PriceCondition.None) is not null;

    private decimal? Of(TokenClass one, PriceCondition when)
    {
        if (Own(one, when) is { } own)
            return own;
        if (TokenClasses.KindOf(one) is not { } kind)
            return null;
        var plain = Own(one, PriceCondition.None);
        var follows = plain is null ? FollowsUnpriced(one) : plain == Of(kind, PriceCondition.None);
        return follows ? Of(kind, when) : null;
    }

    // Image and audio tokens don't follow the text price where the model charges by the image or second. Read from the
    // cache, they follow it only if they have the text price when sent.
    private bool FollowsUnpriced(TokenClass one)
    {
        // A vendor that charges for cache writes charges more for one-hour writes.
        if (one == TokenClass.CacheWriteHour)
            return price.CacheWriteUsdPerToken is null;
        if (TokenClasses.MediumOf(one) is not { } medium || variants is null)
            return true;
        if (one == TokenClasses.CacheReadOf(medium))
            return Of(TokenClasses.InputOf(medium), PriceCondition.None) == Of(TokenClass.Input, PriceCondition.None);
        var units = one == TokenClasses.OutputOf(medium) ? variants.OutputUnits : variants.InputUnits;
        return (units & (medium == Medium.Image ? Units.Image | Units.Pixel : Units.Second)) == 0;
    }

    private decimal? Own(TokenClass one, PriceCondition when)
    {
        if (when != PriceCondition.None)
            return variants?.Of(one, when);
        return one switch
        {
            TokenClass.Input => price.InputUsdPerToken,
            TokenClass.Output => price.OutputUsdPerToken,
            TokenClass.CacheRead => price.CacheReadUsdPerToken,
            TokenClass.CacheWrite => price.CacheWriteUsdPerToken,
            TokenClass.Reasoning => price.ReasoningUsdPerToken,
            _ => variants?.Of(one, when),
        };
    }
}
