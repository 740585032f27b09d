namespace Factumerit.Ledger.LiteLlm;

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
