using System.Globalization;
using System.Text.RegularExpressions;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// A role with the rights of the list, and no others, serves every route; what it lacks is named at the start.
/// </summary>
public sealed class ServingRightsTests(ServingRightsTests.Restricted service)
    : IClassFixture<ServingRightsTests.Restricted>
{
    /// <summary>The service as a role that owns nothing.</summary>
    public sealed class Restricted : LiteLlmService
    {
        private readonly string _role = $"app_{Guid.NewGuid():N}";

        public string ServingConnectionString =>
            new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Username = _role, Password = "app" }
                .ConnectionString;

        protected override async Task<string> ConnectAsync()
        {
            await TestServer.ExecuteAsync($"CREATE ROLE {_role} LOGIN PASSWORD 'app'");
            foreach (var (table, rights) in ServingRights.ByTable)
                await Database.ExecuteAsync(ServingRights.Grant(rights, table, _role));
            return ServingConnectionString;
        }

        public override async Task DisposeAsync()
        {
            await base.DisposeAsync();
            await TestServer.ExecuteAsync($"DROP ROLE {_role}");
        }
    }

    [Fact]
    public async Task Every_route_works_with_the_rights_of_the_list_alone()
    {
        var called = new HashSet<string>();
        async Task<Reply> Call(string route, string? body = null, params string[] values)
        {
            called.Add(route.Split('?')[0]);
            var (verb, path) = (route.Split(' ')[0], route.Split(' ')[1]);
            foreach (var value in values)
                path = path[..path.IndexOf('{')] + value + path[(path.IndexOf('}') + 1)..];
            var content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            var reply = await service.SendAsync(
                new HttpMethod(verb), path, content, Guid.NewGuid().ToString(), LedgerService.AdminKey);
            reply.Status.ShouldBeInRange(200, 201, $"{route}: {reply.Body}");
            return reply;
        }

        await Call("POST /prices/import", """
            {"known":{"litellm_provider":"anthropic","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05}}
            """);
        await Call("GET /prices");
        var later = await Call($"POST /prices/import?valid_from={DateTimeOffset.UtcNow.AddDays(1).UtcDateTime:O}", """
            {"known":{"litellm_provider":"anthropic","input_cost_per_token":6e-06,"output_cost_per_token":1.5e-05}}
            """);
        await Call("DELETE /prices/versions/{version:long}", null, later.Amount("version").ToString(
            CultureInfo.InvariantCulture));
        await Call("GET /prices/{**model}", null, "known");
        await Call("POST /purchases", """{"credits_cents":2500,"sales_tax_cents":259,"provider":"anthropic"}""");
        await Call("POST /users", """{"user_id":"anna","initial_credit_cents":100}""");
        await Call("POST /grants", """{"user_id":"anna","amount_cents":500}""");
        await Call("POST /virtual-keys", """{"user_id":"anna","label":"a key"}""");
        var usage = await Call(
            "POST /usage", """{"user_id":"anna","model":"known","prompt_tokens":35,"completion_tokens":4}""");
        await Call("POST /usage/batch", """
            [{"user_id":"anna","amount_cents":1,"request_id":"b1"},
             {"user_id":"anna","request_id":"b2","model":"unknown","prompt_tokens":1}]
            """);
        var hold = (await Call("POST /holds", """{"user_id":"anna","amount_cents":5}""")).Text("hold_id");
        await Call("POST /holds/{id:guid}/increase", """{"amount_cents":1}""", hold);
        await Call(
            "POST /usage",
            $$"""{"user_id":"anna","amount_cents":1,"request_id":"h1","hold_id":"{{hold}}","closes_hold":false}""");
        await Call("GET /holds/{id:guid}", null, hold);
        await Call("GET /holds");
        await Call("POST /holds/{id:guid}/release", """{"reason":"a trial"}""", hold);
        await Call("POST /intake/litellm", """
            [{"id":"c1","litellm_call_id":"1","response_cost":0.01,"model":"known","custom_llm_provider":"anthropic",
              "metadata":{"user_api_key_user_id":"anna"}},
             {"id":"c2","litellm_call_id":"2","model":"unheard-of","metadata":{"user_api_key_user_id":"anna"}},
             {"id":"c3","litellm_call_id":"3","model":"unheard-of","metadata":{"user_api_key_user_id":"anna"}}]
            """);
        await Call("POST /intake/litellm/reconcile", """{"from":"2026-01-31T00:00:00Z","to":"2026-02-01T00:00:00Z"}""");
        await Call("GET /usage/{usage_id:guid}", null, usage.Text("usage_id"));
        var waiting = (await Call("GET /usage?billing_status=needs_review")).List("usages");
        await Call("POST /usage/{usage_id:guid}/bill", """{"amount_cents":1}""",
            waiting[0].GetProperty("usage_id").GetString()!);
        await Call("POST /usage/{usage_id:guid}/waive", """{"reason":"a trial"}""",
            waiting[1].GetProperty("usage_id").GetString()!);
        await Call("POST /usage/reprice", "{}");
        await Call("POST /write-downs", """{"from_usage":true,"provider":"anthropic"}""");
        foreach (var read in (string[])["GET /users", "GET /ledger/balances", "GET /ledger/integrity?full=true",
            "GET /ledger/integrity", "GET /ledger/faults", "GET /ledger/summary", "GET /ledger/headroom",
            "GET /reports/margin",
            "GET /health/ready", "GET /health/live"])
            await Call(read);
        await Call("GET /problems/{code}", null, "unavailable");
        // A fault for the background check to keep, and its resolution.
        await service.Database.ExecuteAsync(
            "UPDATE account_totals SET entry_count = entry_count + 1 WHERE account = 'user:*'");
        await service.Get<Factumerit.Ledger.Api.Hosting.IntegrityWatch>().CheckAsync(CancellationToken.None);
        await service.Database.ExecuteAsync(
            "UPDATE account_totals SET entry_count = entry_count - 1 WHERE account = 'user:*'");
        var fault = (await Call("GET /ledger/faults")).List("faults")[0].GetProperty("fault_id").ToString();
        await Call("POST /ledger/faults/{id:long}/resolve", """{"reason":"set back"}""", fault);
        foreach (var read in (string[])[
            "GET /users/{user_id}", "GET /users/{user_id}/entries", "GET /users/{user_id}/transactions"])
            await Call(read, null, "anna");
        await Call("GET /ledger/transactions/{id:guid}", null, usage.Text("transaction_id"));
        var keys = (await Call("GET /virtual-keys")).List("virtual_keys");
        await Call("DELETE /virtual-keys/{id:guid}", null, keys[0].GetProperty("virtual_key_id").GetString()!);
        await Call("DELETE /users/{user_id}", null, "anna");
        await Call("POST /api-keys", """{"name":"a bot","role":"bot"}""");
        var key = (await Call("GET /api-keys")).List("api_keys")[0].GetProperty("id").GetString()!;
        await Call("POST /api-keys/{id:guid}/rotate", "{}", key);
        await Call("GET /audit-log");
        await Call("DELETE /api-keys/{id:guid}", null,
            (await Call("GET /api-keys")).List("api_keys")[0].GetProperty("id").GetString()!);
        await service.Watch.RemoveOrphansAsync(CancellationToken.None);
        await service.Watch.CheckKeysAsync(CancellationToken.None);
        await LiteLlmService.UntilAsync(async () => (await service.OutboxAsync()).Count == 0);

        // The root only leads on to the API page.
        service.Routes.Where(r => r.RoutePattern.RawText != "/").SelectMany(NamesOf).Except(called).ShouldBeEmpty();
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public Task Missing_rights_are_named_with_the_statements_that_give_them() =>
        WithRoleAsync(async (database, role, connectionString) =>
        {
            await database.ExecuteAsync(
                $"REVOKE INSERT, UPDATE ON llm_usage FROM {role}; REVOKE ALL ON api_keys FROM {role}");

            var (exitCode, _, stderr) = await ServiceProcess.RunAsync(
                $"--ConnectionStrings:Ledger={connectionString}", "--Database:MigrateAtStart=false",
                "--urls=http://127.0.0.1:0");

            exitCode.ShouldBe(1);
            var rights = ServingRights.ByTable;
            var (keys, usages) = (rights["api_keys"], rights["llm_usage"]["SELECT, ".Length..]);
            stderr.ShouldBe(
                $"Factumerit.Ledger can't start: the role {role} lacks {keys} on api_keys, {usages} on llm_usage. " +
                "Let the owner of the tables run: " +
                $"GRANT {keys} ON api_keys TO {role}; GRANT {usages} ON llm_usage TO {role};");
            await database.ExecuteAsync(
                $"GRANT {keys} ON api_keys TO {role}; GRANT {usages} ON llm_usage TO {role}; " +
                $"REVOKE UPDATE (filled_at) ON llm_usage FROM {role}");
            (await MissingAsync(connectionString, role)).ShouldNotBeNull()
                .ShouldContain($"lacks {usages["INSERT, ".Length..]} on llm_usage.");
        });

    // As every role had them that was set up before columns were listed.
    [Fact]
    public Task Rights_on_whole_tables_are_enough() => WithRoleAsync(async (database, role, connectionString) =>
    {
        foreach (var table in ServingRights.ByTable.Where(t => t.Value.Contains('(')).Select(t => t.Key))
            await database.ExecuteAsync(
                $"REVOKE ALL ON {table} FROM {role}; GRANT SELECT, INSERT, UPDATE ON {table} TO {role}");

        (await MissingAsync(connectionString, role)).ShouldBeNull();
    });

    [Theory]
    [InlineData("UPDATE api_keys SET role = 'admin'")]
    [InlineData("UPDATE api_keys SET name = 'another'")]
    [InlineData("UPDATE api_keys SET user_prefix = NULL")]
    [InlineData("UPDATE api_keys SET may_overdraw = true")]
    [InlineData("UPDATE user_budgets SET opening_cents = 1")]
    [InlineData("UPDATE user_budgets SET user_id = 'another'")]
    [InlineData("UPDATE llm_usage SET posted_by = 1")]
    [InlineData("UPDATE llm_usage SET request_hash = 1")]
    [InlineData("UPDATE llm_usage SET occurred_at = now()")]
    [InlineData("UPDATE ledger_faults SET kind = 'another'")]
    [InlineData("UPDATE virtual_keys SET user_id = 'another'")]
    public async Task What_the_service_never_changes_is_refused_to_its_role(string attack)
    {
        await using var ledger = new LedgerDatabase(service.ServingConnectionString);
        await using var command = ledger.Readers.CreateCommand(attack);

        (await Should.ThrowAsync<PostgresException>(command.ExecuteNonQueryAsync())).SqlState
            .ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    [Fact]
    public Task A_schema_that_the_role_may_not_use_is_named() =>
        WithRoleAsync(async (database, role, connectionString) =>
        {
            await database.ExecuteAsync("REVOKE USAGE ON SCHEMA public FROM PUBLIC");

            (await MissingAsync(connectionString, role)).ShouldNotBeNull()
                .ShouldEndWith($"GRANT USAGE ON SCHEMA public TO {role};");
        });

    [Fact]
    public Task A_role_that_may_not_migrate_is_told_who_should() =>
        WithRoleAsync(async (database, role, connectionString) =>
        {
            await database.ExecuteAsync(
                """DELETE FROM "__EFMigrationsHistory" WHERE "MigrationId" LIKE '%NoticeTampering'""");
            await using var ledger = new LedgerDatabase(connectionString);

            (await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(ledger, CancellationToken.None)))
                .Message.ShouldStartWith($"the role {role} may not bring the schema up to date (");
        });

    [Fact]
    public void The_documentation_lists_the_same_rights()
    {
        // A statement may take several lines.
        var documented = Regex.Matches(
                File.ReadAllText(Path.Combine(Repository.Root, "docs", "operating.md")),
                @"^    GRANT [^;]* ON (?!SCHEMA )[^;]* TO app;$", RegexOptions.Multiline)
            .Select(statement => Regex.Replace(statement.Value.Trim(), @"\s+", " "));

        documented.ShouldBe(
            ServingRights.ByTable.Select(t => ServingRights.Grant(t.Value, t.Key, "app")), ignoreOrder: true);
    }

    // What the start says that the role lacks; null when it lacks nothing.
    private static async Task<string?> MissingAsync(string connectionString, string role)
    {
        await using var ledger = new LedgerDatabase(connectionString);
        var facts = new DatabaseFacts("ledger", role, IsReadOnly: false);
        try
        {
            await DatabaseInspection.RequireServingRightsAsync(ledger, facts, CancellationToken.None);
            return null;
        }
        catch (UnusableDatabaseException exception)
        {
            return exception.Message;
        }
    }

    private static IEnumerable<string> NamesOf(RouteEndpoint route) =>
        (route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Where(verb => verb != "HEAD")
            .Select(verb => $"{verb} {route.RoutePattern.RawText!.TrimEnd('/')}");

    private static Task WithRoleAsync(Func<TestDatabase, string, string, Task> test) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            var role = $"app_{Guid.NewGuid():N}";
            await TestServer.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'app'");
            foreach (var (table, rights) in ServingRights.ByTable)
                await database.ExecuteAsync(ServingRights.Grant(rights, table, role));
            try
            {
                var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString)
                {
                    Username = role,
                    Password = "app",
                    Pooling = false,
                };
                await test(database, role, settings.ConnectionString);
            }
            finally
            {
                await database.ExecuteAsync($"DROP OWNED BY {role}");
                await TestServer.ExecuteAsync($"DROP ROLE {role}");
            }
        });
}
