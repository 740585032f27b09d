namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>A call whose cost is another at LiteLLM than here, by a nano-dollar or more. Costs are US dollars.</summary>
/// <param name="ExternalId">Its id at LiteLLM.</param>
/// <param name="UsageId">The usage here.</param>
/// <param name="OursUsd">The cost as it is kept here; null: not known here.</param>
/// <param name="TheirsUsd">The cost as LiteLLM's spend log has it.</param>
public sealed record CostDifference(string ExternalId, Guid UsageId, decimal? OursUsd, decimal TheirsUsd);

/// <summary>What LiteLLM's spend logs and the ledger had to say to each other. Counts are of spend logs.</summary>
/// <param name="Matched">Those whose call was here already, whatever its cost.</param>
/// <param name="Added">Those that were recorded and billed now.</param>
/// <param name="NeedsReview">Those that were recorded now, and wait for review.</param>
/// <param name="Skipped">Failed calls that cost nothing.</param>
/// <param name="Failed">The first 100 that could not be recorded, and why.</param>
/// <param name="FailedCount">How many could not be recorded.</param>
/// <param name="Differing">The first 100 of those matched whose cost differs.</param>
/// <param name="DifferingCount">How many of those matched differ.</param>
public sealed record Reconciliation(
    int Matched, int Added, int NeedsReview, int Skipped, IReadOnlyList<IntakeFailure> Failed, int FailedCount,
    IReadOnlyList<CostDifference> Differing, int DifferingCount);

/// <summary>
/// Asks LiteLLM which calls it made in a span of time, takes in those that never arrived, and compares the costs of the others. Running it again, or
/// while calls come in, adds nothing twice (R17).
/// </summary>
public sealed class Reconciler(SpendLogs spendLogs, LiteLlmIntake intake, CallMapping mapping, ILogger<Reconciler> logger)
{
    public const int DifferencesMax = 100;

    // LiteLLM's costs are binary fractions, whose last digits say nothing.
    private const decimal LeastDifferenceUsd = 0.000000001m;

    /// <summary>Goes through the calls from <paramref name="from"/> on, before <paramref name="to"/>. What was done stays done when LiteLLM or the ledger fails on the way.</summary>
    /// <exception cref="LiteLlmException">LiteLLM did not tell all.</exception>
    public async Task<Outcome<Reconciliation>> RunAsync(
        DateTimeOffset from, DateTimeOffset to, Actor by, CancellationToken cancellationToken)
    {
        var (tally, differing, differingCount) = (new IntakeTally(), new List<CostDifference>(), 0);
        Refusal? refusal;
        try
        {
            refusal = await intake.TakeInAsync(spendLogs.ReadAsync(from, to, cancellationToken), by, () => ValueTask.FromResult<Func<string?, string?>>(_ => null), Tell);
        }
        finally
        {
            tally.Log(logger);
        }
        return refusal is not null
            ? refusal
            : new Reconciliation(tally.Replayed, tally.Accepted, tally.NeedsReview, tally.Skipped, tally.Failed, tally.FailedCount, differing, differingCount);

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
        if (mapping.CostOf(call) is not { } theirsUsd || (usage.ProviderCostUsd is { } oursUsd && Math.Abs(oursUsd - theirsUsd) < LeastDifferenceUsd))
            return null;
        return new CostDifference(call.Aliases[0], usage.UsageId, usage.ProviderCostUsd, theirsUsd);
    }
}
