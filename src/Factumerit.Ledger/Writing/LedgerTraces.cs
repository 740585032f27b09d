using System.Diagnostics;

namespace Factumerit.Ledger.Writing;

/// <summary>The ledger's spans, on the framework's activities. While nobody listens, none is made.</summary>
public static class LedgerTraces
{
    public const string SourceName = "Factumerit.Ledger";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>
    /// Begins the span of a commit. Many callers share it: it belongs to the trace of the first one, and has links to
    /// the traces of the others.
    /// </summary>
    internal static Activity? BeginCommit(IReadOnlyList<PendingCall> batch)
    {
        if (!Source.HasListeners())
            return null;
        var callers = batch.Select(call => call.Trace).Where(trace => trace != default).ToList();
        return Source.StartActivity(
            "ledger.commit", ActivityKind.Internal, callers.FirstOrDefault(),
            tags: [new("ledger.commands", batch.Sum(call => call.Commands.Count))],
            links: callers.Skip(1).Select(trace => new ActivityLink(trace)));
    }
}
