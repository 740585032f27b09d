using System.Diagnostics.Metrics;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The ledger's instruments, on the framework's meters under the name <see cref="MeterName"/>. docs/operating.md lists
/// them.
/// </summary>
public static class LedgerMetrics
{
    public const string MeterName = "Factumerit.Ledger";

    private static readonly Meter Meter = new(MeterName);

    public static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>(
        "ledger.writer.batch.size", "{command}", "Commands that shared one commit.");

    public static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>(
        "ledger.writer.commit.duration", "s", "Time from taking a batch to its commit, including retries.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "ledger.writer.retries", "{attempt}",
        "Commits that were retried after a serialization failure, a deadlock or a lost connection.");

    private static readonly Counter<long> Guesses = Meter.CreateCounter<long>(
        "ledger.writer.guesses", "{batch}",
        "Batches that were decided on cached budgets, by whether the budgets were current;"
        + " batches on stale budgets are decided again.");

    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "ledger.refusals", "{command}", "Commands that were refused, by code.");

    public static readonly Gauge<long> Faults = Meter.CreateGauge<long>(
        "ledger.integrity.faults", "{fault}", "Unresolved faults of the books, as of the last background check.");

    public static readonly Gauge<long> ReviewWaiting = Meter.CreateGauge<long>(
        "ledger.review.waiting", "{usage}", "Usages that wait for review.");

    public static readonly Gauge<long> ReviewOldestAge = Meter.CreateGauge<long>(
        "ledger.review.oldest_age", "s", "How long the oldest usage has been waiting for review; 0 if none waits.");

    /// <summary>Counts a refusal.</summary>
    public static void Refused(Refusal refusal) =>
        Refusals.Add(1, new KeyValuePair<string, object?>("code", refusal.Code));

    /// <summary>Counts a batch that was decided on cached budgets.</summary>
    public static void Guessed(bool wasRight) => Guesses.Add(1, new KeyValuePair<string, object?>("right", wasRight));

    // A weak reference, because tests create many writers and a meter never releases an object that it observes.
    private static WeakReference<LedgerWriter>? _observed;

    static LedgerMetrics()
    {
        Meter.CreateObservableGauge(
            "ledger.writer.queue.length",
            () => _observed is { } o && o.TryGetTarget(out var writer) ? writer.Waiting : 0,
            "{command}", "Commands that wait or are being written.");
    }

    internal static void Observe(LedgerWriter writer) => _observed = new(writer);
}
