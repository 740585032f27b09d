namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>One thing that is measured. Scenarios run in the order of <see cref="All"/>, yardsticks first.</summary>
internal sealed record Scenario(string Name, string About, Func<Lab, CancellationToken, Task> RunAsync, bool FullOnly = false)
{
    public static readonly IReadOnlyList<Scenario> All =
    [
        new("tpcb", "TPC-B: what PostgreSQL does with one commit per small transaction", Yardsticks.TpcbAsync),
        new("raw", "raw limit: rows like those of 500 usages by one statement in one commit", RawLimit.RunAsync),
        new("random", "POST /usage, 256 connections, random users; memory and bytes on disk", SingleUsages.RandomAsync),
    ];
}
