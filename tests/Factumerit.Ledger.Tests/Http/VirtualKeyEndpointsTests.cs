using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Users' keys at LiteLLM over HTTP: making, listing and revoking them, refusals by LiteLLM, and what is left when an
/// answer is lost.
/// </summary>
public sealed class VirtualKeyEndpointsTests(LiteLlmService service) : IClassFixture<LiteLlmService>
{
    [Fact]
    public async Task A_key_is_made_at_LiteLLM_with_all_that_was_asked_for_and_its_secret_is_told_once()
    {
        var user = await service.UserAsync(100);
        var expiresAt = DateTimeOffset.UtcNow.AddDays(30)
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

        var made = (await service.PostAsync("/virtual-keys", new
        {
            user_id = user,
            label = "Alice's editor",
            models = (string[])["gpt-4o", "claude"],
            max_budget_usd = 12.5,
            expires_at = expiresAt
        })).Expect(201);

        var (id, secret) = (made.Text("virtual_key_id"), made.Text("secret"));
        var key = service.Fake.FindByAlias($"factumerit-{id}").ShouldNotBeNull();
        key.Token.ShouldBe(FakeKey.HashOf(secret));
        key.UserId.ShouldBe(user);
        var kept = key.ToJson();
        kept["models"]!.AsArray().Select(m => m!.GetValue<string>()).ShouldBe(["gpt-4o", "claude"]);
        kept["max_budget"]!.GetValue<decimal>().ShouldBe(12.5m);
        var expires = DateTimeOffset.Parse(
            kept["expires"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture);
        expires.ShouldBeInRange(DateTimeOffset.UtcNow.AddDays(29), DateTimeOffset.UtcNow.AddDays(31));
        var metadata = kept["metadata"]!.AsObject();
        metadata["factumerit_user_id"]!.GetValue<string>().ShouldBe(user);
        metadata["factumerit_virtual_key_id"]!.GetValue<string>().ShouldBe(id);
        metadata["factumerit_label"]!.GetValue<string>().ShouldBe("Alice's editor");
        made.ShouldRead($$"""
            {"virtual_key_id":"<uuid>","user_id":"{{user}}","label":"Alice's editor",
             "alias":"factumerit-<uuid>","key_name":"{{key.KeyName}}",
             "models":["gpt-4o","claude"],"max_budget_usd":12.5,"expires_at":"<time>",
             "status":"active","is_blocked":false,
             "created_at":"<time>","revoked_at":null,"last_error":null,"pending":null,"secret":"{{secret}}"}
            """);
        made.Text("expires_at").ShouldBe(expiresAt);
        var shown = await service.ShownAsync(user, Guid.Parse(id));
        shown.TryGetProperty("secret", out _).ShouldBeFalse();
        shown.FieldNames().ShouldBe([.. made.Json.FieldNames().Where(name => name != "secret")]);
    }

    [Fact]
    public async Task Two_keys_may_have_the_same_user_and_label()
    {
        var user = await service.UserAsync(100);

        var first = await service.VirtualKeyAsync(user);
        var second = await service.VirtualKeyAsync(user);

        first.Hash.ShouldNotBe(second.Hash);
        (await service.GetAsync($"/virtual-keys?user_id={user}&limit=1"))
            .Expect(200).Next("next_after").ShouldBe($"{first.Id}");
        var next = (await service.GetAsync($"/virtual-keys?user_id={user}&limit=1&after={first.Id}")).Expect(200);
        next.List("virtual_keys").ShouldHaveSingleItem().GetProperty("virtual_key_id").GetGuid().ShouldBe(second.Id);
        next.Next("next_after").ShouldBeNull();
    }

    [Theory]
    [InlineData("""{}""", "user_id", "label")]
    [InlineData("""{"user_id":"u","label":""}""", "label")]
    [InlineData("""{"user_id":"a b","label":"l"}""", "user_id")]
    [InlineData("""{"user_id":"u","label":"l","models":[]}""", "models")]
    [InlineData("""{"user_id":"u","label":"l","models":[""]}""", "models")]
    [InlineData("""{"user_id":"u","label":"l","models":[null]}""", "models")]
    [InlineData("""{"user_id":"u","label":"l","max_budget_usd":0}""", "max_budget_usd")]
    [InlineData("""{"user_id":"u","label":"l","max_budget_usd":-1}""", "max_budget_usd")]
    [InlineData("""{"user_id":"u","label":"l","max_budget_usd":10000000001}""", "max_budget_usd")]
    [InlineData("""{"user_id":"u","label":"l","expires_at":"2020-01-01"}""", "expires_at")]
    [InlineData("""{"user_id":"u","label":"l","expires_at":"2999-01-01"}""", "expires_at")]
    [InlineData("""{"user_id":"u","label":"l","secret":"s"}""", "secret")]
    public async Task Wrong_fields_are_named_and_LiteLLM_is_not_asked(string body, params string[] fields)
    {
        var (asked, footprint) = (service.Fake.RequestsTo("/key/generate"),
            await service.Database.ScalarAsync<long>("SELECT count(*) FROM virtual_keys"));

        (await service.PostAsync("/virtual-keys", body)).ExpectErrors(fields);

        service.Fake.RequestsTo("/key/generate").ShouldBe(asked);
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM virtual_keys")).ShouldBe(footprint);
    }

    [Theory]
    [InlineData("/virtual-keys?after=x", "after")]
    [InlineData("/virtual-keys?user_id=a%20b&limit=0", "user_id", "limit")]
    public async Task Garbage_in_the_query_is_refused_by_name(string path, params string[] fields) =>
        (await service.GetAsync(path)).ExpectErrors(fields);

    [Fact]
    public async Task A_user_who_is_not_there_gets_no_key()
    {
        (await service.PostAsync("/virtual-keys", new { user_id = "nobody", label = "l" }))
            .ExpectProblem(404, "user-not-found");
        var deleted = await service.UserAsync(0);
        (await service.DeleteAsync($"/users/{deleted}")).Expect(200);
        (await service.PostAsync("/virtual-keys", new { user_id = deleted, label = "l" }))
            .ExpectProblem(410, "user-deleted");
        (await service.GetAsync($"/virtual-keys?user_id={deleted}")).List("virtual_keys").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_revoked_key_is_deleted_at_LiteLLM_and_revoking_it_again_changes_nothing()
    {
        var user = await service.UserAsync(100);
        var key = await service.VirtualKeyAsync(user);

        var revoked = (await service.DeleteAsync($"/virtual-keys/{key.Id}")).Expect(200);
        await LiteLlmService.UntilAsync(async () => await service.StatusAsync(key) == "revoked");

        revoked.Text("status").ShouldBeOneOf("revoking", "revoked");
        service.Fake.Find(key.Hash).ShouldBeNull();
        var again = (await service.DeleteAsync($"/virtual-keys/{key.Id}")).Expect(200);
        again.Text("status").ShouldBe("revoked");
        again.Json.GetProperty("revoked_at").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.String);
        (await service.DeleteAsync($"/virtual-keys/{key.Id}")).Body.ShouldBe(again.Body);
        (await service.DeleteAsync($"/virtual-keys/{Guid.NewGuid()}")).ExpectProblem(404, "not-found");
    }

    [Fact]
    public async Task What_LiteLLM_refuses_is_answered_502_with_its_reason_and_the_key_has_failed()
    {
        var user = await service.UserAsync(100);
        service.Fake.Script("/key/generate", FakeTrouble.Busy, retryAfterSeconds: 1);

        (await service.PostAsync("/virtual-keys", new { user_id = user, label = "l" })).ShouldBeProblem(
            502, "litellm-failed", "LiteLLM refused the request or can't be reached",
            "LiteLLM answered 429: Too many requests.");

        var failed = (await service.GetAsync($"/virtual-keys?user_id={user}"))
            .List("virtual_keys").ShouldHaveSingleItem();
        failed.GetProperty("status").GetString().ShouldBe("failed");
        failed.GetProperty("last_error").GetString().ShouldBe("LiteLLM answered 429: Too many requests.");
        (await service.DeleteAsync($"/virtual-keys/{failed.GetProperty("virtual_key_id").GetString()}"))
            .Expect(200).Text("status").ShouldBe("failed");
    }

    [Theory]
    [InlineData(FakeTrouble.Error, 0)]
    [InlineData(FakeTrouble.Cut, 0)]
    [InlineData(FakeTrouble.LoseAnswer, 1)]
    [InlineData(FakeTrouble.CutAnswer, 1)]
    public async Task A_key_whose_answer_was_lost_is_removed_at_both_sides(FakeTrouble trouble, int made)
    {
        var user = await service.UserAsync(100);
        service.Fake.Script("/key/generate", trouble);

        var lost = (await service.PostAsync("/virtual-keys", new { user_id = user, label = "l" }))
            .ExpectProblem(502, "litellm-failed");

        lost.Text("detail").ShouldEndWith("If the key was created, it will be removed. It is safe to request another.");
        var key = (await service.GetAsync($"/virtual-keys?user_id={user}")).List("virtual_keys").ShouldHaveSingleItem();
        key.GetProperty("status").GetString().ShouldBe("creating");
        var alias = key.GetProperty("alias").GetString()!;
        (service.Fake.FindByAlias(alias) is null ? 0 : 1).ShouldBe(made);
        // As long as somebody may still be making it, it is left alone.
        await service.Watch.RemoveOrphansAsync(CancellationToken.None);
        (service.Fake.FindByAlias(alias) is null ? 0 : 1).ShouldBe(made);

        await service.AgeAsync();
        (await service.Watch.RemoveOrphansAsync(CancellationToken.None)).ShouldBe(1);

        service.Fake.FindByAlias(alias).ShouldBeNull();
        var failed = await service.ShownAsync(user, key.GetProperty("virtual_key_id").GetGuid());
        failed.GetProperty("status").GetString().ShouldBe("failed");
        (await service.Watch.RemoveOrphansAsync(CancellationToken.None)).ShouldBe(0);
    }

    [Fact]
    public async Task A_caller_who_goes_away_gets_no_key()
    {
        var user = await service.UserAsync(100);
        var asked = service.Fake.RequestsTo("/key/generate");
        service.Fake.Script("/key/generate", FakeTrouble.Slow, delayMs: 60_000);
        using var gone = new CancellationTokenSource();
        using var client = new HttpClient
        {
            BaseAddress = service.Url,
            DefaultRequestHeaders = { { "Authorization", $"Bearer {LedgerService.AdminKey}" } }
        };

        var asking = client.PostAsync("/virtual-keys", new StringContent(
            $$"""{"user_id":"{{user}}","label":"l"}""", System.Text.Encoding.UTF8, "application/json"), gone.Token);
        await LiteLlmService.UntilAsync(() => service.Fake.RequestsTo("/key/generate") > asked);
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => asking);

        await service.AgeAsync();
        await LiteLlmService.UntilAsync(
            async () => await service.Watch.RemoveOrphansAsync(CancellationToken.None) == 1);
        (await service.GetAsync($"/virtual-keys?user_id={user}"))
            .List("virtual_keys").ShouldHaveSingleItem().GetProperty("status").GetString().ShouldBe("failed");
    }

