using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.LiteLlm;
using Microsoft.AspNetCore.Builder;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// A database that can be read but not written to: every write is 503 and leaves nothing. Once the database takes
/// writes again, the service goes on by itself.
/// </summary>
public sealed class ReadOnlyDatabaseTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const string Span = """{"from":"2026-03-01","to":"2026-03-02"}""";

    [Fact]
    public async Task While_it_is_read_only_every_write_is_503_and_afterwards_the_same_requests_succeed()
    {
        var user = await service.UserAsync(100);
        await service.Fake.MakeCallsAsync(
            [new FakeCall { Cost = 0.01m, StartTime = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero) }]);
        var writes = Writes(user);

        await SetReadOnlyAsync("= on");
        var footprint = await service.Database.FootprintAsync();
        foreach (var (path, body, _) in writes)
        {
            var reply = await service.PostAsync(path, body, $"read-only {path}");
            reply.ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1", path);
        }
        (await service.GetAsync($"/users/{user}")).Expect(200);
        (await service.Database.FootprintAsync()).ShouldBe(footprint);

        // Sessions that were opened meanwhile stay read-only until they end; nobody ends them by hand.
        await ChangeAsync("RESET default_transaction_read_only");
        foreach (var (path, body, status) in writes)
        {
            await Chaos.ServiceProcess.UntilAsync(
                async () => (await service.PostAsync(path, body, $"read-only {path}")).Status != 503);
            (await service.PostAsync(path, body, $"read-only {path}")).Status.ShouldBe(status, path);
        }
        (await service.Database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'"))
            .ShouldBe(3);
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage")).ShouldBe(4);
    }

    private static (string Path, string Body, int Again)[] Writes(string user) =>
    [
        ("/usage", $$"""{"user_id":"{{user}}","amount_cents":1,"request_id":"ro-1"}""", 200),
        ("/usage/batch",
            $$"""[{"user_id":"{{user}}","amount_cents":1,"request_id":"ro-2"},"""
            + """{"user_id":"","amount_cents":1,"request_id":"ro-3"}]""", 200),
        ("/intake/litellm",
            $$"""[{"id":"ro-4","response_cost":0.01,"metadata":{"user_api_key_user_id":"{{user}}"} },null]""", 200),
        ("/intake/litellm/reconcile", Span, 200),
        ("/grants", $$"""{"user_id":"{{user}}","amount_cents":1}""", 201),
        ("/purchases", """{"credits_cents":1,"provider":"openai"}""", 201),
        ("/users", """{"user_id":"ro-new"}""", 200),
        ("/api-keys", """{"name":"ro","role":"ops"}""", 400), // Its name is taken by then.
        ("/prices/import?allow_gone=true", """
            {"ro": {"litellm_provider": "openai", "input_cost_per_token": 3e-09, "output_cost_per_token": 15e-09}}
            """, 200),
        ("/virtual-keys", $$"""{"user_id":"{{user}}","label":"l"}""", 201),
    ];

    private async Task SetReadOnlyAsync(string value)
    {
        await ChangeAsync($"SET default_transaction_read_only {value}");
        // Sessions that are open know nothing of it.
        await using var connection = await OpenAsync();
        await using var end = new NpgsqlCommand(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            + "WHERE datname = current_database() AND application_name LIKE 'factumerit%'", connection);
        await end.ExecuteNonQueryAsync();
        await Chaos.ServiceProcess.UntilAsync(async () => (await TryReadAsync()) == "on");
    }

    // The test's own pool has sessions that were ended, too.
    private async Task<string> TryReadAsync()
    {
        try
        {
            return await service.Database.ScalarAsync<string>("SHOW default_transaction_read_only");
        }
        catch (NpgsqlException)
        {
            return "";
        }
    }

    private async Task ChangeAsync(string change)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand($"ALTER DATABASE {connection.Database} {change}", connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var settings = new NpgsqlConnectionStringBuilder(service.Database.ConnectionString)
        {
            Options = "-c default_transaction_read_only=off",
            ApplicationName = "a test",
            Pooling = false,
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}

/// <summary>A role that lost a right it needs.</summary>
public sealed class MissingRightTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();
    private readonly string _role = $"role_{Guid.NewGuid():N}";
    private WebApplication _app = null!;
    private HttpClient _client = null!;
    private readonly AnswerRecorder _answers = new();

    public async Task InitializeAsync()
    {
        await _database.InitializeAsync();
        await _database.ExecuteAsync($"""
            CREATE ROLE {_role} LOGIN PASSWORD 'of-a-test';
            GRANT ALL ON ALL TABLES IN SCHEMA public TO {_role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {_role}
            """);
        var settings = new NpgsqlConnectionStringBuilder(_database.ConnectionString)
        { Username = _role, Password = "of-a-test" };
        _app = Service.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={settings.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}",
            "--Serilog:MinimumLevel:Default=Fatal"], _answers.Install);
        await Verbs.PrepareAsync(_app, migrate: false, CancellationToken.None);
        await _app.StartAsync();
        _client = new HttpClient
        {
            BaseAddress = new Uri(_app.Urls.First()),
            DefaultRequestHeaders = { Authorization = new("Bearer", LedgerService.AdminKey) }
        };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _database.ExecuteAsync($"DROP OWNED BY {_role}; DROP ROLE {_role}");
        _answers.ShouldHaveSeenOnlyDeclaredAnswers();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task An_insert_that_is_not_allowed_is_503_for_the_whole_request_and_succeeds_once_it_is()
    {
        const string Intake = """[{"id":"1","response_cost":0.01,"metadata":{"user_api_key_user_id":"u"}},"""
            + """{"id":"2","response_cost":0.01,"metadata":{"user_api_key_user_id":"u"}}]""";
        await _database.ExecuteAsync($"REVOKE INSERT ON ledger_entries, llm_usage FROM {_role}");

        (await PostAsync("/intake/litellm", Intake)).ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1");
        (await PostAsync("/usage", """{"user_id":"u","amount_cents":1,"request_id":"3","enforce_balance":true}"""))
            .Status.ShouldBe(402);
        (await _database.ScalarAsync<long>("SELECT count(*) FROM llm_usage")).ShouldBe(0);

        await _database.ExecuteAsync($"GRANT INSERT ON ledger_entries, llm_usage TO {_role}");
        IntakeService.Counts((await PostAsync("/intake/litellm", Intake)).Expect(200)).ShouldBe([2, 0, 0, 0, 0]);
    }

    private async Task<Reply> PostAsync(string path, string json)
    {
        using var body = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        using var answer = await _client.PostAsync(new Uri(path, UriKind.Relative), body);
        return await Reply.OfAsync(answer);
    }
}
