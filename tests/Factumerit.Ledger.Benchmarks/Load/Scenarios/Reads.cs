using System.Text.Json;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// Measures readers while usages are written, and their cost to the writers. Also how soon a service is ready.
/// </summary>
internal static class Reads
{
    private const int StartsMeasured = 5;
    private const int ChecksInARow = 20;
    private const int IntegrityTurns = 3;

    public static async Task StartAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("start", processes: 1, cancellationToken);
        await ledger.RunAsync(new WrkOrder("usage", 64, 2), cancellationToken);
        await ledger.Service.StopAsync();
        var seconds = new List<double>();
        for (var i = 0; i < StartsMeasured; i++)
        {
            var service = await ledger.StartServiceAsync(cancellationToken);
            seconds.Add(service.ReadyAfter.TotalSeconds);
            await service.StopAsync();
        }
        await ledger.CloseAsync(cancellationToken);
        lab.Report("start to ready on an existing database, median of 5", seconds.Median(), Unit.Seconds)
            .Within(must: 3, aim: 1);
    }

    public static async Task WhileWritingAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        await ledger.RunAsync(new WrkOrder("read", 8, 2), cancellationToken);
        var writing = ledger.RunAsync(new WrkOrder("usage", 64, 8), cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        var reads = await ledger.RunAsync(new WrkOrder("read", 8, 6), cancellationToken);
        var writes = await writing;
        lab.Report("POST /usage, 64 connections, beside the readers", writes.UsagesPerSecond, Unit.PerSecond);
        lab.Report("GET /users/{id} beside it: p50 latency", reads.P50Ms, Unit.Milliseconds);
        lab.Report("GET /users/{id} beside it: p99 latency", reads.P99Ms, Unit.Milliseconds).Within(must: 20, aim: 5);
    }

    /// <summary>Load with 20 checks in a row, and load without, take turns.</summary>
    public static async Task IntegrityAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        var order = new WrkOrder("usage", 256, 5);
        var (with, without, checks) = (new List<double>(), new List<double>(), 0);
        for (var turn = 0; turn < IntegrityTurns; turn++)
        {
            // What was used in the turn without checks is none of theirs.
            await CheckOnceAsync(lab, ledger, cancellationToken);
            var loading = ledger.RunAsync(order, cancellationToken);
            checks += await CheckAsync(lab, ledger, loading, cancellationToken);
            with.Add((await loading).UsagesPerSecond);
            without.Add((await ledger.RunAsync(order, cancellationToken)).UsagesPerSecond);
        }
        lab.Report(
            "GET /ledger/integrity, asked three times for 20 in a row within 5 s of full load: done",
            checks, Unit.Count).Within(must: IntegrityTurns * ChecksInARow, atLeast: true);
        lab.Report("POST /usage, 256 connections, beside them", with.Median(), Unit.PerSecond)
            .Against("without, in turn with it", 100 * Turns.Ratio(with, without), Unit.Percent, must: 90, aim: 100);
    }

    private static async Task<int> CheckAsync(
        Lab lab, LedgerUnderLoad ledger, Task loading, CancellationToken cancellationToken)
    {
        var done = 0;
        while (done < ChecksInARow && !loading.IsCompleted)
        {
            await CheckOnceAsync(lab, ledger, cancellationToken);
            if (!loading.IsCompleted)
                done++;
        }
        return done;
    }

    private static async Task CheckOnceAsync(Lab lab, LedgerUnderLoad ledger, CancellationToken cancellationToken)
    {
        using var client = ledger.CreateClient();
        var report = JsonDocument.Parse(
            await client.GetStringAsync(new Uri("/ledger/integrity", UriKind.Relative), cancellationToken)).RootElement;
        if (!report.GetProperty("is_balanced").GetBoolean() || report.GetProperty("faults").GetArrayLength() > 0)
            lab.Fail($"integrity: a false alarm: {report}");
    }
}