    [Fact]
    public async Task A_key_that_is_revoked_or_whose_user_is_deleted_while_it_is_made_does_not_stay()
    {
        foreach (var (deletesUser, status, code) in new[] { (true, 410, "user-deleted"),
            (false, 502, "litellm-failed") })
        {
            var user = await service.UserAsync(100);
            var asked = service.Fake.RequestsTo("/key/generate");
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            service.Fake.Script(new FakeFault("/key/generate", FakeTrouble.Slow) { Until = gone.Task });

            var making = service.PostAsync("/virtual-keys", new { user_id = user, label = "l" });
            await LiteLlmService.UntilAsync(() => service.Fake.RequestsTo("/key/generate") > asked);
            var id = (await service.GetAsync($"/virtual-keys?user_id={user}"))
                .List("virtual_keys").ShouldHaveSingleItem().GetProperty("virtual_key_id").GetGuid();
            (await service.DeleteAsync(deletesUser ? $"/users/{user}" : $"/virtual-keys/{id}")).Expect(200);
            gone.SetResult();

            (await making).ExpectProblem(status, code);
            await LiteLlmService.UntilAsync(
                async () => (await service.ShownAsync(user, id)).GetProperty("status").GetString() == "revoked");
            service.Fake.FindByAlias($"factumerit-{id}").ShouldBeNull();
        }
    }

