using System.Text.Json;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The audit log has every change that is not a posting, once, with its key. Calls that change nothing are not in it.
/// </summary>
public sealed class AuditLogTests
{
    [Fact]
    public void The_list_of_known_actions_is_complete() =>
        typeof(AuditActions).GetFields().Where(field => field.IsLiteral)
            .Select(field => (string)field.GetRawConstantValue()!)
            .ShouldBe(AuditActions.All, ignoreOrder: true);

    [Fact]
    public Task Changes_of_keys_are_logged() => WithServiceAsync(async service =>
    {
        var admin = (await service.PostAsync("/api-keys", new { name = "Ann", role = "admin" })).Expect(201);
        var key = (await service.PostAsync("/api-keys", new { name = "b", role = "bot", user_prefix = "x:" },
            key: admin.Text("secret"))).Expect(201).Text("id");
        (await service.PostAsync($"/api-keys/{key}/rotate", "{}", key: admin.Text("secret"))).Expect(200);
        (await service.DeleteAsync($"/api-keys/{key}", admin.Text("secret"))).Expect(200);
        (await service.DeleteAsync($"/api-keys/{key}")).Expect(200);

        (await LinesAsync(service)).ShouldBe(
        [
            $"Ann api_key.revoked {key}", $"Ann api_key.rotated {key}", $"Ann api_key.made {key}",
            $"bootstrap api_key.made {admin.Text("id")}",
        ]);
        (await service.GetAsync("/audit-log")).Body.ShouldNotContain(admin.Text("secret")[^64..]);
    });

    [Fact]
    public Task Imports_reviews_deletions_and_signups_without_credit_are_logged() => WithServiceAsync(async service =>
    {
        (await service.PostAsync("/prices/import",
            """{"m":{"litellm_provider":"p","input_cost_per_token":1e-06,"output_cost_per_token":1e-06}}"""))
            .Expect(200);
        (await service.PostAsync("/users", new { user_id = "u" })).Expect(201);
        string[] usages = [await WaitingAsync(service, "1"), await WaitingAsync(service, "2")];
        (await service.PostAsync($"/usage/{usages[0]}/bill", new { amount_cents = 0 })).Expect(200);
        (await service.PostAsync($"/usage/{usages[1]}/waive", new { reason = "ours" })).Expect(200);
        (await service.DeleteAsync("/users/u")).Expect(200);

        (await LinesAsync(service)).ShouldBe(
        [
            "bootstrap user.deleted u", $"bootstrap usage.waived {usages[1]}", $"bootstrap usage.billed {usages[0]}",
            "bootstrap user.signed_up u", "bootstrap prices.imported 1",
        ]);
    });

    [Fact]
    public Task Cancelled_prices_and_resolved_faults_are_logged_once() => WithServiceAsync(async service =>
    {
        const string map =
            """{"m":{"litellm_provider":"p","input_cost_per_token":1e-06,"output_cost_per_token":1e-06}}""";
        (await service.PostAsync($"/prices/import?valid_from={DateTime.UtcNow.AddDays(1):O}", map)).Expect(200);
        var fault = await service.Database.ScalarAsync<long>(
            "INSERT INTO ledger_faults (found_at, last_seen_at, kind, subject, detail) "
            + "VALUES (now(), now(), 'unbalanced', 's', 'd') RETURNING id");
        for (var round = 0; round < 2; round++)
        {
            (await service.DeleteAsync("/prices/versions/1")).Expect(200);
            (await service.PostAsync($"/ledger/faults/{fault}/resolve", new { reason = "looked at" })).Expect(200);
        }

        (await LinesAsync(service)).ShouldBe(
            [$"bootstrap fault.resolved {fault}", "bootstrap prices.cancelled 1", "bootstrap prices.imported 1"]);
        (await service.GetAsync("/audit-log?action=fault.resolved")).Body.ShouldContain("looked at");
    });

    [Fact]
    public Task What_changes_nothing_or_only_moves_money_is_not_logged() => WithServiceAsync(async service =>
    {
        const string map =
            """{"m":{"litellm_provider":"p","input_cost_per_token":1e-06,"output_cost_per_token":1e-06}}""";
        (await service.PostAsync("/prices/import?dry_run=true", map)).Expect(200);
        (await service.PostAsync("/purchases", new { credits_cents = 100 }, "p")).Expect(201);
        (await service.PostAsync("/users", new { user_id = "u", initial_credit_cents = 5 })).Expect(201);
        (await service.PostAsync("/users", new { user_id = "u" })).Expect(200);
        (await service.PostAsync("/usage", new { user_id = "u", amount_cents = 1, request_id = "r" })).Expect(201);
        (await service.PostAsync("/api-keys", new { name = "bootstrap", role = "admin" })).Expect(400);
        (await service.DeleteAsync("/users/nobody")).Expect(404);

        (await LinesAsync(service)).ShouldBeEmpty();

        (await service.DeleteAsync("/users/u")).Expect(200);
        (await service.DeleteAsync("/users/u")).Expect(200);
        (await LinesAsync(service)).ShouldBe(["bootstrap user.deleted u"]);
    });

