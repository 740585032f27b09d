using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Decides which token counts include which others. Providers count the cache inside the prompt (OpenAI) or beside it
/// (Anthropic), and reasoning inside the completion (OpenAI) or beside it (xAI). The total decides: the first reading
/// that adds up to it is used. Without a total the usual reading is used.
/// </summary>
/// <param name="Prompt">Tokens sent, as reported.</param>
/// <param name="Completion">Tokens generated, as reported.</param>
/// <param name="CacheRead">Tokens read from the cache.</param>
/// <param name="CacheWrite">Tokens written to the cache.</param>
/// <param name="Reasoning">Reasoning tokens.</param>
/// <param name="IsCacheBeside">Whether the usual reading counts the cache beside the prompt.</param>
/// <param name="Total">All tokens, as reported; null or 0 if not reported.</param>
internal readonly record struct TokenReading(
    int? Prompt, int? Completion, int? CacheRead, int? CacheWrite, int? Reasoning, bool IsCacheBeside, int? Total)
{
    private long Cache => (CacheRead ?? 0L) + (CacheWrite ?? 0L);

    /// <summary>
    /// Returns the counts with all parts inside their wholes, and whether no reading adds up to the total.
    /// </summary>
    public (TokenCounts Tokens, bool Disagrees) Resolve()
    {
        if (Total is not > 0)
            return (Count(IsCacheBeside, isReasoningBeside: false), false);
        foreach (var isCacheBeside in (ReadOnlySpan<bool>)[IsCacheBeside, !IsCacheBeside])
            foreach (var isReasoningBeside in (ReadOnlySpan<bool>)[false, true])
                if (Count(isCacheBeside, isReasoningBeside) is { Disagree: false } tokens
                    && (tokens.Prompt ?? 0) + (tokens.Completion ?? 0) == Total)
                    return (tokens, false);
        return (Count(IsCacheBeside, isReasoningBeside: false), true);
    }

    private TokenCounts Count(bool isCacheBeside, bool isReasoningBeside) => new(
        isCacheBeside ? Prompt + Cache : Prompt,
        isReasoningBeside ? Completion + (Reasoning ?? 0L) : Completion,
        CacheRead, CacheWrite, Reasoning);
}
