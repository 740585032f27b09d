using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Measures the review queue in the background, so that no scrape of the metrics queries the database. Without a
/// listener it queries nothing.
/// </summary>
public sealed class ReviewWatch(UsageQueries reviews, BackgroundJobs jobs, ILogger<ReviewWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>One round: how many usages wait, and how long the oldest has waited.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        if (!LedgerMetrics.ReviewWaiting.Enabled && !LedgerMetrics.ReviewOldestAge.Enabled)
            return;
        var review = await reviews.MeasureAsync(cancellationToken);
        LedgerMetrics.ReviewWaiting.Record(review.Waiting);
        LedgerMetrics.ReviewOldestAge.Record(review.OldestAgeSeconds ?? 0);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        jobs.RunAsync(new("Measuring the review queue", () => Period, MeasureAsync), logger, stoppingToken);
}
