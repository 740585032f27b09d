namespace Factumerit.Ledger.Tests.Http;

/// <summary>POST /usage with both costs, requests for review (R16), and calls that are paid for already.</summary>
public sealed class DualCostEndpointsTests(DualCostEndpointsTests.MarkedUpService service)
    : IClassFixture<DualCostEndpointsTests.MarkedUpService>
{
    [Fact]
    public async Task A_provider_cost_is_marked_up_rounded_once_and_answered_exactly()
    {
        var user = await service.UserAsync(100);
        var reply = (await service.PostAsync("/usage", $$"""
            {"user_id":"{{user}}","request_id":"r","provider":"openai","provider_cost_usd":2.9999999999999997e-06,
             "model":"m","prompt_tokens":10,"cache_read_tokens":4,
             "usage":{"b":1.50,"a":[null]} }
            """)).Expect(201);
        // 2.9999999999999997e-06 x 100 x 1.25 = 0.000374999..., to 7 decimals.
        reply.ShouldRead($$"""
            {"usage_id":"<uuid>","request_id":"r","user_id":"{{user}}","amount_cents":0.000375,
             "billing_status":"billed","review_reason":null,"transaction_id":"<uuid>",
             "balance_cents":99.999625,"model":"m","provider":"openai","provider_cost_usd":0.0000029999999999999997,
             "markup_factor":1.25,"price_version":null,
             "occurred_at":"<time>","created_at":"<time>"}
            """);
        var shown = (await service.GetAsync($"/usage/{reply.Text("usage_id")}")).Expect(200);
        shown.Json.GetProperty("usage").GetRawText().ShouldBe("""{"a":[null],"b":1.50}""");
        shown.Amount("provider_cost_usd").ShouldBe(0.0000029999999999999997m);
        (await service.BalanceAsync(user)).ShouldBe(99.999625m);
    }

    [Fact]
    public async Task A_call_without_a_price_waits_for_review_and_moves_nothing_R16()
    {
        var user = await service.UserAsync(100);
        var body = new { user_id = user, request_id = "r", model = "nobody-knows", prompt_tokens = 10 };
        var reply = (await service.PostAsync("/usage", body)).Expect(201);
        reply.ShouldRead($$"""
            {"usage_id":"<uuid>","request_id":"r","user_id":"{{user}}","amount_cents":null,
             "billing_status":"needs_review","review_reason":"unknown-model","transaction_id":null,
             "balance_cents":100,"model":"nobody-knows","provider":null,"provider_cost_usd":null,
             "markup_factor":null,"price_version":null,
             "occurred_at":"<time>","created_at":"<time>"}
            """);
        (await service.BalanceAsync(user)).ShouldBe(100);
        (await service.PostAsync("/usage", body)).Expect(200).Body.ShouldBe(reply.Body);
    }

    [Fact]
    public async Task A_replay_gives_the_first_answer_whatever_a_review_made_of_it_R9()
    {
        var user = await service.UserAsync(100);
        var body = new
        {
            user_id = user,
            request_id = "r",
            model = "nobody-knows",
            prompt_tokens = 10,
            provider_cost_usd = "0.01",
            billing_status = "needs_review"
        };
        var first = (await service.PostAsync("/usage", body)).Expect(201);
        await service.Database.ExecuteAsync($"""
            UPDATE llm_usage SET billing_status = 'waived', reviewed_at = now(), reviewed_by = 'a test',
                review_note = 'a gift' WHERE id = '{first.Text("usage_id")}'
            """);

        var replay = (await service.PostAsync("/usage", body)).Expect(200);
        (replay.Body, replay.Replayed).ShouldBe((first.Body, true));
        var shown = (await service.GetAsync($"/usage/{first.Text("usage_id")}")).Expect(200);
        (shown.Text("billing_status"), shown.Text("reviewed_by"), shown.Text("review_note"))
            .ShouldBe(("waived", "a test", "a gift"));
    }

    [Fact]
    public async Task A_used_up_balance_is_passed_over_only_with_a_key_that_may_overdraw()
    {
        var user = await service.UserAsync(0);
        var (plain, trusted) = (await service.KeyAsync("bot"), await service.KeyAsync("bot", mayOverdraw: true));
        var body = new { user_id = user, request_id = "r", amount_cents = 5, enforce_balance = false };

        (await service.PostAsync("/usage", body, key: plain))
            .ExpectProblem(403, "forbidden").Text("detail").ShouldContain("may_overdraw");
        (await service.PostAsync("/usage", body)).ExpectProblem(403, "forbidden");
        (await service.PostAsync("/usage", new { user_id = user, request_id = "r", amount_cents = 5 }, key: trusted))
            .ExpectProblem(402, "insufficient-credit");
        (await service.PostAsync("/usage", body, key: trusted)).Expect(201).Amount("balance_cents").ShouldBe(-5);
        // Whoever repeats it without saying so is told the same (R9).
        (await service.PostAsync("/usage", new { user_id = user, request_id = "r", amount_cents = 5 }, key: plain))
            .Expect(200).Replayed.ShouldBeTrue();
    }

    [Fact]
    public async Task In_a_batch_each_item_is_judged_for_itself()
    {
        var user = await service.UserAsync(0);
        var results = (await service.PostAsync("/usage/batch", $$"""
            [{"user_id":"{{user}}","request_id":"1","amount_cents":5,"enforce_balance":false},
             {"user_id":"{{user}}","request_id":"2"},
             {"user_id":"{{user}}","request_id":"3","provider_cost_usd":0.01},
             {"user_id":"{{user}}","request_id":"4","billing_status":"paid"}]
            """, key: await service.KeyAsync("bot"))).Expect(200).List("results").ToList();
        results.Select(r => r.GetProperty("status").GetInt32()).ShouldBe([403, 201, 402, 400]);
        results[1].GetProperty("usage").GetProperty("review_reason").GetString().ShouldBe("no-tokens");
    }

    [Fact]
    public async Task Listed_keys_say_whether_they_may_overdraw()
    {
        var name = $"gateway {Guid.NewGuid():N}";
        (await service.PostAsync("/api-keys", new { name, role = "admin", may_overdraw = true }))
            .Expect(201).Json.GetProperty("may_overdraw").GetBoolean().ShouldBeTrue();
        (await service.GetAsync("/api-keys")).List("api_keys").Single(k => k.GetProperty("name").GetString() == name)
            .GetProperty("may_overdraw").GetBoolean().ShouldBeTrue();
    }

    /// <summary>The service with a markup of a quarter.</summary>
    public sealed class MarkedUpService : LedgerService
    {
        protected override string[] Configuration => ["--Pricing:Markup=1.25"];
    }
}
