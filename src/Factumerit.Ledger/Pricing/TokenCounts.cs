namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The tokens of one call, as LiteLLM and OpenAI count: <paramref name="Prompt"/> is everything sent, cache reads and writes included,
/// <paramref name="Completion"/> everything generated, reasoning included. Null: not reported; the whole then is what its parts are, or 0.
/// </summary>
public readonly record struct TokenCounts(long? Prompt, long? Completion, long? CacheRead = null, long? CacheWrite = null, long? Reasoning = null)
{
    /// <summary>Whether there is anything to price.</summary>
    public bool Any => (Prompt ?? Completion ?? CacheRead ?? CacheWrite ?? Reasoning) is not null;

    /// <summary>Whether the parts exceed their whole, or a count is negative: no price can be right then.</summary>
    public bool Disagree =>
        (Prompt ?? 0) < 0 || (Completion ?? 0) < 0 || (CacheRead ?? 0) < 0 || (CacheWrite ?? 0) < 0 || (Reasoning ?? 0) < 0
        || IsCacheOverPrompt || IsReasoningOverCompletion;

    private bool IsCacheOverPrompt => Prompt - (CacheRead ?? 0) < (CacheWrite ?? 0);

    private bool IsReasoningOverCompletion => Completion < Reasoning;

    // What costs the plain price: the whole less its parts.
    internal long PlainInput => Prompt is { } prompt ? prompt - (CacheRead ?? 0) - (CacheWrite ?? 0) : 0;

    internal long PlainOutput => Completion is { } completion ? completion - (Reasoning ?? 0) : 0;

    /// <summary>These counts, and from the other ones those that are missing here.</summary>
    public TokenCounts Or(TokenCounts other) => new(
        Prompt ?? other.Prompt, Completion ?? other.Completion, CacheRead ?? other.CacheRead, CacheWrite ?? other.CacheWrite, Reasoning ?? other.Reasoning);

    /// <summary>Each count from 0 to 2147483647, and no part more than its whole.</summary>
    public void Check(FieldErrors errors)
    {
        CheckEach(errors);
        if (IsCacheOverPrompt)
            errors.Add("prompt_tokens", "must include cache_read_tokens and cache_write_tokens: it counts everything that was sent");
        if (IsReasoningOverCompletion)
            errors.Add("completion_tokens", "must include reasoning_tokens: it counts everything that was generated");
    }

    /// <summary>Each count from 0 to 2147483647, however they go together.</summary>
    public void CheckEach(FieldErrors errors)
    {
        errors.CheckTokens("prompt_tokens", Prompt);
        errors.CheckTokens("completion_tokens", Completion);
        errors.CheckTokens("cache_read_tokens", CacheRead);
        errors.CheckTokens("cache_write_tokens", CacheWrite);
        errors.CheckTokens("reasoning_tokens", Reasoning);
    }
}
