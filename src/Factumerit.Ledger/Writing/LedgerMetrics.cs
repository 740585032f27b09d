using System.Diagnostics.Metrics;

namespace Factumerit.Ledger.Writing;

/// <summary>The ledger's instruments, on the framework's meters under the name <see cref="MeterName"/>. docs/operating.md lists them.</summary>
public static class LedgerMetrics
{
    public const string MeterName = "Factumerit.Ledger";

    private static readonly Meter Meter = new(MeterName);

    public static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>(
        "ledger.writer.batch.size", "{command}", "Commands that shared one commit.");

    public static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>(
        "ledger.writer.commit.duration", "s", "From taking a batch to its durable commit, retries included.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "ledger.writer.retries", "{attempt}", "Commits that were tried again after a serialization failure, a deadlock or a lost connection.");

    public static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "ledger.refusals", "{command}", "Commands that were refused, by code.");

    public static readonly Gauge<long> ReviewWaiting = Meter.CreateGauge<long>(
        "ledger.review.waiting", "{usage}", "Usages that wait for review.");

    public static readonly Gauge<long> ReviewOldestAge = Meter.CreateGauge<long>(
        "ledger.review.oldest_age", "s", "How long the first of them has been waiting; 0 when none is.");

    // Held weakly: tests make many writers, and a meter never lets go of what it observes.
    private static WeakReference<LedgerWriter>? _observed;

    static LedgerMetrics() => Meter.CreateObservableGauge(
        "ledger.writer.queue.length", () => _observed is { } o && o.TryGetTarget(out var writer) ? writer.Waiting : 0, "{command}", "Commands that wait or are being written.");

    internal static void Observe(LedgerWriter writer) => _observed = new(writer);
}
