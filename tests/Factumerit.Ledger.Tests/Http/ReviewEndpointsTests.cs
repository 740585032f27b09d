using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The review queue over HTTP (R16): the list, a bill, a waiver, pricing all again. Each test has its own service.
/// </summary>
public sealed class ReviewEndpointsTests : IAsyncLifetime
{
    private readonly LedgerService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_bill_answers_the_whole_usage_as_GET_shows_it_and_again_when_repeated_R9()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r");

        var billed = (await BillAsync(id, new { amount_cents = 8 }, "k")).Expect(200);

        billed.ShouldRead($$"""
            {"usage_id":"<uuid>","request_id":"r","user_id":"{{user}}","amount_cents":8,"billing_status":"billed",
             "review_reason":"unknown-model","transaction_id":"<uuid>",
             "balance_cents":-3,"model":"m","provider":null,"provider_cost_usd":null,"markup_factor":null,
             "price_version":null,"occurred_at":"<time>","created_at":"<time>",
             "prompt_tokens":10,"completion_tokens":null,"cache_read_tokens":null,"cache_write_tokens":null,
             "reasoning_tokens":null,"usage":null,"description":null,
             "reference_id":null,"metadata":null,"source_system":"api","external_id":null,"virtual_key_id":null,
             "reviewed_by":"bootstrap","reviewed_at":"<time>","review_note":null,"filled_at":null,"payer_hint":null,
             "posted_by":{"api_key_id":null,"name":"bootstrap"},"reviewer":{"api_key_id":null,"name":"bootstrap"},
             "hold_id":null}
            """);
        (await _service.GetAsync($"/usage/{id}")).Expect(200).Body.ShouldBe(billed.Body);
        // Later movements are not in the first answer.
        (await _service.PostAsync("/grants", new { user_id = user, amount_cents = 100 }, "g")).Expect(201);
        var again = (await BillAsync(id, new { amount_cents = 8 }, "k")).Expect(200);
        (again.Body, again.Replayed, billed.Replayed).ShouldBe((billed.Body, true, false));
        (await _service.BalanceAsync(user)).ShouldBe(97);
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_bill_with_no_body_uses_the_price_book_R18()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r");
        (await BillAsync(id, "")).ExpectProblem(415, "unsupported-media-type");
        (await _service.SendAsync(HttpMethod.Post, $"/usage/{id}/bill", null, null, LedgerService.AdminKey))
            .ExpectProblem(409, "not-priceable")
            .Text("detail").ShouldBe(
                "The price book has no price of m, neither for the time of the call nor for now. "
                + "Send amount_cents or provider_cost_usd, import prices first, or waive the usage.");

