namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// A call whose cost differs between LiteLLM and the ledger by a nano-dollar or more. Costs are US dollars.
/// </summary>
/// <param name="ExternalId">The call's id at LiteLLM.</param>
/// <param name="UsageId">The usage in the ledger.</param>
/// <param name="OursUsd">The cost in the ledger; null if it is unknown there.</param>
/// <param name="TheirsUsd">The cost in LiteLLM's spend log.</param>
public sealed record CostDifference(string ExternalId, Guid UsageId, decimal? OursUsd, decimal TheirsUsd);

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
/// Asks LiteLLM for its calls in a span of time, records those that never arrived, and compares the costs of the
/// others. Running it again, or while calls arrive, records nothing twice (R17).
/// </summary>
public sealed class Reconciler(
    SpendLogs spendLogs, LiteLlmIntake intake, CallMapping mapping, ILogger<Reconciler> logger)
{
    public const int DifferencesMax = 100;

    // LiteLLM's costs are binary fractions, so their last digits are not significant.
    private const decimal LeastDifferenceUsd = 0.000000001m;

    /// <summary>
    /// Reconciles the calls from <paramref name="from"/> on, before <paramref name="to"/>. If LiteLLM or the ledger
    /// fails on the way, the calls recorded until then stay recorded.
    /// </summary>
    /// <exception cref="LiteLlmException">LiteLLM failed before it returned all calls.</exception>
    public async Task<Outcome<Reconciliation>> RunAsync(
        DateTimeOffset from, DateTimeOffset to, Actor by, CancellationToken cancellationToken)
    {
        var (tally, differing, differingCount) = (new IntakeTally(), new List<CostDifference>(), 0);
        Refusal? refusal;
        try
        {
            refusal = await intake.TakeInAsync(
                spendLogs.ReadAsync(from, to, cancellationToken),
                by,
                () => ValueTask.FromResult<Func<string?, string?>>(_ => null),
                Tell);
        }
        finally
        {
            tally.Log(logger);
        }
        return refusal is not null
            ? refusal
            : new Reconciliation(
                tally.Replayed, tally.Accepted, tally.NeedsReview, tally.Skipped, tally.Failed, tally.FailedCount,
                differing, differingCount);

        void Tell(TakenIn taken)
        {
            tally.Add(taken);
            if (taken.Status != IntakeStatus.Replayed || DifferenceOf(taken) is not { } difference)
                return;
            differingCount++;
            if (differing.Count < DifferencesMax)
                differing.Add(difference);
        }
    }

    private CostDifference? DifferenceOf(TakenIn taken)
    {
        var (call, usage) = (taken.Item.Call!, taken.Usage!);
        if (mapping.CostOf(call) is not { } theirsUsd
            || (usage.ProviderCostUsd is { } oursUsd && Math.Abs(oursUsd - theirsUsd) < LeastDifferenceUsd))
            return null;
        return new CostDifference(call.Aliases[0], usage.UsageId, usage.ProviderCostUsd, theirsUsd);
    }
}
