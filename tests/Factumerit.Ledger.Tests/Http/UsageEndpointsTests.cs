namespace Factumerit.Ledger.Tests.Http;

/// <summary>POST /usage and GET /usage/{id}: whole bodies, keys and replays (R9), R4 to R6, R10.</summary>
public sealed class UsageEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_usage_answers_201_and_can_be_looked_up_with_all_that_was_reported()
    {
        var user = await service.UserAsync(100);

        var reply = await service.PostAsync("/usage", $$"""
            {"user_id":"{{user}}","amount_cents":0.0165,"request_id":"r 1/ä","model":"claude-sonnet-4",
             "prompt_tokens":35,"completion_tokens":4,
             "description":"Summary\nof 17","reference_id":"task-17","metadata":{"b":1e400,"a":[null,"ü"]},
             "occurred_at":"2026-01-31T13:00:00.1234567+01:00"}
            """);

        var usage = $$"""
            "usage_id":"<uuid>","request_id":"r 1/ä","user_id":"{{user}}","amount_cents":0.0165,
            "billing_status":"billed","review_reason":null,
            "transaction_id":"<uuid>","balance_cents":99.9835,"model":"claude-sonnet-4","provider":null,
            "provider_cost_usd":null,"markup_factor":null,"price_version":null,
            "occurred_at":"<time>","created_at":"<time>"
            """;
        reply.Expect(201).ShouldRead("{" + usage + "}");
        reply.Replayed.ShouldBeFalse();
        reply.Text("occurred_at").ShouldBe("2026-01-31T12:00:00.123456Z");
        (await service.GetAsync($"/usage/{reply.Text("usage_id")}")).Expect(200).ShouldRead($$"""
            {{{usage}},"prompt_tokens":35,"completion_tokens":4,"cache_read_tokens":null,"cache_write_tokens":null,
             "reasoning_tokens":null,"usage":null,
             "description":"Summary\nof 17","reference_id":"task-17",
             "metadata":{"b":1e400,"a":[null,"ü"]},
             "source_system":"api","external_id":null,"virtual_key_id":null,"reviewed_by":null,"reviewed_at":null,
             "review_note":null,"filled_at":null,"payer_hint":null,
             "posted_by":{"api_key_id":null,"name":"bootstrap"},"reviewer":null,"hold_id":null}
            """);
    }

    [Fact]
    public async Task An_unknown_usage_is_404()
    {
        (await service.GetAsync($"/usage/{Guid.NewGuid()}")).ExpectProblem(404, "not-found");
        (await service.GetAsync("/usage/no-uuid")).ExpectProblem(404, "not-found");
    }

    [Fact]
    public async Task A_replay_answers_200_with_the_first_body_byte_for_byte_and_moves_nothing_R9()
    {
        var user = await service.UserAsync(100);
        var body = $$"""
            {"user_id":"{{user}}","amount_cents":5.50,"request_id":"r","metadata":{"a":1},
             "occurred_at":"2026-01-31T12:00:00.9999999Z"}
            """;
        var first = (await service.PostAsync("/usage", body)).Expect(201);
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 1, request_id = "between" }))
            .Expect(201);
        var footprint = await service.Database.FootprintAsync();

        // Other spelling, same request: amounts are compared by value.
        var replay = (await service.PostAsync("/usage", body.Replace("5.50", "\"5.5\"", StringComparison.Ordinal)))
            .Expect(200);

        replay.Body.ShouldBe(first.Body);
        replay.Replayed.ShouldBeTrue();
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task The_header_is_the_key_where_the_body_has_none_R9()
    {
        var user = await service.UserAsync(100);
        var body = new { user_id = user, amount_cents = 5 };

        (await service.PostAsync("/usage", body, "from-header")).Expect(201).Text("request_id").ShouldBe("from-header");

        (await service.PostAsync("/usage", body, "from-header")).Expect(200).Replayed.ShouldBeTrue();
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 5, request_id = "from-header" }))
            .Expect(200).Replayed.ShouldBeTrue();
        (await service.BalanceAsync(user)).ShouldBe(95);
    }

    [Theory]
    [InlineData("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456Z")]
    [InlineData("2026-03-01T12:00:00.12345678+02:00", "2026-03-01T10:00:00.123456Z")]
    [InlineData("2026-03-01 12:00:00+00", "2026-03-01T12:00:00Z")]
    [InlineData("2026-03-01T12:00:00z", "2026-03-01T12:00:00Z")]
    [InlineData("2026-03-01T12:00:00.1+0530", "2026-03-01T06:30:00.100000Z")]
    [InlineData("2026-03-01T12:00:00+02", "2026-03-01T10:00:00Z")]
    public async Task A_time_may_have_any_decimals_and_offset_and_the_same_body_again_is_a_replay_R9(string sent,
        string kept)
    {
        var user = await service.UserAsync(100);
        var body = new { user_id = user, amount_cents = 1, request_id = "r", occurred_at = sent };

        var first = (await service.PostAsync("/usage", body)).Expect(201);
        var again = (await service.PostAsync("/usage", body)).Expect(200);

        first.Text("occurred_at").ShouldBe(kept);
        again.Body.ShouldBe(first.Body);
        // A report finds it under the same spelling.
        (await service.GetAsync($"/usage?billing_status=billed&user_id={user}&from={Uri.EscapeDataString(sent)}"))
            .Expect(200).List("usages").Count.ShouldBe(1);
        (await service.GetAsync($"/usage?billing_status=billed&user_id={user}&to={Uri.EscapeDataString(sent)}"))
            .Expect(200).List("usages").ShouldBeEmpty();
    }

    [Fact]
    public async Task The_body_names_the_key_where_both_do_R9()
    {
        var user = await service.UserAsync(100);

        var reply = await service.PostAsync(
            "/usage", new { user_id = user, amount_cents = 5, request_id = "from-body" }, "from-header");

        reply.Expect(201).Text("request_id").ShouldBe("from-body");
    }

    [Fact]
    public async Task Without_a_key_a_usage_is_refused_R9()
    {
        var user = await service.UserAsync(100);

        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 5 })).ExpectErrors("request_id");
    }

    [Theory]
    [InlineData("amount_cents", "6")]
    [InlineData("model", "\"other\"")]
    [InlineData("prompt_tokens", "1")]
    [InlineData("description", "\"other\"")]
    [InlineData("metadata", "{}")]
    [InlineData("occurred_at", "\"2026-01-01T00:00:00Z\"")]
    public async Task The_same_key_with_another_body_is_422_R9(string field, string value)
    {
        var user = await service.UserAsync(100);
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 5, request_id = "r" })).Expect(201);
        var rest = field == "amount_cents" ? "" : "\"amount_cents\":5,";
        var footprint = await service.Database.FootprintAsync();

        var reply = await service.PostAsync(
            "/usage", $$"""{"user_id":"{{user}}",{{rest}}"request_id":"r","{{field}}":{{value}}}""");

        reply.ExpectProblem(422, "idempotency-key-reused");
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task Keys_of_usages_are_unique_per_user_R9()
    {
        var (one, other) = (await service.UserAsync(10), await service.UserAsync(10));

        (await service.PostAsync("/usage", new { user_id = one, amount_cents = 1, request_id = "shared" })).Expect(201);
        (await service.PostAsync("/usage", new { user_id = other, amount_cents = 2, request_id = "shared" }))
            .Expect(201);
    }

    [Fact]
    public async Task A_refused_usage_leaves_no_trace_and_the_same_request_succeeds_after_a_grant_R10()
    {
        var user = await service.UserAsync(0);
        var body = new { user_id = user, amount_cents = 5, request_id = "r" };
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/usage", body))
            .ExpectProblem(402, "insufficient-credit").Amount("balance_cents").ShouldBe(0);
        (await service.Database.FootprintAsync()).ShouldBe(footprint);

        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 10 }, $"for-{user}")).Expect(201);
        (await service.PostAsync("/usage", body)).Expect(201).Amount("balance_cents").ShouldBe(5);
    }

    [Fact]
    public async Task Usage_that_crosses_zero_is_recorded_in_full_and_the_next_is_402_R4()
    {
        var user = await service.UserAsync(1);

        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 2.5, request_id = "crosses" }))
            .Expect(201).Amount("balance_cents").ShouldBe(-1.5m);
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 1, request_id = "next" }))
            .ExpectProblem(402, "insufficient-credit").Amount("balance_cents").ShouldBe(-1.5m);
    }

    [Fact]
    public async Task A_free_usage_is_recorded_whatever_the_balance_and_opens_a_budget_R5_R6()
    {
        var reply = await service.PostAsync(
            "/usage", new { user_id = "newcomer", amount_cents = 0, request_id = "free" });

        reply.Expect(201).ShouldRead("""
            {"usage_id":"<uuid>","request_id":"free","user_id":"newcomer","amount_cents":0,"billing_status":"billed",
             "review_reason":null,"transaction_id":null,
             "balance_cents":0,"model":null,"provider":null,"provider_cost_usd":null,"markup_factor":null,
             "price_version":null,"occurred_at":"<time>","created_at":"<time>"}
            """);
        (await service.BalanceAsync("newcomer")).ShouldBe(0);
    }

    [Fact]
    public async Task An_unknown_user_who_spends_is_402_R6()
    {
        (await service.PostAsync("/usage", new { user_id = "stranger", amount_cents = 1, request_id = "r" }))
            .ExpectProblem(402, "insufficient-credit").Amount("balance_cents").ShouldBe(0);
        (await service.GetAsync("/users/stranger")).ExpectProblem(404, "user-not-found");
    }
}
