namespace Factumerit.Ledger.Contracts;

/// <summary>The results of the items that LiteLLM sent. The five counts add up to the number of items.</summary>
/// <param name="Accepted">Calls that were recorded and billed, or that waited before and are billed now.</param>
/// <param name="Replayed">Calls that were recorded before, under one of their ids.</param>
/// <param name="NeedsReview">Calls that were recorded and wait for review; not counted as accepted.</param>
/// <param name="Skipped">
/// Failed calls that cost and generated nothing, calls that only manage objects at the provider, and nulls.
/// </param>
/// <param name="Failed">
/// The first 100 items that were not recorded, and why: for example, an item is not a JSON object, or the key may not
/// record it.
/// </param>
/// <param name="FailedCount">How many items were not recorded.</param>
public sealed record IntakeAnswer(
    int Accepted, int Replayed, int NeedsReview, int Skipped, IReadOnlyList<IntakeFailure> Failed, int FailedCount);

/// <summary>An item that was not recorded.</summary>
/// <param name="Index">The item's position in the request, counted from 0, nulls included.</param>
/// <param name="Code">A problem's code, as on the errors page.</param>
/// <param name="Detail">What is wrong with the item. Never quotes prompts or answers.</param>
public sealed record IntakeFailure(int Index, string Code, string Detail);

/// <summary>The span of LiteLLM's calls to reconcile, at most 31 days.</summary>
public sealed record ReconcileRequest
{
    /// <summary>The start, inclusive. Without an offset it is read as UTC.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>The end, exclusive: at most 31 days after the start.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <summary>The result of comparing LiteLLM's spend logs with the ledger. Counts are of spend logs.</summary>
/// <param name="Matched">Calls that were in the ledger already, whatever their cost.</param>
/// <param name="Added">Calls that were recorded and billed now.</param>
/// <param name="NeedsReview">Calls that were recorded now and wait for review.</param>
/// <param name="Skipped">Failed calls that cost nothing.</param>
/// <param name="Failed">The first 100 calls that could not be recorded, and why.</param>
/// <param name="FailedCount">How many calls could not be recorded.</param>
/// <param name="Differing">The first 100 matched calls whose cost differs.</param>
/// <param name="DifferingCount">How many matched calls have a different cost.</param>
public sealed record Reconciliation(
    int Matched, int Added, int NeedsReview, int Skipped, IReadOnlyList<IntakeFailure> Failed, int FailedCount,
    IReadOnlyList<CostDifference> Differing, int DifferingCount);

/// <summary>
/// A call whose cost differs between LiteLLM and the ledger by a nano-dollar or more. Costs are US dollars.
/// </summary>
/// <param name="ExternalId">The call's id at LiteLLM.</param>
/// <param name="UsageId">The usage in the ledger.</param>
/// <param name="OursUsd">The cost in the ledger; null if it is unknown there.</param>
/// <param name="TheirsUsd">The cost in LiteLLM's spend log.</param>
public sealed record CostDifference(string ExternalId, Guid UsageId, decimal? OursUsd, decimal TheirsUsd);
