using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Ready means that it can write: a database that takes no writes is not ready, and says why.</summary>
public sealed class ReadinessTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_read_only_database_is_not_ready_until_it_takes_writes_again()
    {
        await ExecuteAsync("ALTER DATABASE {0} SET default_transaction_read_only = on");
        await ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            + "WHERE datname = '{0}' AND application_name LIKE 'factumerit%'");
        await UntilReadySaysAsync("read-only");

        await ExecuteAsync("ALTER DATABASE {0} RESET default_transaction_read_only");
        await UntilReadySaysAsync("healthy");
    }

    [Theory]
    [InlineData("53100", "disk full")]
    [InlineData("42501", "lacks a right")]
    [InlineData("58030", "can't be written to")]
    public async Task Commits_that_fail_make_it_not_ready_until_a_write_succeeds(string sqlState, string said)
    {
        var user = await service.UserAsync(10);
        await ExecuteAsync($"""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlState}'; END $$;
            CREATE TRIGGER fail BEFORE INSERT ON llm_usage FOR EACH STATEMENT EXECUTE FUNCTION fail();
            CREATE TRIGGER fail BEFORE INSERT ON idempotency_keys FOR EACH STATEMENT EXECUTE FUNCTION fail()
            """);
        var usage = new { user_id = user, amount_cents = 1, request_id = "r" };
        (await service.PostAsync("/usage", usage)).ExpectProblem(503, "unavailable");
        await UntilReadySaysAsync(said);
        // Nobody sends anything meanwhile, and it still can't be written to.
        await Task.Delay(TimeSpan.FromSeconds(6));
        await UntilReadySaysAsync(said);

        await ExecuteAsync("DROP FUNCTION fail() CASCADE");
        await UntilReadySaysAsync("healthy");
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM idempotency_keys WHERE operation = 'health'"))
            .ShouldBe(0);
        (await service.PostAsync("/usage", usage)).Expect(201);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_read_of_a_table_that_is_locked_gives_up_within_10_seconds_also_where_queries_may_run_long()
    {
        await using var connection = new NpgsqlConnection(service.Database.ConnectionString);
        await connection.OpenAsync();
        await using var hold = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand(
            "LOCK TABLE user_budgets, ledger_entries, llm_usage IN ACCESS EXCLUSIVE MODE", connection))
            await command.ExecuteNonQueryAsync();
        string[] paths = ["/users", "/users/u", "/ledger/integrity", "/ledger/integrity?full=true", "/ledger/balances",
            "/reports/margin", "/usage"];
        var began = TimeProvider.System.GetTimestamp();

        var replies = await Task.WhenAll(paths.Select(path => service.GetAsync(path)));

        TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(15));
        foreach (var (path, reply) in paths.Zip(replies))
            reply.Status.ShouldBeOneOf([200, 503], path);
        replies.ShouldContain(reply => reply.Status == 503);
    }

    private Task UntilReadySaysAsync(string said) => Chaos.ServiceProcess.UntilAsync(async () =>
        (await service.GetAsync("/health/ready", key: null))
            .Json.GetProperty("checks").GetProperty("database").GetString() == said);

    // From a connection that can write, whatever the database's setting is.
    private async Task ExecuteAsync(string sql)
    {
        var settings = new NpgsqlConnectionStringBuilder(service.Database.ConnectionString)
        {
            Options = "-c default_transaction_read_only=off",
            ApplicationName = "a test",
            Pooling = false,
        };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            sql.Replace("{0}", settings.Database, StringComparison.Ordinal), connection);
        await command.ExecuteNonQueryAsync();
    }
}
