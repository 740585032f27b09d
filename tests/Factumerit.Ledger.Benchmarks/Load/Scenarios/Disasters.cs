namespace Factumerit.Ledger.Benchmarks.Load.Scenarios;

/// <summary>
/// Failures in the middle of the load. These scenarios do not measure speed: the audit afterwards is the result.
/// </summary>
internal static class Disasters
{
    private const int Connections = 256;

    /// <summary>The service is killed while it writes, and started again, twice.</summary>
    public static async Task CrashAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("crash", processes: 1, cancellationToken);
        ledger.RefusalsExpected = true;
        var killed = 0;
        for (; killed < 2; killed++)
        {
            // wrk loses the connections that a killed service refuses, so each start of the service has its own run.
            var loading = ledger.RunAsync(
                new WrkOrder("usage", Connections, 4), ledger.Services[^1], cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(2.5), cancellationToken);
            await ledger.Services[^1].KillAsync();
            await ledger.StartServiceAsync(cancellationToken);
            await loading;
        }
        await ledger.RunAsync(new WrkOrder("usage", Connections, 2), ledger.Services[^1], cancellationToken);
        await ReportAsync(lab, ledger, "service killed in the middle of the load", killed, cancellationToken);
    }

    /// <summary>
    /// PostgreSQL ends the service's connections again and again while it writes. Clients see at worst a 503.
    /// </summary>
    public static async Task BackendsAsync(Lab lab, CancellationToken cancellationToken)
    {
        await using var ledger = await lab.OpenAsync("backends", processes: 1, cancellationToken);
        await ledger.WarmUpAsync(cancellationToken);
        ledger.RefusalsExpected = true;
        var loading = ledger.RunAsync(new WrkOrder("usage", Connections, 8), cancellationToken);
        var ended = 0L;
        while (!loading.IsCompleted)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), cancellationToken);
            ended += await lab.Server.ScalarAsync<long>(
                "postgres",
                $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{ledger.Database}'",
                cancellationToken);
        }
        var run = await loading;
        // A 503 may stand for a commit whose outcome could not be learned; it says that the same key may be sent again.
        ledger.MoreUnacknowledged = (long)run.Status(503);
        if (run.Refused > run.Status(503) || run.SocketErrors > 0)
            lab.Fail($"backends: answers other than 201 and 503, or broken connections: {run}");
        await ReportAsync(
            lab, ledger, "PostgreSQL's backends ended in the middle of the load", ended, cancellationToken);
    }

    private static async Task ReportAsync(
        Lab lab, LedgerUnderLoad ledger, string what, long times, CancellationToken cancellationToken)
    {
        var failures = lab.Failures.Count;
        await ledger.CloseAsync(cancellationToken);
        lab.Report(
            $"{what}, {times} times: faults found by the audit of {ledger.Usages:#,0} usages",
            lab.Failures.Count - failures, Unit.Count).Within(must: 0, aim: 0);
    }
}
