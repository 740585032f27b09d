namespace Factumerit.Ledger.Contracts;

/// <summary>Cost, price and margin of the calls of one group, or of all groups.</summary>
/// <param name="Group">The user, model, provider or day; null if unknown.</param>
/// <param name="Calls">The number of recorded calls, whatever their billing status.</param>
/// <param name="PromptTokens">All tokens sent.</param>
/// <param name="CompletionTokens">All tokens generated.</param>
/// <param name="CacheReadTokens">The tokens sent that were read from the cache.</param>
/// <param name="CacheWriteTokens">The tokens sent that were written to the cache.</param>
/// <param name="ReasoningTokens">The tokens generated for reasoning.</param>
/// <param name="ProviderCostUsd">
/// What the providers charge for the calls whose cost is known, in US dollars, exact.
/// </param>
/// <param name="UnknownCostCalls">The number of calls whose cost is unknown. A cost of 0 is known.</param>
/// <param name="UserPriceCents">What users paid for all of the calls, in cents.</param>
/// <param name="MarginCents">
/// The price paid for the calls whose cost is known less that cost, in cents, exact. Unpaid calls lower it by their
/// cost.
/// </param>
/// <param name="Waiting">The number of calls that wait for review.</param>
/// <param name="Waived">The number of calls that a review waived, so that no user pays for them.</param>
public sealed record MarginLine(
    string? Group, long Calls, long PromptTokens, long CompletionTokens, long CacheReadTokens, long CacheWriteTokens,
    long ReasoningTokens, ExactNumber ProviderCostUsd, long UnknownCostCalls, decimal UserPriceCents,
    ExactNumber MarginCents, long Waiting, long Waived);

/// <summary>A page of the margin report.</summary>
/// <param name="From">The start of the span of occurred_at, inclusive; null: from the first call on.</param>
/// <param name="To">The end of the span of occurred_at, exclusive; null: up to the last call.</param>
/// <param name="GroupBy">user, model, provider or day.</param>
/// <param name="Groups">The groups in the order of their names, the unknown group last.</param>
/// <param name="Total">The total of all groups, including those on other pages. Its group is null.</param>
/// <param name="NextAfter">Pass it as after= to get the next page; null at the end.</param>
public sealed record MarginReport(
    DateTimeOffset? From, DateTimeOffset? To, string GroupBy, IReadOnlyList<MarginLine> Groups, MarginLine Total,
    string? NextAfter);
