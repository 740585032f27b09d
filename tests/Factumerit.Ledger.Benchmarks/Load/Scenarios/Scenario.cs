namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>One thing that is measured. Scenarios run in the order of <see cref="All"/>, yardsticks first.</summary>
internal sealed record Scenario(
    string Name, string About, Func<Lab, CancellationToken, Task> RunAsync, bool FullOnly = false)
{
    public static readonly IReadOnlyList<Scenario> All =
    [
        new("tpcb", "TPC-B: what PostgreSQL does with one commit per small transaction", Yardsticks.TpcbAsync),
        new("raw", "raw limit: rows like those of 500 usages by one statement in one commit", RawLimit.RunAsync),
        new("plain", "one at a time: a plain EF service with one commit per request", Yardsticks.PlainAsync),
        new("random", "POST /usage, 256 connections, random users; memory and bytes on disk", Usages.RandomAsync),
        new("one", "POST /usage, 1 connection", Usages.OneConnectionAsync),
        new("hot", "POST /usage, 256 connections, all on one user", Usages.HotAsync),
        new("batch", "POST /usage/batch, 8 connections of 100", Usages.BatchAsync),
        new("holds", "POST /holds, 32 connections; with the POST /usage that settles it, 256", Holds.RunAsync),
        new("dual", "POST /usage with price book and both costs, and with amount_cents alone", DualCost.PriceBookAsync),
        new("read", "GET /users/{id} while 64 connections post usage", Reads.WhileWritingAsync),
        new("integrity", "integrity checks in a row during full load", Reads.IntegrityAsync),
        new("intake", "POST /intake/litellm, 8 connections of 100 calls with 10 KB of prompt each",
            DualCost.IntakeAsync),
        new("single", "POST /intake/litellm, 200 connections of single calls, and the first hundred after a start",
            SingleIntake.RunAsync),
        new("two", "two service processes on one database", Usages.TwoProcessesAsync),
        new("overload", "more than the service can take", Overload.RunAsync),
        new("start", "start to ready on an existing database", Reads.StartAsync),
        new("crash", "the service killed in the middle of the load", Disasters.CrashAsync),
        new("backends", "PostgreSQL's backends ended in the middle of the load", Disasters.BackendsAsync),
        new("growth", "ten million entries", Growth.RunAsync, FullOnly: true),
    ];
}
