namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>POST /usage and POST /usage/batch, as one service takes them.</summary>
internal static class Usages
{
    private const int TurnCount = 7;
    private const int BatchTurnCount = 5;

    // What is far from where it must be needs fewer.
    private const int ShortTurnCount = 3;
    private static readonly WrkOrder Random = new("usage", 256, 3);

    /// <summary>Takes turns with the yardsticks, so that a change of the machine's mood meets all of them.</summary>
    public static async Task RandomAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        await using var raw = await RawLimit.OpenAsync(lab, "raw_beside_random", cancellationToken);
        var (tpcb, limit, runs, flushes) =
            (new List<double>(), new List<double>(), new List<WrkResult>(), new List<double>());
        for (var turn = 0; turn < TurnCount; turn++)
        {
            tpcb.Add(await Yardsticks.TpcbPerSecondAsync(lab, clients: 16, seconds: 2, cancellationToken));
            limit.Add(await raw.PerSecondAsync(1, cancellationToken));
            runs.Add(await ledger.RunAsync(Random, cancellationToken));
            flushes.Add(await Disk.LongestFlushMsAsync(lab, TimeSpan.FromSeconds(1), cancellationToken));
        }
        var (usedLimit, usedRates) = await OnUsedLogAsync(lab, ledger, raw, cancellationToken);
        var peak = ledger.Service.PeakMegabytes;
        await raw.CloseAsync(cancellationToken);
        var bytes = await Disk.BytesAsync(lab.Server, ledger.Database, cancellationToken)
            - await Disk.BytesAsync(lab.Server, Lab.Seeded, cancellationToken);
        var usages = await lab.Server.ScalarAsync<long>(
            ledger.Database, "SELECT count(*) FROM llm_usage", cancellationToken);