    [Fact]
    public async Task Deleting_a_user_revokes_all_of_its_keys_and_nobody_elses()
    {
        var (user, other) = (await service.UserAsync(100), await service.UserAsync(100));
        var keys = new[] { await service.VirtualKeyAsync(user), await service.VirtualKeyAsync(user) };
        var kept = await service.VirtualKeyAsync(other);

        (await service.DeleteAsync($"/users/{user}")).Expect(200);

        await LiteLlmService.UntilAsync(async () => await service.StatusAsync(keys[0]) == "revoked"
            && await service.StatusAsync(keys[1]) == "revoked");
        keys.ShouldAllBe(key => service.Fake.Find(key.Hash) == null);
        (await service.StatusAsync(kept)).ShouldBe("active");
        service.Fake.Find(kept.Hash).ShouldNotBeNull().IsBlocked.ShouldBeFalse();
    }

    [Fact]
    public async Task The_secret_is_nowhere_in_the_database()
    {
        var key = await service.VirtualKeyAsync(await service.UserAsync(100));

        var tables = await service.Database.RowsAsync("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
        tables.ShouldContain("virtual_keys");
        foreach (var table in tables)
            (await service.Database.RowsAsync($"SELECT t::text FROM \"{table}\" t"))
                .ShouldAllBe(row => !row.Contains(key.Secret) && !row.Contains(FakeProxy.MasterKey), table);
    }
}

/// <summary>The service without a LiteLLM.</summary>
public sealed class VirtualKeysWithoutLiteLlmTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task Without_a_LiteLLM_the_routes_say_so()
    {
        const string detail =
            "LiteLLM is not configured: set LiteLlm:BaseUrl and LiteLlm:MasterKey, and restart the service.";
        foreach (var reply in (Reply[])[
            await service.PostAsync("/virtual-keys", new { user_id = "u", label = "l" }),
            await service.GetAsync("/virtual-keys"),
            await service.DeleteAsync($"/virtual-keys/{Guid.NewGuid()}")])
            reply.ShouldBeProblem(409, "litellm-not-configured", "LiteLLM is not configured", detail);
    }
}