    [Fact]
    public async Task Keys_at_LiteLLM_are_logged()
    {
        var service = new LiteLlmService();
        await service.InitializeAsync();
        try
        {
            (await service.PostAsync("/users", new { user_id = "u" })).Expect(201);
            var key = (await service.PostAsync("/virtual-keys", new { user_id = "u", label = "l" }))
                .Expect(201).Text("virtual_key_id");
            (await service.DeleteAsync($"/virtual-keys/{key}")).Expect(200);

            (await LinesAsync(service)).ShouldBe(
                [$"bootstrap virtual_key.revoked {key}", $"bootstrap virtual_key.made {key}",
                    "bootstrap user.signed_up u"]);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task Keys_that_end_with_their_user_or_at_LiteLLM_are_logged_once()
    {
        var service = new LiteLlmService();
        await service.InitializeAsync();
        try
        {
            var (deleted, spent) = (await service.UserAsync(1, "deleted"), await service.UserAsync(1, "spent"));
            VirtualKeyInTest[] keys =
            [
                await service.VirtualKeyAsync(deleted), await service.VirtualKeyAsync(deleted),
                await service.VirtualKeyAsync(spent),
            ];
            (await service.DeleteAsync($"/virtual-keys/{keys[0].Id}")).Expect(200);
            var admin = (await service.PostAsync("/api-keys", new { name = "Ann", role = "admin" })).Expect(201);

            (await service.DeleteAsync("/users/deleted", admin.Text("secret"))).Expect(200);
            await LiteLlmService.UntilAsync(async () => (await service.OutboxAsync()).Count == 0);
            service.Fake.Keys.Clear();
            await service.UseAsync(spent, 1);
            await LiteLlmService.UntilAsync(async () => await service.StatusAsync(keys[2]) == "revoked");

            (await service.GetAsync("/audit-log?action=virtual_key.revoked")).List("changes")
                .Select(c => $"{Line(c)} {c.GetProperty("detail")}").ShouldBe(
            [
                $"service virtual_key.revoked {keys[2].Id} "
                + """{"reason":"The gateway no longer knows this key.","user_id":"spent"}""",
                $$"""Ann virtual_key.revoked {{keys[1].Id}} {"reason":"The user was deleted.","user_id":"deleted"}""",
                $$"""bootstrap virtual_key.revoked {{keys[0].Id}} {"user_id":"deleted"}""",
            ]);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public Task The_log_comes_in_pages_of_one_action_or_all() => WithServiceAsync(async service =>
    {
        foreach (var user in (string[])["a", "b", "c"])
            (await service.PostAsync("/users", new { user_id = user })).Expect(201);
        (await service.DeleteAsync("/users/a")).Expect(200);

        var first = (await service.GetAsync("/audit-log?action=user.signed_up&limit=2")).Expect(200);
        Subjects(first).ShouldBe(["c", "b"]);
        var second = (await service.GetAsync(
            $"/audit-log?action=user.signed_up&limit=2&before={first.Next("next_before")}")).Expect(200);
        Subjects(second).ShouldBe(["a"]);
        second.Next("next_before").ShouldBeNull();
        (await service.GetAsync("/audit-log?limit=0&before=x")).ExpectErrors("limit", "before");
    });

    [Fact]
    public Task A_misspelt_action_is_refused_and_the_known_ones_are_named() => WithServiceAsync(async service =>
    {
        var refusal = await service.GetAsync("/audit-log?action=user.signedup");

        refusal.ExpectErrors("action");
        foreach (var action in AuditActions.All)
        {
            refusal.Body.ShouldContain(action);
            (await service.GetAsync($"/audit-log?action={action}")).Expect(200);
        }
    });

    [Fact]
    public void All_actions_are_known() => AuditActions.All.ShouldBe(
        typeof(AuditActions).GetFields().Where(field => field.IsLiteral)
            .Select(field => (string)field.GetValue(null)!));

    private static IEnumerable<string> Subjects(Reply page) =>
        page.List("changes").Select(c => c.GetProperty("subject").GetString()!);

    private static async Task<string> WaitingAsync(LedgerService service, string request) =>
        (await service.PostAsync(
            "/usage", new { user_id = "u", request_id = request, billing_status = "needs_review" }))
            .Expect(201).Text("usage_id");

    private static async Task<IEnumerable<string>> LinesAsync(LedgerService service) =>
        (await service.GetAsync("/audit-log")).Expect(200).List("changes").Select(Line);

    private static string Line(JsonElement change) =>
        $"{change.GetProperty("by").GetProperty("name")} {change.GetProperty("action")} "
        + $"{change.GetProperty("subject")}";

    private static async Task WithServiceAsync(Func<LedgerService, Task> test)
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        try
        {
            await test(service);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
