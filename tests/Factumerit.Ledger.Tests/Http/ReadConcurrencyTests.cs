using System.Net.Http.Headers;
using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Lists, reports and checks of the books take turns, beside which everything else goes on.</summary>
public sealed class ReadConcurrencyTests(ReadConcurrencyTests.Small service) : IClassFixture<ReadConcurrencyTests.Small>
{
    private const int ReportsAtOnce = 2;
    private const int WaitingMax = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public sealed class Small : LedgerService
    {
        // What the service reads by itself, of the tables that are held here, stays away.
        protected override string[] Configuration =>
            [$"--Database:PoolSize={2 * ReportsAtOnce}", "--Integrity:IntervalSeconds=0",
                "--Pricing:RefreshSeconds=3600"];
    }

    [Fact]
    public async Task A_crowd_of_reports_leaves_everything_else_its_connections()
    {
        var user = await service.UserAsync(10);
        var bot = await service.KeyAsync("bot");
        await using var hold = await HoldAsync("model_prices");
        var reports = Enumerable.Range(0, 3 * ReportsAtOnce).Select(_ => service.GetAsync("/prices")).ToList();
        await WaitForQueriesThatWaitAsync(ReportsAtOnce);

        // A key that was never seen has to be looked up.
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 1, request_id = "beside reports" },
            key: bot).WaitAsync(Patience)).Expect(201);
        (await service.BalanceAsync(user).WaitAsync(Patience)).ShouldBe(9);

        reports.ShouldAllBe(report => !report.IsCompleted);
        (await service.Database.QueriesThatWaitAsync()).ShouldBe(ReportsAtOnce);
        await hold.DisposeAsync();
        (await Task.WhenAll(reports)).ShouldAllBe(reply => reply.Status == 200);
    }

    [Fact]
    public async Task Of_the_checks_of_the_books_one_runs_at_a_time_and_one_of_those_that_read_all()
    {
        await using var hold = await HoldAsync("ledger_checkpoint");
        string[] paths = ["/ledger/integrity", "/ledger/integrity?full=false", "/ledger/integrity",
            "/ledger/integrity?full=true", "/ledger/integrity?full=true"];
        var checks = paths.Select(path => service.GetAsync(path)).ToList();
        await WaitForQueriesThatWaitAsync(2);

        (await service.GetAsync("/ledger/summary").WaitAsync(Patience)).Expect(200);

        (await service.Database.QueriesThatWaitAsync()).ShouldBe(2);
        checks.ShouldAllBe(check => !check.IsCompleted);
        await hold.DisposeAsync();
        (await Task.WhenAll(checks)).ShouldAllBe(reply => reply.Status == 200);
    }

    [Fact]
    public async Task Too_many_are_503_with_Retry_After_and_whoever_leaves_makes_room()
    {
        await using var hold = await HoldAsync("model_prices");
        var running = Enumerable.Range(0, ReportsAtOnce).Select(_ => service.GetAsync("/prices")).ToList();
        await WaitForQueriesThatWaitAsync(ReportsAtOnce);
        using var client = new HttpClient
        {
            BaseAddress = service.Url,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", LedgerService.AdminKey) },
        };
        using var leave = new CancellationTokenSource();
        var leaving = Enumerable.Range(0, WaitingMax).Select(_ => client.GetAsync("/prices", leave.Token)).ToList();

        var refused = await UntilAsync(reply => reply?.Status == 503);
        await leave.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(leaving));
        var waits = await UntilAsync(reply => reply is null);

        refused!.ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1");
        refused.Text("detail").ShouldStartWith("Too many lists and reports are waiting.");
        waits.ShouldBeNull();
        (await service.Database.QueriesThatWaitAsync()).ShouldBe(ReportsAtOnce);
        await hold.DisposeAsync();
        (await Task.WhenAll(running)).ShouldAllBe(reply => reply.Status == 200);
        (await service.GetAsync("/prices").WaitAsync(Patience)).Expect(200);
    }

    // Asks again until the answer is as it should be; none means that it waits.
    private async Task<Reply?> UntilAsync(Func<Reply?, bool> isRight)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var asked = service.GetAsync("/prices");
            await Task.WhenAny(asked, Task.Delay(TimeSpan.FromMilliseconds(200)));
            var reply = asked.IsCompleted ? await asked : null;
            if (isRight(reply))
                return reply;
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(Patience);
        }
    }

    // Whoever reads the table waits, and keeps the connection.
    private async Task<NpgsqlConnection> HoldAsync(string table)
    {
        var connection = new NpgsqlConnection(service.Database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private Task WaitForQueriesThatWaitAsync(int count) =>
        Chaos.ServiceProcess.UntilAsync(async () => await service.Database.QueriesThatWaitAsync() >= count);
}