        var rates = runs.ConvertAll(r => r.UsagesPerSecond);
        lab.Report("POST /usage, 256 connections, 10,000 users, random", rates.Median(), Unit.PerSecond)
            .Against("TPC-B in turn with it", Turns.Ratio(rates, tpcb), Unit.Times, must: 4, aim: 8)
            .Against("the raw limit in turn with it", 100 * Turns.Ratio(rates, limit), Unit.Percent, must: 60, aim: 85)
            .Against("one at a time", rates.Median() / lab.PlainPerSecond, Unit.Times);
        lab.Report(
            "the same, after a checkpoint: files of the log are used again instead of made",
            usedRates.Median(), Unit.PerSecond)
            .Against("the raw limit in turn with it", 100 * Turns.Ratio(usedRates, usedLimit), Unit.Percent);
        lab.Report("the same: p50 latency", runs.Select(r => r.P50Ms).Median(), Unit.Milliseconds);
        lab.Report("the same: p99 latency", runs.Select(r => r.P99Ms).Median(), Unit.Milliseconds)
            .Within(must: 50, aim: 25);
        lab.Report("the same: p99 latency, the worst turn", runs.Max(r => r.P99Ms), Unit.Milliseconds);
        lab.Report(
            "the disk alone in turn with it, 128 KB flushed every 10 ms: the longest flush of a turn",
            flushes.Median(), Unit.Milliseconds);
        lab.Report("the same: of all turns", flushes.Max(), Unit.Milliseconds);
        lab.Report("the same: memory of the service at its highest", peak, Unit.Megabytes).Within(must: 200, aim: 120);
        lab.Report("bytes on disk per usage, all tables and indexes", (double)bytes / usages, Unit.Bytes)
            .Within(must: 700, aim: 450);
    }

    // As on a server that has been in use for a while: PostgreSQL does not have to create log files. The first turn
    // does not count: each page changes for the first time after the checkpoint, so the log takes the whole page.
    private static async Task<(List<double> Limit, List<double> Rates)> OnUsedLogAsync(
        Lab lab, LedgerUnderLoad ledger, RawLimit raw, CancellationToken cancellationToken)
    {
        await lab.Server.ExecuteAsync(ledger.Database, "CHECKPOINT", cancellationToken);
        await raw.PerSecondAsync(1, cancellationToken);
        await ledger.RunAsync(Random, cancellationToken);
        var (limit, rates) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < ShortTurnCount; turn++)
        {
            limit.Add(await raw.PerSecondAsync(1, cancellationToken));
            rates.Add((await ledger.RunAsync(Random, cancellationToken)).UsagesPerSecond);
        }
        return (limit, rates);
    }

    public static async Task OneConnectionAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        var (tpcb, rates) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < ShortTurnCount; turn++)
        {
            tpcb.Add(await Yardsticks.TpcbPerSecondAsync(lab, clients: 1, seconds: 2, cancellationToken));
            rates.Add((await ledger.RunAsync(new WrkOrder("usage", 1, 2), cancellationToken)).UsagesPerSecond);
        }
        lab.Report("POST /usage, 1 connection: a call takes", 1000 / rates.Median(), Unit.Milliseconds)
            .Against(
                "a TPC-B transaction at 1 client in turn with it", Turns.Ratio(tpcb, rates), Unit.Times,
                must: 2.5, aim: 1.5, atLeast: false);
    }

    /// <summary>
    /// Random users and one hot account take turns, so a change in the machine's speed affects both.
    /// </summary>
    public static async Task HotAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        var (random, hot) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < ShortTurnCount; turn++)
        {
            random.Add((await ledger.RunAsync(Random, cancellationToken)).UsagesPerSecond);
            hot.Add((await ledger.RunAsync(Random with { Users = 1 }, cancellationToken)).UsagesPerSecond);
        }
        lab.Report("POST /usage, 256 connections, all on one user", hot.Median(), Unit.PerSecond)
            .Against("random users in turn with it", 100 * Turns.Ratio(hot, random), Unit.Percent, must: 90, aim: 100);
    }

    public static async Task BatchAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        await using var raw = await RawLimit.OpenAsync(lab, "raw_beside_batch", cancellationToken);
        var order = new WrkOrder("batch", 8, 2) { CallsPerRequest = 100 };
        await ledger.RunAsync(order with { Seconds = 4 }, cancellationToken);
        var (limit, runs) = (new List<double>(), new List<WrkResult>());
        for (var turn = 0; turn < BatchTurnCount; turn++)
        {
            limit.Add(await raw.PerSecondAsync(1, cancellationToken));
            runs.Add(await ledger.RunAsync(order, cancellationToken));
        }
        await raw.CloseAsync(cancellationToken);
        foreach (var run in runs.Where(r => r.Numbers["usages"] < r.Status(200) * order.CallsPerRequest))
            lab.Fail($"batch: {run.Status(200)} answers acknowledged only {run.Numbers["usages"]} usages");
        var rates = runs.ConvertAll(r => r.UsagesPerSecond);
        lab.Report("POST /usage/batch, 8 connections of 100", rates.Median(), Unit.PerSecond)
            .Against(
                "the raw limit in turn with it", 100 * Turns.Ratio(rates, limit), Unit.Percent, must: 85, aim: 100);
    }

    /// <summary>One process with all connections, and two on the same database with half each, take turns.</summary>
    public static async Task TwoProcessesAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("two", processes: 2, cancellationToken);
        await ledger.WarmUpAsync(cancellationToken);
        var half = Random with { Connections = Random.Connections / 2 };
        var (one, two) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < ShortTurnCount; turn++)
        {
            one.Add((await ledger.RunAsync(Random, cancellationToken)).UsagesPerSecond);
            var both = await Task.WhenAll(ledger.Services.Select(s => ledger.RunAsync(half, s, cancellationToken)));
            two.Add(both.Sum(r => r.UsagesPerSecond));
        }
        await ledger.CloseAsync(cancellationToken);
        lab.Report("two service processes on one database, 128 connections each", two.Median(), Unit.PerSecond)
            .Against("one process in turn with them", 100 * Turns.Ratio(two, one), Unit.Percent, must: 80, aim: 100);
    }
}
