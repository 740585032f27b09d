namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>What ten million entries change: the throughput of usages, and the time that reports take.</summary>
internal static class Growth
{
    private const int Usages = 5_000_000;
    private const int Repeats = 20;

    // The disk is busiest here, and turns differ the most.
    private const int ComparedTurns = 9;
    private static readonly TimeSpan ReportTimeMax = TimeSpan.FromSeconds(60);
    private static readonly WrkOrder Order = new("usage", 256, 4);

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var empty = await lab.OpenAsync("empty", processes: 1, cancellationToken);
        await using var ledger = await lab.OpenAsync("growth", processes: 0, cancellationToken);
        lab.Say($"filling in {2 * Usages:#,0} entries");
        await Filling.RunAsync(lab.Server, ledger.Database, Usages, cancellationToken);
        ledger.MoreAcknowledged = Filling.RequestIds(Usages);
        await ledger.StartServiceAsync(cancellationToken);
        await ledger.MakeKeyAsync(cancellationToken);

        await ReportAsync(lab, ledger, "/ledger/balances?limit=100", 50, 10, cancellationToken);
        await ReportAsync(lab, ledger, "/ledger/summary", 50, 10, cancellationToken);
        await ReportAsync(lab, ledger, "/ledger/headroom", 50, 10, cancellationToken);
        await ReportAsync(lab, ledger, "/ledger/integrity", 1000, 100, cancellationToken);
        await CompareAsync(lab, ledger, empty, cancellationToken);
    }

    // The grown ledger and an empty one take turns.
    private static async Task CompareAsync(
        Lab lab, LedgerUnderLoad grown, LedgerUnderLoad empty, CancellationToken cancellationToken)
    {
        await empty.WarmUpAsync(cancellationToken);
        await grown.WarmUpAsync(cancellationToken);
        var (withRows, without) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < ComparedTurns; turn++)
        {
            without.Add((await empty.RunAsync(Order, cancellationToken)).UsagesPerSecond);
            withRows.Add((await grown.RunAsync(Order, cancellationToken)).UsagesPerSecond);
        }
        await empty.CloseAsync(cancellationToken);
        await grown.CloseAsync(cancellationToken);
        lab.Report("POST /usage, 256 connections, at 10 million entries", withRows.Median(), Unit.PerSecond)
            .Against(
                "an empty ledger in turn with it", 100 * Turns.Ratio(withRows, without), Unit.Percent,
                must: 85, aim: 95);
    }

    // After one that is not counted; a report that is slow is not repeated forever.
    private static async Task ReportAsync(
        Lab lab, LedgerUnderLoad ledger, string path, double mustMs, double aimMs, CancellationToken cancellationToken)
    {
        using var client = ledger.CreateClient();
        await client.GetByteArrayAsync(new Uri(path, UriKind.Relative), cancellationToken);
        var began = TimeProvider.System.GetTimestamp();
        var milliseconds = new List<double>();
        while (milliseconds.Count < Repeats
            && (milliseconds.Count < 1 || TimeProvider.System.GetElapsedTime(began) < ReportTimeMax))
        {
            var sent = TimeProvider.System.GetTimestamp();
            await client.GetByteArrayAsync(new Uri(path, UriKind.Relative), cancellationToken);
            milliseconds.Add(TimeProvider.System.GetElapsedTime(sent).TotalMilliseconds);
        }
        milliseconds.Sort();
        lab.Report($"GET {path} at 10 million entries: median of {milliseconds.Count}",
            milliseconds[milliseconds.Count / 2], Unit.Milliseconds)
            .Within(mustMs, aimMs);
        lab.Report("the same: the slowest", milliseconds[^1], Unit.Milliseconds);
    }
}
