namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>POST /holds, alone and with the POST /usage that settles the hold.</summary>
internal static class Holds
{
    private const int TurnCount = 5;
    private static readonly WrkOrder Plain = new("usage", 256, 3);
    private static readonly WrkOrder Pairs = new("holds", 256, 3);
    private static readonly WrkOrder Alone = new("hold", 32, 3);

    public static async Task RunAsync(Lab lab, CancellationToken cancellationToken)
    {
        var ledger = await lab.WarmAsync(cancellationToken);
        await ledger.RunAsync(Pairs with { Seconds = 6 }, cancellationToken);
        await ledger.RunAsync(Alone, cancellationToken);
        var (plain, pairs) = (new List<double>(), new List<double>());
        var (random, hot) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < TurnCount; turn++)
        {
            plain.Add((await ledger.RunAsync(Plain, cancellationToken)).UsagesPerSecond);
            pairs.Add((await ledger.RunAsync(Pairs, cancellationToken)).UsagesPerSecond);
            random.Add((await ledger.RunAsync(Alone, cancellationToken)).P99Ms);
            hot.Add((await ledger.RunAsync(Alone with { Users = 1 }, cancellationToken)).P99Ms);
        }
        lab.Report("POST /holds and the POST /usage that settles it, 256 connections: pairs", pairs.Median(),
                Unit.PerSecond)
            .Against(
                "plain usages in turn with them", 100 * Turns.Ratio(pairs, plain), Unit.Percent, must: 40, aim: 48);
        lab.Report("POST /holds, 32 connections: p99 latency", random.Median(), Unit.Milliseconds)
            .Within(must: 15, aim: 10);
        lab.Report("the same, all on one user", hot.Median(), Unit.Milliseconds).Within(must: 15, aim: 10);
    }
}
