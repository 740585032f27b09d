namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>POST /usage, one call a request.</summary>
internal static class SingleUsages
{
    private static readonly WrkOrder Random = new("usage", 256, 10);

    public static async Task RandomAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("random", processes: 1, cancellationToken);
        var bytesBefore = await Disk.BytesAsync(lab.Server, ledger.Database, cancellationToken);
        await ledger.WarmUpAsync(cancellationToken);
        var run = await ledger.RunAsync(Random, cancellationToken);
        var peak = ledger.Service.PeakMegabytes;
        await ledger.CloseAsync(cancellationToken);
        var bytes = await Disk.BytesAsync(lab.Server, ledger.Database, cancellationToken) - bytesBefore;

        lab.CapacityPerSecond = run.GoodPerSecond;
        lab.Report("POST /usage, 256 connections, 10,000 users, random", run.GoodPerSecond, Unit.PerSecond)
            .Against("TPC-B", run.GoodPerSecond / lab.TpcbPerSecond, Unit.Times, must: 4, aim: 8)
            .Against("the raw limit", 100 * run.GoodPerSecond / lab.RawPerSecond, Unit.Percent, must: 60, aim: 85);
        lab.Report("the same: p50 latency", run.P50Ms, Unit.Milliseconds);
        lab.Report("the same: p99 latency", run.P99Ms, Unit.Milliseconds).Within(must: 50, aim: 25);
        lab.Report("the same: memory of the service at its highest", peak, Unit.Megabytes).Within(must: 200, aim: 120);
        lab.Report("bytes on disk per usage, all tables and indexes", (double)bytes / ledger.Usages, Unit.Bytes).Within(must: 700, aim: 450);
    }
}
