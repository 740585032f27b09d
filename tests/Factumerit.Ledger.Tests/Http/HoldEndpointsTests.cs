namespace Factumerit.Ledger.Tests.Http;

/// <summary>Holds over HTTP: whole bodies, replays, problems, and who may see them.</summary>
public sealed class HoldEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_hold_answers_201_and_its_replay_the_same_R9()
    {
        var user = await service.UserAsync(100, $"u{Guid.NewGuid():N}");
        var body = new { user_id = user, amount_cents = 30.5m, expires_in_seconds = 60, model = "m" };
        var key = NewKey();

        var first = await service.PostAsync("/holds", body, key);

        first.Expect(201).ShouldRead($$"""
            {"hold_id":"<uuid>","user_id":"{{user}}","state":"open","requested_cents":30.5,"held_cents":30.5,
             "settled_cents":0,"is_partial":false,"balance_cents":100,"available_cents":69.5,"model":"m",
             "external_id":null,"expires_at":"<time>","created_at":"<time>","closed_at":null}
            """);
        (Time(first, "expires_at") - Time(first, "created_at")).ShouldBe(TimeSpan.FromSeconds(60));
        var id = first.Text("hold_id");
        (await ReleaseAsync(id)).Expect(200).Text("state").ShouldBe("released");
        var replay = (await service.PostAsync("/holds", body, key)).Expect(201);
        (replay.Replayed, replay.Body).ShouldBe((true, first.Body));
        (await service.PostAsync("/holds", body with { amount_cents = 31m }, key))
            .ExpectProblem(422, "idempotency-key-reused");
        (await service.PostAsync("/holds", body)).ExpectErrors("external_id");
    }

    [Fact]
    public async Task Budgets_show_what_is_held_R21()
    {
        var user = await service.UserAsync(100);
        await HoldAsync(user, 100);

        var budget = (await service.GetAsync($"/users/{user}")).Expect(200);
        (budget.Amount("balance_cents"), budget.Amount("held_cents"), budget.Amount("available_cents"))
            .ShouldBe((100m, 100m, 0m));
        budget.Json.GetProperty("has_credit").GetBoolean().ShouldBeFalse();
        (await service.GetAsync($"/users?prefix={user}")).List("users").Single().GetProperty("held_cents").GetDecimal()
            .ShouldBe(100);
        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 5 }, NewKey())).Expect(201)
            .Json.GetProperty("budget").GetProperty("available_cents").GetDecimal().ShouldBe(5);
    }

    [Fact]
    public async Task Too_little_credit_says_what_there_is_R21()
    {
        var user = await service.UserAsync(100);
        await HoldAsync(user, 80);

        var refused = (await service.PostAsync("/holds", new { user_id = user, amount_cents = 30 }, NewKey()))
            .ExpectProblem(402, "insufficient-credit");
        (refused.Amount("balance_cents"), refused.Amount("available_cents"), refused.Amount("requested_cents"))
            .ShouldBe((100m, 20m, 30m));
        var partial = (await service.PostAsync(
            "/holds", new { user_id = user, amount_cents = 30, partial = true }, NewKey())).Expect(201);
        (partial.Amount("held_cents"), partial.Json.GetProperty("is_partial").GetBoolean()).ShouldBe((20m, true));
        var usage = (await UseAsync(user, 1)).ExpectProblem(402, "insufficient-credit");
        (usage.Amount("available_cents"), usage.Json.TryGetProperty("requested_cents", out _)).ShouldBe((0m, false));
    }

    [Fact]
    public async Task A_usage_settles_its_hold_once_and_its_replay_changes_nothing_R22_R24()
    {
        var user = await service.UserAsync(100);
        var id = await HoldAsync(user, 80);
        var body = new { user_id = user, amount_cents = 7, request_id = NewKey(), hold_id = id };

        (await service.PostAsync("/usage", body)).Expect(201).Amount("balance_cents").ShouldBe(93);
        (await service.PostAsync("/usage", body)).Expect(200).Replayed.ShouldBeTrue();
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 7, body.request_id }))
            .ExpectProblem(422, "idempotency-key-reused");

        var hold = (await service.GetAsync($"/holds/{id}")).Expect(200);
        (hold.Text("state"), hold.Amount("settled_cents"), hold.Amount("held_cents"), hold.Amount("available_cents"))
            .ShouldBe(("settled", 7m, 0m, 93m));
        (await ReleaseAsync(id)).ExpectProblem(409, "hold-closed").Text("state").ShouldBe("settled");
        (await IncreaseAsync(id, new { amount_cents = 1 })).ExpectProblem(409, "hold-closed");
        (await service.GetAsync($"/usage?user_id={user}")).List("usages").Single().GetProperty("hold_id").GetString()
            .ShouldBe(id);
    }

    [Fact]
    public async Task A_batch_settles_in_its_order_R22()
    {
        var user = await service.UserAsync(10);
        var id = await HoldAsync(user, 10);
        var results = (await service.PostAsync("/usage/batch", new object[]
        {
            new { user_id = user, amount_cents = 4, request_id = "1", hold_id = id, closes_hold = false },
            new { user_id = user, amount_cents = 1, request_id = "2" },
            new { user_id = user, amount_cents = 9, request_id = "3", hold_id = id },
            new { user_id = user, amount_cents = 1, request_id = "4", hold_id = id },
            new { user_id = user, amount_cents = 1, request_id = "5", hold_id = Guid.NewGuid() },
        })).Expect(200).List("results");
        results.Select(r => r.GetProperty("status").GetInt32()).ShouldBe([201, 402, 201, 402, 404]);
        (await service.BalanceAsync(user)).ShouldBe(-3);
    }

    [Fact]
    public async Task An_increase_is_done_once_R9()
    {
        var user = await service.UserAsync(100);
        var id = await HoldAsync(user, 10);
        var key = NewKey();

        var first = (await IncreaseAsync(id, new { amount_cents = 5 }, key)).Expect(200);
        (await IncreaseAsync(id, new { amount_cents = 5 }, key)).Body.ShouldBe(first.Body);
        first.Amount("held_cents").ShouldBe(15);
        (await IncreaseAsync(await HoldAsync(user, 10), new { amount_cents = 5 }, key))
            .ExpectProblem(422, "idempotency-key-reused");
        (await IncreaseAsync(id, new { amount_cents = 500 })).ExpectProblem(402, "insufficient-credit");
        (await service.PostAsync($"/holds/{id}/increase", new { amount_cents = 5 })).ExpectErrors("Idempotency-Key");
        (await service.PostAsync($"/holds/{id}/increase", "{}", NewKey())).ExpectErrors("amount_cents");
    }

    [Fact]
    public async Task A_release_may_have_no_body()
    {
        var id = await HoldAsync(await service.UserAsync(100), 10);
        var released = await service.SendAsync(
            HttpMethod.Post, $"/holds/{id}/release", null, null, LedgerService.AdminKey);
        released.Expect(200).Text("state").ShouldBe("released");
    }

    [Fact]
    public async Task A_deleted_user_has_no_holds_R11()
    {
        var user = await service.UserAsync(100);
        var id = await HoldAsync(user, 10);
        (await service.DeleteAsync($"/users/{user}")).Expect(200).Amount("forfeited_cents").ShouldBe(100);

        (await service.GetAsync($"/holds/{id}")).Expect(200).Text("state").ShouldBe("released");
        (await service.GetAsync($"/users/{user}")).Expect(200).Amount("held_cents").ShouldBe(0);
        (await service.PostAsync(
            "/usage", new { user_id = user, amount_cents = 1, request_id = NewKey(), hold_id = id }))
            .ExpectProblem(410, "user-deleted");
        (await service.PostAsync("/holds", new { user_id = user, amount_cents = 1 }, NewKey()))
            .ExpectProblem(410, "user-deleted");
        (await IncreaseAsync(id, new { amount_cents = 1 })).ExpectProblem(410, "user-deleted");
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_bound_key_sees_and_changes_only_its_own_users_holds()
    {
        var (mine, others) = ($"mine{Guid.NewGuid():N}:a", $"other{Guid.NewGuid():N}:b");
        var key = await service.KeyAsync("bot", mine[..^1]);
        await service.UserAsync(100, mine);
        await service.UserAsync(100, others);
        var (own, foreign) = (await HoldAsync(mine, 5), await HoldAsync(others, 5));

        (await service.GetAsync($"/holds/{own}", key)).Expect(200);
        (await service.GetAsync($"/holds/{foreign}", key)).ExpectProblem(404, "not-found");
        (await service.PostAsync($"/holds/{foreign}/release", "{}", null, key)).ExpectProblem(404, "not-found");
        (await service.PostAsync($"/holds/{foreign}/increase", """{"amount_cents":1}""", NewKey(), key))
            .ExpectProblem(404, "not-found");
        (await service.PostAsync("/holds", new { user_id = others, amount_cents = 1 }, NewKey(), key))
            .ExpectProblem(403, "forbidden");
        (await service.GetAsync("/holds", key)).ExpectProblem(403, "forbidden");
        (await service.GetAsync($"/holds?user_id={others}", key)).ExpectProblem(403, "forbidden");
        (await service.GetAsync($"/holds?user_id={mine}", key)).List("holds").ShouldHaveSingleItem();
        var ops = await service.KeyAsync("ops");
        (await service.GetAsync($"/holds/{own}", ops)).Expect(200);
        (await service.PostAsync($"/holds/{own}/release", "{}", null, ops)).ExpectProblem(403, "forbidden");
    }

    [Fact]
    public async Task Holds_are_listed_in_pages_and_by_state()
    {
        var user = await service.UserAsync(100);
        string[] ids = [await HoldAsync(user, 1), await HoldAsync(user, 2), await HoldAsync(user, 3)];
        await ReleaseAsync(ids[1]);
        await service.Database.ExecuteAsync($"""
            UPDATE holds SET expires_at = now() WHERE id = '{ids[2]}';
            UPDATE user_budgets SET holds_expire_at = now() WHERE user_id = '{user}'
            """);

        (await ListAsync("limit=2")).ShouldBe([ids[0], ids[1]]);
        (await ListAsync($"limit=2&after={ids[1]}")).ShouldBe([ids[2]]);
        (await ListAsync("state=open")).ShouldBe([ids[0]]);
        (await ListAsync("state=released")).ShouldBe([ids[1]]);
        (await ListAsync("state=expired")).ShouldBe([ids[2]]);
        (await ListAsync("state=settled")).ShouldBeEmpty();
        (await service.GetAsync("/holds?state=gone")).ExpectErrors("state");
        (await service.GetAsync($"/holds/{Guid.NewGuid()}")).ExpectProblem(404, "not-found");

        async Task<string[]> ListAsync(string query) =>
            [.. (await service.GetAsync($"/holds?user_id={user}&{query}")).Expect(200).List("holds")
                .Select(hold => hold.GetProperty("hold_id").GetString()!)];
    }

    [Fact]
    public async Task Tokens_are_priced_by_the_price_book_R18()
    {
        var model = $"model-{Guid.NewGuid():N}";
        (await service.PostAsync("/prices/import", $$"""
            {"{{model}}":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":3e-06,
             "output_cost_per_token":1.5e-05} }
            """, NewKey())).Expect(200);
        var user = await service.UserAsync(100);

        var hold = (await service.PostAsync("/holds", new
        {
            user_id = user,
            model,
            prompt_tokens = 1000,
            max_completion_tokens = 2000,
        }, NewKey())).Expect(201);
        hold.Amount("held_cents").ShouldBe(3.3m);
        (await service.PostAsync(
            "/holds", new { user_id = user, model = "unknown", prompt_tokens = 1 }, NewKey()))
            .ExpectProblem(409, "not-priceable");
    }

    private static DateTimeOffset Time(Reply reply, string field) => reply.Json.GetProperty(field).GetDateTimeOffset();

    private static string NewKey() => Guid.NewGuid().ToString("N");

    private async Task<string> HoldAsync(string user, decimal cents) =>
        (await service.PostAsync("/holds", new { user_id = user, amount_cents = cents }, NewKey())).Expect(201)
            .Text("hold_id");

    private Task<Reply> UseAsync(string user, decimal cents) =>
        service.PostAsync("/usage", new { user_id = user, amount_cents = cents, request_id = NewKey() });

    private Task<Reply> ReleaseAsync(string id) => service.PostAsync($"/holds/{id}/release", """{"reason":"test"}""");

    private Task<Reply> IncreaseAsync(string id, object body, string? key = null) =>
        service.PostAsync($"/holds/{id}/increase", body, key ?? NewKey());
}
