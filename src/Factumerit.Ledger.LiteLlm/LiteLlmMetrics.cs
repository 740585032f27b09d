using System.Diagnostics.Metrics;
using Factumerit.Ledger.Outbox;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>The instruments of the work with LiteLLM, on the ledger's meter. docs/operating.md lists them.</summary>
public static class LiteLlmMetrics
{
    private static readonly Meter Meter = new(LedgerMetrics.MeterName);

    private static readonly Counter<long> IntakeItems = Meter.CreateCounter<long>(
        "ledger.litellm.intake.items", "{item}", "Calls that LiteLLM reported, by result and reason.");

    // The size of the outbox, as the outbox worker last measured it.
    private static long _outboxLength;
    private static long _outboxAgeSeconds;

    static LiteLlmMetrics()
    {
        Meter.CreateObservableGauge(
            "ledger.litellm.outbox.length", () => Volatile.Read(ref _outboxLength),
            "{entry}", "Changes that LiteLLM has not received yet.");
        Meter.CreateObservableGauge(
            "ledger.litellm.outbox.age", () => Volatile.Read(ref _outboxAgeSeconds),
            "s", "How long the oldest change has been waiting for delivery.");
    }

    /// <summary>Counts a reported item.</summary>
    /// <param name="result">accepted, replayed, needs_review, skipped or failed.</param>
    /// <param name="reason">Why the item needs review or failed; null for every other result.</param>
    public static void TakenIn(string result, string? reason) =>
        IntakeItems.Add(1, new("result", result), new KeyValuePair<string, object?>("reason", reason));

    /// <summary>Records the current size of the outbox.</summary>
    public static void Observe(OutboxSize size)
    {
        Volatile.Write(ref _outboxLength, size.Length);
        Volatile.Write(ref _outboxAgeSeconds, (long)size.OldestAge.TotalSeconds);
    }
}
