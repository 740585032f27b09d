using System.Globalization;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>What PostgreSQL does on this machine without us: pgbench's TPC-B-like transaction, each with a commit of its own.</summary>
internal static partial class Yardsticks
{
    private const string Database = "bench_tpcb";

    public static async Task TpcbAsync(Lab lab, CancellationToken cancellationToken)
    {
        await lab.Server.CreateDatabaseAsync(Database, null, cancellationToken);
        await lab.Server.PgBenchAsync(Database, cancellationToken, "-i", "-q", "-s", "50");
        await lab.Server.ExecuteAsync(Database, "CHECKPOINT", cancellationToken);
        var many = await lab.Server.PgBenchAsync(Database, cancellationToken, "-M", "prepared", "-c", "16", "-j", "2", "-T", "8");
        var one = await lab.Server.PgBenchAsync(Database, cancellationToken, "-M", "prepared", "-c", "1", "-T", "4");
        lab.TpcbPerSecond = Number(RatePattern(), many);
        lab.TpcbOneClientMs = Number(LatencyPattern(), one);
        lab.Report("TPC-B, 16 clients", lab.TpcbPerSecond.Value, Unit.PerSecond);
        lab.Report("TPC-B, 1 client: a transaction takes", lab.TpcbOneClientMs.Value, Unit.Milliseconds);
        await lab.Server.DropDatabaseAsync(Database, cancellationToken);
    }

    private static double Number(Regex pattern, string output) =>
        pattern.Match(output) is { Success: true } match
            ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench did not report: {output}");

    [GeneratedRegex(@"^tps = ([0-9.]+)", RegexOptions.Multiline)]
    private static partial Regex RatePattern();

    [GeneratedRegex(@"^latency average = ([0-9.]+) ms", RegexOptions.Multiline)]
    private static partial Regex LatencyPattern();
}
