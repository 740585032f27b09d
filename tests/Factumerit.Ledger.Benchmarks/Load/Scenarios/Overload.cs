using System.Globalization;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// More load than the service can take. It must still accept usages quickly, refuse the others soon, and not use more
/// memory.
/// </summary>
internal static class Overload
{
    // Enough for twice the capacity if an answer takes an eighth of a second on average. With fewer connections, the
    // load would wait for the service.
    private const int Connections = 2048;
    private const int TurnCount = 3;

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("overload", processes: 1, cancellationToken);
        ledger.RefusalsExpected = true;
        await ledger.WarmUpAsync(cancellationToken);
        // The better of two: when the disk stalls during one, twice of what that got through would be no overload.
        var capacity = Math.Max(
            await MeasureCapacityAsync(ledger, cancellationToken),
            await MeasureCapacityAsync(ledger, cancellationToken));
        var crowd = new WrkOrder("overload", Connections, 4) { Rate = (int)(2 * capacity) };
        // The first crowd makes the service as large as it gets, which takes a while. Further crowds must not make it
        // larger.
        await ledger.RunAsync(crowd with { Seconds = 12 }, cancellationToken);
        var before = ledger.Service.PeakMegabytes;
        var runs = new List<WrkResult>();
        for (var turn = 0; turn < TurnCount; turn++)
            runs.Add(await ledger.RunAsync(crowd, cancellationToken));
        var after = ledger.Service.PeakMegabytes;
        await ledger.CloseAsync(cancellationToken);

        foreach (var run in runs.Where(r => r.Refused > r.Status(503) || r.SocketErrors > 0))
            lab.Fail($"overload: answers other than 201 and 503, or broken connections: {run}");
        var latencies = runs.ConvertAll(Latencies);
        var sent = runs.Select(r => r.AnswersPerSecond).Median();
        lab.Report(
            $"overload, {crowd.Rate:#,0} usages/s on {Connections:#,0} connections: really sent", sent, Unit.PerSecond)
            .Against("what 256 connections get through", sent / capacity, Unit.Times);
        Report(
            lab, "accepted", runs.Select(r => r.UsagesPerSecond).Median(), capacity,
            latencies.ConvertAll(l => l.Accepted));
        Report(
            lab, "refused", runs.Select(r => r.Refused / r.Seconds).Median(), capacity,
            latencies.ConvertAll(l => l.Refused));
        lab.Report("the same: memory at its highest", after, Unit.Megabytes)
            .Against("before", after / before, Unit.Times, must: 1.1, atLeast: false);
    }

    private static async Task<double> MeasureCapacityAsync(
        LedgerUnderLoad ledger, CancellationToken cancellationToken) =>
        (await ledger.RunAsync(new WrkOrder("usage", 256, 4), cancellationToken)).UsagesPerSecond;

    private static void Report(Lab lab, string what, double perSecond, double capacity, List<List<double>> latencies)
    {
        lab.Report($"the same: {what}", perSecond, Unit.PerSecond)
            .Against("what 256 connections get through", 100 * perSecond / capacity, Unit.Percent);
        if (latencies.Exists(turn => turn.Count == 0))
        {
            lab.Fail($"overload: nothing was {what}");
            return;
        }
        lab.Report(
            $"the same: p50 of the {what}",
            latencies.Select(turn => Percentile(turn, 0.5)).Median(), Unit.Milliseconds);
        lab.Report(
            $"the same: p99 of the {what}",
            latencies.Select(turn => Percentile(turn, 0.99)).Median(), Unit.Milliseconds).Within(must: 250);
        lab.Report(
            $"the same: p99 of the {what}, the worst turn",
            latencies.Max(turn => Percentile(turn, 0.99)), Unit.Milliseconds);
    }

    // Milliseconds, in order: of the good answers and of all others.
    private static (List<double> Accepted, List<double> Refused) Latencies(WrkResult run)
    {
        var (accepted, refused) = (new List<double>(), new List<double>());
        foreach (var line in run.Files("latencies").SelectMany(File.ReadLines))
        {
            var (status, microseconds) = (line[..3], line[4..]);
            (status is "200" or "201" ? accepted : refused)
                .Add(double.Parse(microseconds, CultureInfo.InvariantCulture) / 1000);
        }
        accepted.Sort();
        refused.Sort();
        return (accepted, refused);
    }

    private static double Percentile(List<double> sorted, double share) =>
        sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
}
