namespace Factumerit.Ledger.Pricing;

/// <summary>
/// What each class of tokens costs in one call of a model. A class follows its kind where it has no price of its own,
/// or the same one; where a class with another price than its kind lacks the price for the call's size or tier, there
/// is no telling (null).
/// </summary>
internal readonly struct TokenRates(ModelPrice price, PriceVariants? variants, PriceCondition condition)
{
    /// <summary>US dollars for a token of a class; null when the price book doesn't say.</summary>
    public decimal? Of(TokenClass one) => Of(one, condition);

    /// <summary>Whether the model has a price of its own for a class, at any size and in the usual tier.</summary>
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

    // Tokens that stand for a picture or sound are no text where those are charged by the piece or second, and read
    // from the cache they are none where they are not when sent.
    private bool FollowsUnpriced(TokenClass one)
    {
        // A vendor that charges for writes to the cache charges more for those that stay for an hour.
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
