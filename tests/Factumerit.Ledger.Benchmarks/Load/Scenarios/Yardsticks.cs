using System.Globalization;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// Figures without the ledger service: PostgreSQL itself with pgbench's TPC-B-like transaction, and a plain service on
/// PostgreSQL. Each transaction has its own commit.
/// </summary>
internal static partial class Yardsticks
{
    private const string Database = "bench_tpcb";

    public static async Task TpcbAsync(Lab lab, CancellationToken cancellationToken)
    {
        var perSecond = await TpcbPerSecondAsync(lab, clients: 16, seconds: 8, cancellationToken);
        lab.TpcbPerSecond = perSecond;
        lab.Report("TPC-B, 16 clients", perSecond, Unit.PerSecond);
        lab.Report("TPC-B, 1 client: a transaction takes",
            1000 / await TpcbPerSecondAsync(lab, clients: 1, seconds: 4, cancellationToken), Unit.Milliseconds);
    }

    /// <summary>Transactions a second, as of now: for what takes turns with it.</summary>
    public static async Task<double> TpcbPerSecondAsync(
        Lab lab, int clients, int seconds, CancellationToken cancellationToken)
    {
        if (!lab.HasTpcb)
        {
            await lab.Server.CreateDatabaseAsync(Database, null, cancellationToken);
            await lab.Server.PgBenchAsync(Database, cancellationToken, "-i", "-q", "-s", "50");
            lab.HasTpcb = true;
        }
        string[] arguments =
            ["-M", "prepared", "-c", Text(clients), "-j", Text(Math.Min(clients, 2)), "-T", Text(seconds)];
        return Number(RatePattern(), await lab.Server.PgBenchAsync(Database, cancellationToken, arguments));
    }

    public static async Task PlainAsync(Lab lab, CancellationToken cancellationToken)
    {
        const string database = "bench_plain";
        var connectionString = await lab.CopySeededAsync(database, cancellationToken);
        var environment = new Dictionary<string, string> { ["ConnectionStrings__Ledger"] = connectionString };
        string[] command = [Path.Combine(AppContext.BaseDirectory, "Factumerit.Ledger.Benchmarks.dll"), "plain"];
        var order = new WrkOrder("usage", 64, 5);
        await using var service = await ServiceProcess.StartAsync(
            "dotnet", command, environment, "/ready", ServiceProcess.FreePort(), cancellationToken);
        var warmUp = await lab.Wrk.RunAsync(service.Url, lab.AdminKey, order with { Seconds = 2 }, cancellationToken);
        var run = await lab.Wrk.RunAsync(service.Url, lab.AdminKey, order, cancellationToken);
        await service.StopAsync();
        var rollbacks = await lab.Server.ScalarAsync<long>(
            "postgres", $"SELECT xact_rollback FROM pg_stat_database WHERE datname = '{database}'", cancellationToken);
        lab.Say($"plain: {run}, {rollbacks:#,0} transactions lost and tried again");
        if (run.Refused > run.Status(503) || run.UsagesPerSecond == 0)
            throw new InvalidOperationException($"The plain service does not do its work: {run}");
        lab.PlainPerSecond = run.UsagesPerSecond;
        lab.Report("one at a time: a plain EF service, 64 connections", run.UsagesPerSecond, Unit.PerSecond)
            .Against("TPC-B", run.UsagesPerSecond / lab.TpcbPerSecond, Unit.Times);
        var audit = new Audit(connectionString)
        {
            UsersByTag = new Dictionary<int, int> { [warmUp.Tag] = Calls.Users, [run.Tag] = Calls.Users },
            Acknowledged = warmUp.Acknowledged.Concat(run.Acknowledged),
            UnacknowledgedMax = 2 * order.Connections,
            FaultsIgnored = ["total-mismatch", "time-reversed"],
        };
        await lab.AuditAsync("plain", audit, cancellationToken);
    }

    private static double Number(Regex pattern, string output) =>
        pattern.Match(output) is { Success: true } match
            ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench did not report: {output}");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^tps = ([0-9.]+)", RegexOptions.Multiline)]
    private static partial Regex RatePattern();
}
