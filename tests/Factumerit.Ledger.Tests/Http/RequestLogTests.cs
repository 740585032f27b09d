using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The log of a running program: one line per request with caller, request, status and milliseconds, and no secrets.
/// </summary>
public sealed class RequestLogTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();

    public Task InitializeAsync() => _database.InitializeAsync();

    public Task DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Requests_are_logged_one_line_each_and_secrets_never()
    {
        await using var service = ServiceProcess.Start(
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={_database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}");
        using var client = new HttpClient { BaseAddress = await service.UrlAsync() };
        var secret = (await SendAsync(client, HttpMethod.Post, "/api-keys", LedgerService.AdminKey,
            """{"name":"Watcher","role":"ops"}""")).Expect(201).Text("secret");
        (await SendAsync(client, HttpMethod.Get, "/users?prefix=a", secret)).Expect(200);
        (await SendAsync(client, HttpMethod.Post, "/grants", secret, """{"user_id":"private-user"}"""))
            .ExpectProblem(403, "forbidden");
        (await SendAsync(client, HttpMethod.Get, "/users", secret[..^1] + "x")).ExpectProblem(401, "unauthorized");
        var missing = (await SendAsync(client, HttpMethod.Get, "/users/no%0Abody", secret))
            .ExpectProblem(400, "validation-failed");

        (await service.StopAsync()).ShouldBe(0);

        var log = service.Stdout;
        log.ShouldMatch(@"INF bootstrap POST /api-keys 201 in \d+\.\d ms\n");
        log.ShouldMatch(@"INF Watcher GET /users 200 in \d+\.\d ms\n");
        log.ShouldMatch(@"INF Watcher POST /grants 403 in \d+\.\d ms, trace [0-9a-zA-Z:]+\n");
        log.ShouldMatch(@"INF - GET /users 401 in \d+\.\d ms, trace [0-9a-zA-Z:]+\n");
        log.ShouldMatch($@"INF Watcher GET /users/no%0Abody 400 in \d+\.\d ms, trace {missing.Text("trace_id")}\n");
        foreach (var hidden in (string[])[secret, secret[^64..], LedgerService.AdminKey, "private-user", "prefix=a"])
            (log + service.Stderr).ShouldNotContain(hidden);
        service.Stderr.ShouldBe("");
    }

    [Fact]
    public async Task A_database_that_is_read_only_costs_one_line_a_request_and_no_stack_trace()
    {
        await using var service = ServiceProcess.Start(
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={_database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}");
        using var client = new HttpClient { BaseAddress = await service.UrlAsync() };
        (string Path, string Body)[] writes =
        [
            ("/api-keys", """{"name":"Watcher","role":"ops"}"""), ("/purchases", """{"credits_cents":1}"""),
            ("/prices/import", """
                {"m": {"litellm_provider": "openai", "input_cost_per_token": 3e-09, "output_cost_per_token": 15e-09}}
                """),
        ];

        await SetReadOnlyAsync();
        foreach (var (path, body) in writes)
            (await SendAsync(client, HttpMethod.Post, path, LedgerService.AdminKey, body))
                .ExpectProblem(503, "unavailable");
        await SendAsync(client, HttpMethod.Get, "/ledger/integrity?full=true", LedgerService.AdminKey);

        (await service.StopAsync()).ShouldBe(0);
        foreach (var (path, _) in writes)
            service.Stdout.ShouldMatch($"bootstrap POST {path} 503 in ");
        (service.Stdout + service.Stderr).ShouldNotContain("   at ");
    }

    // Sessions that are open know nothing of it.
    private async Task SetReadOnlyAsync()
    {
        await _database.ExecuteAsync(
            $"ALTER DATABASE \"{new Npgsql.NpgsqlConnectionStringBuilder(_database.ConnectionString).Database}\" "
            + "SET default_transaction_read_only = on");
        await _database.ScalarAsync<long>(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
            + "AND application_name LIKE 'factumerit%' AND pid <> pg_backend_pid()");
    }

    private static async Task<Reply> SendAsync(
        HttpClient client, HttpMethod method, string path, string key, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { Authorization = new("Bearer", key) } };
        request.Headers.Add("Idempotency-Key", "once");
        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await client.SendAsync(request);
        return await Reply.OfAsync(response);
    }
}
