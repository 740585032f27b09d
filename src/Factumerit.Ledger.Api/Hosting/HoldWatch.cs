using Factumerit.Ledger.Queries;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Marks expired holds in the background, in batches. Nothing depends on when: commits and answers judge each hold by
/// the clock (R23). Until a user's expired holds are marked, each commit for that user has to sum up the user's open
/// holds again.
/// </summary>
public sealed class HoldWatch(HoldQueries holds, BudgetService budgets, BackgroundJobs jobs, ILogger<HoldWatch> logger)
    : BackgroundService
{
    private const int BatchMax = 500;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>One round: marks all holds that have expired by now.</summary>
    public async Task ExpireAsync(CancellationToken cancellationToken)
    {
        while (await holds.ListExpiredAsync(BatchMax, cancellationToken) is { Count: > 0 } due)
        {
            var outcome = await budgets.ExpireHoldsAsync(due, cancellationToken);
            if (outcome.Refusal is { } refusal)
                throw new InvalidOperationException(refusal.Detail);
            // If another service has marked these, or the clocks of the query and the commit differ, the next round
            // continues.
            if (due.Count < BatchMax || outcome.Answer!.Count == 0)
                return;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        jobs.RunAsync(new("Marking expired holds", () => Period, ExpireAsync), logger, stoppingToken);
}
