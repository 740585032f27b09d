namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The tokens of one call, counted as LiteLLM and OpenAI do: <paramref name="Prompt"/> is everything sent, including
/// cache reads and writes, <paramref name="Completion"/> everything generated, including reasoning. Null: not reported.
/// A whole that was not reported is the sum of its parts, or 0.
/// </summary>
public readonly record struct TokenCounts(
    long? Prompt, long? Completion, long? CacheRead = null, long? CacheWrite = null, long? Reasoning = null)
{
    /// <summary>Whether there is anything to price.</summary>
    public bool Any => (Prompt ?? Completion ?? CacheRead ?? CacheWrite ?? Reasoning) is not null;

    /// <summary>
    /// Whether the parts exceed their whole, or a count is negative: such counts have no valid price.
    /// </summary>
    public bool Disagree =>
        (Prompt ?? 0) < 0 || (Completion ?? 0) < 0
        || (CacheRead ?? 0) < 0 || (CacheWrite ?? 0) < 0 || (Reasoning ?? 0) < 0
        || IsCacheOverPrompt || IsReasoningOverCompletion;

    private bool IsCacheOverPrompt => Prompt - (CacheRead ?? 0) < (CacheWrite ?? 0);

    private bool IsReasoningOverCompletion => Completion < Reasoning;

    // Tokens at the plain price: the whole less its parts.
    internal long PlainInput => Prompt is { } prompt ? prompt - (CacheRead ?? 0) - (CacheWrite ?? 0) : 0;

    internal long PlainOutput => Completion is { } completion ? completion - (Reasoning ?? 0) : 0;

    /// <summary>These counts, with missing ones taken from the other counts.</summary>
    public TokenCounts Or(TokenCounts other) => new(
        Prompt ?? other.Prompt, Completion ?? other.Completion,
        CacheRead ?? other.CacheRead, CacheWrite ?? other.CacheWrite, Reasoning ?? other.Reasoning);

    /// <summary>Requires each count to be from 0 to 2147483647, and no part to exceed its whole.</summary>
    public void Check(FieldErrors errors)
    {
        CheckEach(errors);
        if (IsCacheOverPrompt)
            errors.Add(
                "prompt_tokens",
                "must include cache_read_tokens and cache_write_tokens: it counts everything that was sent");
        if (IsReasoningOverCompletion)
            errors.Add(
                "completion_tokens",
                "must include reasoning_tokens: it counts everything that was generated");
    }

    /// <summary>Requires each count to be from 0 to 2147483647; does not compare parts with wholes.</summary>
    public void CheckEach(FieldErrors errors)
    {
        errors.CheckTokens("prompt_tokens", Prompt);
        errors.CheckTokens("completion_tokens", Completion);
        errors.CheckTokens("cache_read_tokens", CacheRead);
        errors.CheckTokens("cache_write_tokens", CacheWrite);
        errors.CheckTokens("reasoning_tokens", Reasoning);
    }
}
