namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The tokens of a call by class, as far as the classes differ in price: details about audio and images matter only
/// where those cost something other than text. Gives a reason for review where the details don't fit the counts, or
/// leave open which tokens belong to which class.
/// </summary>
internal readonly ref struct TokenSplit(ModelPrice price, TokenRates rates, UsageDetails details, Span<long> counts)
{
    private readonly Span<long> _counts = counts;

    /// <summary>
    /// Fills the counts by class. Null, or the reason why that is impossible: one of <see cref="ReviewReasons"/>.
    /// </summary>
    public string? Fill(in TokenCounts tokens)
    {
        this[TokenClass.Input] = tokens.PlainInput;
        this[TokenClass.CacheRead] = tokens.CacheRead ?? 0;
        this[TokenClass.CacheWrite] = tokens.CacheWrite ?? 0;
        this[TokenClass.Output] = tokens.PlainOutput;
        this[TokenClass.Reasoning] = tokens.Reasoning ?? 0;
        if (SplitWrites() is { } wrongWrites)
            return wrongWrites;
        foreach (var medium in TokenClasses.Media)
            if ((SplitInput(medium, tokens) ?? SplitOutput(medium)) is { } wrong)
                return wrong;
        return null;
    }

    private long this[TokenClass one]
    {
        get => _counts[(int)one];
        set => _counts[(int)one] = value;
    }

    private string? SplitWrites()
    {
        if (rates.Of(TokenClass.CacheWriteHour) == rates.Of(TokenClass.CacheWrite))
            return null;
        return Move(details.HourWrites, TokenClass.CacheWrite, TokenClass.CacheWriteHour);
    }

    private string? SplitInput(Medium medium, in TokenCounts tokens)
    {
        var (sent, cached) = (TokenClasses.InputOf(medium), TokenClasses.CacheReadOf(medium));
        var fromCache = (tokens.CacheRead ?? 0) + (tokens.CacheWrite ?? 0);
        var isText = rates.Of(sent) == rates.Of(TokenClass.Input);
        if (isText && (fromCache == 0 || rates.Of(cached) == rates.Of(TokenClass.CacheRead)))
            return null;
        // Transcribed audio and edited images were sent. Without details the number of their tokens is unknown.
        if (!isText && !details.HasInput && Sends(medium) && tokens.PlainInput + fromCache > 0)
            return ReviewReasons.OtherPrice;
        var count = details.Input(medium);
        if (count == 0)
            return null;
        if (count < 0)
            return ReviewReasons.OtherPrice;
        var fromCacheOfMedium = 0L;
        if (fromCache > 0 && !CountsFreshTokens(tokens.PlainInput))
        {
            if (tokens.CacheWrite > 0 || !details.HasCached)
                return ReviewReasons.OtherPrice;
            fromCacheOfMedium = details.Cached(medium);
        }
        return Move(fromCacheOfMedium, TokenClass.CacheRead, cached)
            ?? Move(count - fromCacheOfMedium, TokenClass.Input, sent);
    }

    // Some details leave out tokens from the cache. Their counts then add up to the tokens that did not come from the
    // cache.
    private bool CountsFreshTokens(long plainInput)
    {
        var sum = (decimal)details.InputText;
        foreach (var medium in TokenClasses.Media)
            sum += details.Input(medium);
        return details.InputText > 0 && sum == plainInput;
    }

    private string? SplitOutput(Medium medium)
    {
        var generated = TokenClasses.OutputOf(medium);
        if (rates.Of(generated) == rates.Of(TokenClass.Output))
            return null;
        var count = details.Output(medium);
        if (count == 0 && Generates(medium))
        {
            if (details.OutputText < 0)
                return ReviewReasons.OtherPrice;
            if (details.OutputText > this[TokenClass.Output])
                return ReviewReasons.TokensDisagree;
            count = this[TokenClass.Output] - details.OutputText;
        }
        return Move(count, TokenClass.Output, generated);
    }

    private bool Sends(Medium medium) =>
        (price.Mode, medium) is ("audio_transcription", Medium.Audio) or ("image_edit", Medium.Image);

    private bool Generates(Medium medium) =>
        (price.Mode, medium) is ("image_generation" or "image_edit", Medium.Image) or ("audio_speech", Medium.Audio);

    private string? Move(long count, TokenClass from, TokenClass to)
    {
        if (count == UsageDetails.Unreadable)
            return ReviewReasons.OtherPrice;
        if (count < 0 || count > this[from])
            return ReviewReasons.TokensDisagree;
        this[from] -= count;
        this[to] += count;
        return null;
    }
}
