using System.Diagnostics.Metrics;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>The meters of the review queue: measured by the watch, for whoever listens.</summary>
public sealed class ReviewWatchTests
{
    [Fact]
    public Task The_queue_is_measured_for_whoever_listens() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        var measured = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == LedgerMetrics.MeterName
                && instrument.Name.StartsWith("ledger.review.", StringComparison.Ordinal))
                self.EnableMeasurementEvents(instrument);
        };
        // Services of other tests measure their queues as well, in other flows.
        var flow = new AsyncLocal<bool> { Value = true };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
        {
            if (flow.Value)
                measured[instrument.Name] = value;
        });
        listener.Start();
        using var watch = new ReviewWatch(
            new UsageQueries(database.Ledger), new BackgroundJobs(database.Ledger, TimeProvider.System),
            NullLogger<ReviewWatch>.Instance);

        await watch.MeasureAsync(CancellationToken.None);
        measured.ShouldBe(new Dictionary<string, long>
        { ["ledger.review.waiting"] = 0, ["ledger.review.oldest_age"] = 0 }, ignoreOrder: true);

        await database.PostAsync(async budgets => (await budgets.RecordUsageAsync(
            new() { UserId = "a", RequestId = "r" }, default)).Answer.ShouldNotBeNull());
        await database.ExecuteAsync("UPDATE llm_usage SET created_at = now() - interval '2 hours'");
        await watch.MeasureAsync(CancellationToken.None);
        measured["ledger.review.waiting"].ShouldBe(1);
        measured["ledger.review.oldest_age"].ShouldBeInRange(7200, 7300);
    });
}
