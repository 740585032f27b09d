using System.Text.Json;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The cost of one call's tokens by a model's prices, in US dollars: the exact sum; or the reason why there is none,
/// one of <see cref="ReviewReasons"/>; or neither, when the sum has more digits than a decimal holds and would be
/// rounded.
/// </summary>
internal readonly record struct TokenCost(decimal? Usd, string? ReviewReason)
{
    public static TokenCost Of(ModelPrice price, in TokenCounts tokens, JsonElement? usage)
    {
        var details = UsageDetails.Read(usage);
        if (details is not null && IsUnpricedTier(price, details.Tier))
            return new(null, ReviewReasons.OtherPrice);
        // Some calls give their reasoning tokens only in the usage object.
        if (price.ReasoningUsdPerToken is null || tokens.Reasoning is not null || details is not { Reasoning: not 0 })
            return Of(price, tokens, usage, details);
        if (details.Reasoning == UsageDetails.Unreadable)
            return new(null, ReviewReasons.OtherPrice);
        var all = tokens with { Reasoning = details.Reasoning };
        return all.Disagree ? new(null, ReviewReasons.TokensDisagree) : Of(price, all, usage, details);
    }

    private static TokenCost Of(ModelPrice price, in TokenCounts tokens, JsonElement? usage, UsageDetails? details)
    {
        // One-hour writes to the cache cost more, and only the usage object identifies them.
        var mayBeForAnHour = tokens.CacheWrite > 0 && price.CacheWriteUsdPerToken is not null && usage is not null;
        if (price is { OtherPrices: null, OutputUsdPerToken: { } outputUsd } && !mayBeForAnHour)
            return OfPlain(price, tokens, outputUsd);
        var variants = price.Variants;
        if (details is null || (variants is { HasTiers: true } && details.Tier is null))
            return new(null, ReviewReasons.OtherPrice);
        var prompt = tokens.Prompt ?? (tokens.CacheRead ?? 0) + (tokens.CacheWrite ?? 0);
        var rates = new TokenRates(
            price, variants, variants?.ConditionOf(prompt, details.Tier!) ?? PriceCondition.None);
        if (variants is not null && IsChargedOtherwise(price, variants, rates, details))
            return new(null, ReviewReasons.OtherPrice);
        Span<long> counts = stackalloc long[TokenClasses.Count];
        var reason = new TokenSplit(price, rates, details, counts).Fill(tokens);
        return reason is null ? Sum(rates, counts) : new(null, reason);
    }

    // Batches and flex cost less than the standard tier, and priority costs more. Without their prices the cost is
    // unknown.
    private static bool IsUnpricedTier(ModelPrice price, string? tier) =>
        tier is TokenClasses.Batches or "flex" or "priority"
        && price.Variants?.HasTier(tier) != true && !price.IsFree;

    // Most models have only the five plain prices.
    private static TokenCost OfPlain(ModelPrice price, in TokenCounts tokens, decimal outputUsd)
    {
        var sum = new ExactSum();
        sum.Add(tokens.PlainInput, price.InputUsdPerToken);
        sum.Add(tokens.CacheRead ?? 0, price.CacheReadUsdPerToken ?? price.InputUsdPerToken);
        sum.Add(tokens.CacheWrite ?? 0, price.CacheWriteUsdPerToken ?? price.InputUsdPerToken);
        sum.Add(tokens.PlainOutput, outputUsd);
        sum.Add(tokens.Reasoning ?? 0, price.ReasoningUsdPerToken ?? outputUsd);
        return new(sum.Usd, null);
    }

    private static TokenCost Sum(TokenRates rates, ReadOnlySpan<long> counts)
    {
        var sum = new ExactSum();
        for (var one = 0; one < counts.Length; one++)
        {
            if (counts[one] == 0)
                continue;
            if (rates.Of((TokenClass)one) is not { } usdPerToken)
                return new(null, ReviewReasons.OtherPrice);
            sum.Add(counts[one], usdPerToken);
        }
        return new(sum.Usd, null);
    }

    // Whether the call used something that is not charged by the token, or must have used it according to the model's
    // mode, or has a factor on all prices.
    private static bool IsChargedOtherwise(
        ModelPrice price, PriceVariants variants, TokenRates rates, UsageDetails details)
    {
        if ((variants.AllUnits & (details.Units | Units.Always)) != 0)
            return true;
        foreach (var word in details.FactorWords)
            if (variants.HasFactor(word))
                return true;
        return price.Mode switch
        {
            "rerank" or "search" => Charges(variants.AllUnits, Units.Query),
            "ocr" => Charges(variants.AllUnits, Units.Page),
            "video_generation" => Charges(variants.AllUnits, Units.Second),
            "audio_transcription" => Charges(variants.AllUnits, Units.Second) && !rates.HasOwn(TokenClass.AudioInput),
            "audio_speech" =>
                Charges(variants.AllUnits, Units.Second | Units.Character) && !rates.HasOwn(TokenClass.AudioOutput),
            "image_generation" or "image_edit" =>
                Charges(variants.OutputUnits, Units.Image | Units.Pixel) && !rates.HasOwn(TokenClass.ImageOutput),
            _ => false,
        };
    }

    private static bool Charges(Units units, Units some) => (units & some) != 0;

    // A product or sum of decimals is exact if it keeps all decimals of its operands.
    private struct ExactSum()
    {
        private decimal _usd;
        private bool _isExact = true;

        public readonly decimal? Usd => _isExact ? _usd : null;

        public void Add(long count, decimal usdPerToken)
        {
            if (count == 0 || usdPerToken == 0)
                return;
            var termUsd = count * usdPerToken;
            var nextUsd = _usd + termUsd;
            _isExact &= termUsd.Scale == usdPerToken.Scale && nextUsd.Scale == Math.Max(_usd.Scale, termUsd.Scale);
            _usd = nextUsd;
        }
    }
}
