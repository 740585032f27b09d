using Factumerit.Ledger.Reading;
using Factumerit.Ledger.Writing;
using Npgsql;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Measures the review queue in the background for whoever listens to the meters, so that no scrape asks the database; without a listener nothing is
/// asked at all.
/// </summary>
public sealed partial class ReviewWatch(ReviewQueries reviews, TimeProvider clock, ILogger<ReviewWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>One round: how many wait, and how long the first of them has.</summary>
    public async Task MeasureAsync(CancellationToken cancellationToken)
    {
        if (!LedgerMetrics.ReviewWaiting.Enabled && !LedgerMetrics.ReviewOldestAge.Enabled)
            return;
        var review = await reviews.MeasureAsync(cancellationToken);
        LedgerMetrics.ReviewWaiting.Record(review.Waiting);
        LedgerMetrics.ReviewOldestAge.Record(review.OldestAgeSeconds ?? 0);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TryMeasureAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops, or did not even start; the framework would log the latter as a failure of its own.
        }
    }

    private async Task TryMeasureAsync(CancellationToken cancellationToken)
    {
        try
        {
            await MeasureAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            LogSkipped(logger, exception.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The review queue could not be measured: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string reason);
}