        await ImportAsync("m");
        var billed = (await _service.SendAsync(
            HttpMethod.Post, $"/usage/{id}/bill", null, null, LedgerService.AdminKey)).Expect(200);
        (billed.Amount("amount_cents"), billed.Amount("provider_cost_usd"), billed.Amount("markup_factor"),
            billed.Amount("price_version"), billed.Text("provider"))
            .ShouldBe((0.001m, 0.00001m, 1, 1, "openai"));
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_cost_that_a_review_adds_is_stored_exactly_and_counted_for_the_provider_R19()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r", "\"provider\":\"openai\",");

        var billed = (await BillAsync(id, """{"provider_cost_usd":"0.0000029999999999999997"}""")).Expect(200);

        billed.Amount("provider_cost_usd").ShouldBe(0.0000029999999999999997m);
        (await _service.Database.RowsAsync("SELECT provider, cost_usd FROM provider_usage_costs"))
            .ShouldBe(["openai|0.0000029999999999999997"]);
        (await BillAsync(await WaitingAsync(user, "r2",
            "\"provider_cost_usd\":0.01,\"billing_status\":\"needs_review\","), """{"provider_cost_usd":1}"""))
            .ExpectErrors("provider_cost_usd");
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_price_of_0_is_billed_and_moves_no_money_R5()
    {
        var billed = (await BillAsync(await WaitingAsync("nobody-yet", "r"), new { amount_cents = 0 })).Expect(200);
        (billed.Text("billing_status"), billed.Next("transaction_id"), billed.Amount("balance_cents"))
            .ShouldBe(("billed", null, 0));
        (await _service.BalanceAsync("nobody-yet")).ShouldBe(0);
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_call_of_nobody_is_billed_to_whom_the_reviewer_names()
    {
        var id = await OfNobodyAsync("chatcmpl-1");
        (await BillAsync(id, new { amount_cents = 1 })).ExpectErrors("user_id");
        (await BillAsync(id, new { amount_cents = 1, user_id = "a b" })).ExpectErrors("user_id");
        (await BillAsync(id, new { amount_cents = 1, user_id = "alice" }))
            .Expect(200).Text("user_id").ShouldBe("alice");
        (await _service.BalanceAsync("alice")).ShouldBe(-1);

        // R17: the same request under that user already.
        (await _service.PostAsync("/usage", new { user_id = "alice", request_id = "chatcmpl-3", amount_cents = 0 }))
            .Expect(201);
        (await BillAsync(await OfNobodyAsync("chatcmpl-3"), new { amount_cents = 1, user_id = "alice" }))
            .ExpectErrors("user_id");
        (await _service.PostAsync("/usage", new { user_id = "alice", request_id = "chatcmpl-1", amount_cents = 1 }))
            .ExpectProblem(422, "idempotency-key-reused");
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_deleted_users_call_can_be_waived_but_not_billed_R11()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r");
        (await _service.DeleteAsync($"/users/{user}")).Expect(200);
        (await BillAsync(id, new { amount_cents = 1 })).ExpectProblem(410, "user-deleted");
        (await WaiveAsync(id, new { reason = "gone" })).Expect(200).Text("billing_status").ShouldBe("waived");
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_waiver_keeps_its_reason_and_a_bill_after_it_is_told_R16()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r");
        var before = await _service.Database.FootprintAsync();

        var waived = (await WaiveAsync(id, new { reason = "A test of ours" }, "k")).Expect(200);

        (waived.Text("billing_status"), waived.Text("review_note"), waived.Text("reviewed_by"),
            waived.Next("amount_cents"), waived.Amount("balance_cents"))
            .ShouldBe(("waived", "A test of ours", "bootstrap", null, 5));
        // No row is new but that of the audit log, and no money moved.
        var changes = await _service.Database.ScalarAsync<long>("SELECT count(*) FROM audit_log");
        (await _service.Database.FootprintAsync()).ShouldBe($"{before[..before.LastIndexOf(' ')]} {changes}");
        (await WaiveAsync(id, new { reason = "A test of ours" }, "k")).Expect(200).Replayed.ShouldBeTrue();
        (await WaiveAsync(id, new { reason = "Another" }, "k")).ExpectProblem(422, "idempotency-key-reused");
        (await BillAsync(id, new { amount_cents = 1 })).ExpectProblem(409, "already-reviewed")
            .Text("detail").ShouldStartWith($"Usage {id} was waived by bootstrap at 2");
    }

    [Fact]
    public async Task A_refused_review_leaves_no_trace_R10()
    {
        var user = await _service.UserAsync(5);
        var id = await WaitingAsync(user, "r");
        (await BillAsync(Guid.NewGuid().ToString(), new { })).ExpectProblem(404, "not-found");
        (await WaiveAsync(Guid.NewGuid().ToString(), new { reason = "x" })).ExpectProblem(404, "not-found");
        (await BillAsync("7", new { })).ExpectProblem(404, "not-found");
        (await WaiveAsync(id, new { })).ExpectErrors("reason");
        (await BillAsync(id, new { amount_cents = 1, provider_cost_usd = 1 }, "k")).ExpectErrors("provider_cost_usd");
        (await BillAsync(id, new { amount = 1 }, "k")).ExpectErrors("amount");
        (await BillAsync(id, new { amount_cents = 1 }, "k")).Expect(200).Replayed.ShouldBeFalse();
    }

    [Fact]
    public async Task Pricing_again_bills_what_can_be_priced_by_now_oldest_first_and_once_R16()
    {
        var (user, gone) = (await _service.UserAsync(1), await _service.UserAsync(0));
        for (var i = 0; i < 5; i++)
            await WaitingAsync(user, $"{i}");
        await WaitingAsync(user, "known", "\"provider_cost_usd\":0.02,\"billing_status\":\"needs_review\",");
        await WaitingAsync(user, "other", model: "unknown");
        await WaitingAsync(gone, "gone");
        await OfNobodyAsync("chatcmpl-1");
        (await _service.DeleteAsync($"/users/{gone}")).Expect(200);
        (await RepriceAsync(new { user_id = user, model = "unknown" }))
            .ShouldRead("""{"billed":0,"waiting":1,"amount_cents":0}""");
        await ImportAsync("m");

        (await RepriceAsync(new { model = "other" })).ShouldRead("""{"billed":0,"waiting":0,"amount_cents":0}""");
        (await RepriceAsync(new { })).ShouldRead("""{"billed":6,"waiting":3,"amount_cents":2.005}""");
        (await RepriceAsync("{}")).ShouldRead("""{"billed":0,"waiting":3,"amount_cents":0}""");

        (await _service.BalanceAsync(user)).ShouldBe(-1.005m);
        (await _service.Database.RowsAsync(
            "SELECT reference_id FROM ledger_entries "
            + $"WHERE account = 'user:{user}' AND reference_type = 'llm_call' ORDER BY id"))
            .ShouldBe(["0", "1", "2", "3", "4", "known"]);
        (await _service.Database.ScalarAsync<string>("SELECT string_agg(DISTINCT reviewed_by, ',') FROM llm_usage"))
            .ShouldBe("bootstrap");
        (await RepriceAsync(new { user_id = "a b", model = "" })).ExpectErrors("user_id", "model");
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Pricing_again_goes_on_over_more_than_one_batch()
    {
        for (var batch = 0; batch < 2; batch++)
            (await _service.PostAsync("/usage/batch", $"[{string.Join(',', Enumerable.Range(0, 300).Select(i =>
                $$"""{"user_id":"u{{i % 7}}","request_id":"{{batch}}-{{i}}","model":"m","""
                + $$""" "prompt_tokens":{{(i % 2 == 0 ? "10" : "null")}} }"""))}]")).Expect(200);
        await ImportAsync("m");

        (await RepriceAsync(new { })).ShouldRead("""{"billed":300,"waiting":300,"amount_cents":0.3}""");
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Usages_are_listed_newest_first_by_page_and_by_each_filter()
    {
        await ImportAsync("m");
        foreach (var (user, model, day) in ((string, string, int)[])[
            ("a", "x", 1), ("b", "x", 2), ("a", "y", 3), ("b", "y", 4)])
            (await _service.PostAsync("/usage", $$"""
                {"user_id":"{{user}}","request_id":"{{day}}","model":"{{model}}",
                 "occurred_at":"2026-01-0{{day}}T12:00:00Z"}
                """)).Expect(201);
        (await _service.PostAsync("/usage", """{"user_id":"a","request_id":"5","amount_cents":0}""")).Expect(201);
        (await WaiveAsync((await ListAsync("model=y&user_id=a"))[0].Id, new { reason = "x" })).Expect(200);

        (await RequestsAsync("")).ShouldBe("5 4 3 2 1");
        (await RequestsAsync("billing_status=needs_review")).ShouldBe("4 2 1");
        (await RequestsAsync("billing_status=waived")).ShouldBe("3");
        (await RequestsAsync("billing_status=billed")).ShouldBe("5");
        (await RequestsAsync("user_id=a")).ShouldBe("5 3 1");
        (await RequestsAsync("model=x")).ShouldBe("2 1");
        (await RequestsAsync("from=2026-01-02T12:00:00Z&to=2026-01-04T12:00:00Z")).ShouldBe("3 2");
        (await RequestsAsync("user_id=nobody")).ShouldBe("");
        var first = (await _service.GetAsync("/usage?limit=2&model=y&billing_status=needs_review")).Expect(200);
        first.Next("next_before").ShouldBeNull();
        var id = first.List("usages")[0].GetProperty("usage_id").GetString();
        (await _service.GetAsync($"/usage/{id}")).Json.GetRawText().ShouldBe(first.List("usages")[0].GetRawText());
    }

    [Theory]
    [InlineData("billing_status=paid", "billing_status")]
    [InlineData("user_id=a%20b", "user_id")]
    [InlineData("model=%00", "model")]
    [InlineData("from=yesterday&to=2026-13-01", "from", "to")]
    [InlineData("from=2026-01-02&to=2026-01-01", "to")]
    [InlineData("limit=1001&before=7", "limit", "before")]
    public async Task Wrong_filters_are_named(string query, params string[] fields) =>
        (await _service.GetAsync($"/usage?{query}")).ExpectErrors(fields);

    [Fact]
    public async Task The_summary_tells_what_waits_and_since_when()
    {
        (await _service.GetAsync("/ledger/summary")).Json.GetProperty("review").GetRawText().ShouldBe(
            """{"waiting":0,"oldest_at":null,"oldest_age_seconds":null}""");
        var id = await WaitingAsync("a", "1");
        await WaitingAsync("a", "2");
        await _service.Database.ExecuteAsync(
            $"UPDATE llm_usage SET created_at = now() - interval '1 hour' WHERE id = '{id}'");

        var review = (await _service.GetAsync("/ledger/summary")).Json.GetProperty("review");

        review.GetProperty("waiting").GetInt64().ShouldBe(2);
        review.GetProperty("oldest_at")
            .GetString().ShouldBe((await _service.GetAsync($"/usage/{id}")).Text("created_at"));
        review.GetProperty("oldest_age_seconds").GetInt64().ShouldBeInRange(3600, 3700);
    }

    private async Task<string> WaitingAsync(string user, string requestId, string more = "", string model = "m")
    {
        var usage = (await _service.PostAsync("/usage", $$"""
            { {{more}}"user_id":"{{user}}","request_id":"{{requestId}}","model":"{{model}}","prompt_tokens":10}
            """)).Expect(201);
        usage.Text("billing_status").ShouldBe("needs_review");
        return usage.Text("usage_id");
    }

    private async Task<string> OfNobodyAsync(string externalId)
    {
        var id = "";
        await _service.Database.PostAsync(async budgets => id = (await budgets.RunAsync(
            new RecordReportedUsage(
                new() { RequestId = externalId, Model = "m", PromptTokens = 1 },
                new UsageOrigin("litellm", [externalId], $"derived-{externalId}")),
            Actor.Service, default)).Answer!.UsageId.ToString());
        return id;
    }

    private Task<Reply> BillAsync(string id, object body, string? key = null) => body is ""
        ? _service.SendAsync(HttpMethod.Post, $"/usage/{id}/bill", new StringContent("x"), key, LedgerService.AdminKey)
        : _service.PostAsync($"/usage/{id}/bill", body, key);

    private Task<Reply> WaiveAsync(string id, object body, string? key = null) =>
        _service.PostAsync($"/usage/{id}/waive", body, key);

    private Task<Reply> RepriceAsync(object body) => _service.PostAsync("/usage/reprice", body);

    private async Task ImportAsync(string model) => (await _service.PostAsync(
        "/prices/import",
        $$"""{"{{model}}":{"litellm_provider":"openai","input_cost_per_token":1e-06} }""")).Expect(200);

    private async Task<List<(string Id, string RequestId)>> ListAsync(string query) =>
        [.. (await _service.GetAsync($"/usage?{query}")).Expect(200).List("usages")
            .Select(u => (u.GetProperty("usage_id").GetString()!, u.GetProperty("request_id").GetString()!))];

    private async Task<string> RequestsAsync(string query) =>
        string.Join(' ', (await ListAsync(query)).Select(u => u.RequestId));
}
