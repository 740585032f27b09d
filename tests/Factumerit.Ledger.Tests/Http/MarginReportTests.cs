using System.Text.Json;
using System.Text.Json.Nodes;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>GET /reports/margin against sums made by hand. Each test has a year of its own.</summary>
public sealed class MarginReportTests(LedgerService service) : IClassFixture<LedgerService>
{
    private int _calls;

    // Two users, two models and one that nobody knows; costs known, unknown and 0; billed, waiting and waived.
    private const string ByModel = """
        [{"group":"big","calls":4,"prompt_tokens":1500,"completion_tokens":150,"cache_read_tokens":200,
          "cache_write_tokens":50,"reasoning_tokens":10,
          "provider_cost_usd":0.17,"unknown_cost_calls":0,"user_price_cents":15,
          "margin_cents":-2,"waiting":1,"waived":1},
         {"group":"small","calls":2,"prompt_tokens":30,"completion_tokens":1,"cache_read_tokens":0,
          "cache_write_tokens":0,"reasoning_tokens":0,
          "provider_cost_usd":0,"unknown_cost_calls":2,"user_price_cents":3,"margin_cents":0,"waiting":1,"waived":0},
         {"group":null,"calls":1,"prompt_tokens":0,"completion_tokens":0,"cache_read_tokens":0,
          "cache_write_tokens":0,"reasoning_tokens":0,
          "provider_cost_usd":0,"unknown_cost_calls":0,"user_price_cents":0,"margin_cents":0,"waiting":0,"waived":0}]
        """;

    private const string Total = """
        {"group":null,"calls":7,"prompt_tokens":1530,"completion_tokens":151,"cache_read_tokens":200,
         "cache_write_tokens":50,"reasoning_tokens":10,
         "provider_cost_usd":0.17,"unknown_cost_calls":2,"user_price_cents":18,"margin_cents":-2,"waiting":2,"waived":1}
        """;

    [Fact]
    public async Task A_month_worked_out_by_hand()
    {
        var (alice, bob) = (await service.UserAsync(1000, "margin:alice"), await service.UserAsync(1000, "margin:bob"));
        await UseAsync(alice, "2020-01-01T00:00:00Z", """
            {"model":"big","provider":"openai","amount_cents":10,"provider_cost_usd":0.06,
             "prompt_tokens":1000,"completion_tokens":100,
             "cache_read_tokens":200,"cache_write_tokens":50,"reasoning_tokens":10}
            """);
        await UseAsync(bob, "2020-01-01T23:59:59.999999Z", new
        {
            model = "big",
            provider = "openai",
            provider_cost_usd = 0.05m,
            prompt_tokens = 500,
            completion_tokens = 50
        });
        await UseAsync(alice, "2020-01-02T00:00:00Z", new
        {
            model = "small",
            provider = "anthropic",
            amount_cents = 3,
            prompt_tokens = 10,
            completion_tokens = 1
        });
        await UseAsync(bob, "2020-01-02T12:00:00Z", new { model = "small", prompt_tokens = 20 });
        await UseAsync(bob, "2020-01-02T12:00:00Z",
            new { model = "big", provider = "openai", provider_cost_usd = 0.02m, billing_status = "needs_review" });
        var waived = await UseAsync(alice, "2020-01-31T23:00:00Z",
            new { model = "big", provider = "openai", provider_cost_usd = 0.04m, billing_status = "needs_review" });
        await service.Database.ExecuteAsync(
            "UPDATE llm_usage SET billing_status = 'waived', reviewed_at = now(), reviewed_by = 'a test' "
            + $"WHERE id = '{waived.Text("usage_id")}'");
        await UseAsync(alice, "2020-02-01T00:30:00+01:00", new { provider = "openai", provider_cost_usd = 0 });
        await UseAsync(
            alice, "2019-12-31T23:59:59.999999Z", new { model = "big", amount_cents = 100, provider_cost_usd = 0.5m });
        await UseAsync(
            alice, "2020-02-01T00:00:00Z", new { model = "big", amount_cents = 100, provider_cost_usd = 0.5m });

        (await service.GetAsync("/reports/margin?from=2020-01-01&to=2020-02-01")).Expect(200).ShouldRead($$"""
            {"from":"2020-01-01T00:00:00Z","to":"2020-02-01T00:00:00Z","group_by":"model","groups":{{ByModel}},
             "total":{{Total}},"next_after":null}
            """.Replace("\"2020-01-01T00:00:00Z\"", "\"<time>\"").Replace("\"2020-02-01T00:00:00Z\"", "\"<time>\""));
        (await LinesAsync("user")).ShouldBe(["margin:alice 4 0.1 1 13 0 0 1", "margin:bob 3 0.07 1 5 -2 2 0"]);
        (await LinesAsync("provider"))
            .ShouldBe(["anthropic 1 0 1 3 0 0 0", "openai 5 0.17 0 15 -2 1 1", " 1 0 1 0 0 1 0"]);
        (await LinesAsync("day"))
            .ShouldBe(["2020-01-01 2 0.11 0 15 4 0 0", "2020-01-02 3 0.02 2 3 -2 2 0", "2020-01-31 2 0.04 0 0 -4 0 1"]);

        async Task<IEnumerable<string>> LinesAsync(string groupBy)
        {
            var reply = (await service.GetAsync($"/reports/margin?from=2020-01-01&to=2020-02-01&group_by={groupBy}",
                await service.KeyAsync("ops"))).Expect(200);
            JsonNode.DeepEquals(
                JsonNode.Parse(reply.Json.GetProperty("total").GetRawText()), JsonNode.Parse(Total))
                .ShouldBeTrue(reply.Body);
            return reply.List("groups").Select(g => string.Join(' ', new[] { "group", "calls", "provider_cost_usd",
                "unknown_cost_calls", "user_price_cents", "margin_cents", "waiting", "waived" }
                .Select(name => g.GetProperty(name).ToString())));
        }
    }

    [Fact]
    public async Task A_sum_of_more_digits_than_a_decimal_has_is_told_digit_by_digit()
    {
        var user = await service.UserAsync(1000);
        await UseAsync(user, "1990-05-01T00:00:00Z",
            new { model = "m", amount_cents = 0.0000001m, provider_cost_usd = "9999999999" });
        await UseAsync(user, "1990-05-01T00:00:00Z",
            new { model = "m", amount_cents = 1, provider_cost_usd = "0.0000000000000000000000000001" });
        var body = (await service.GetAsync("/reports/margin?from=1990-01-01&to=1991-01-01")).Expect(200).Body;
        body.ShouldContain("\"provider_cost_usd\":9999999999.0000000000000000000000000001,");
        body.ShouldContain("\"margin_cents\":-999999999898.99999990000000000000000001,");
    }

    [Fact]
    public async Task Groups_come_in_pages_with_the_unknown_one_last_and_the_total_on_each()
    {
        foreach (var user in (string[])["page:b", "page:B", "page:a", "page:c"])
        {
            await service.UserAsync(1000, user);
            await UseAsync(user, "1995-05-01T00:00:00Z", new { amount_cents = 1 });
        }
        await service.Database.ExecuteAsync("""
            INSERT INTO llm_usage (id, occurred_at, created_at, request_hash, request_id, billing_status, review_reason)
            VALUES (gen_random_uuid(), '1995-05-01', now(), 0, 'nobody', 'needs_review', 'no-user')
            """);
        (await PagesAsync(2)).ShouldBe(["page:B,page:a of 5", "page:b,page:c of 5", "? of 5"]);
        (await PagesAsync(4)).ShouldBe(["page:B,page:a,page:b,page:c of 5", "? of 5"]);
        (await PagesAsync(5)).ShouldBe(["page:B,page:a,page:b,page:c,? of 5"]);

        async Task<List<string>> PagesAsync(int limit)
        {
            var pages = new List<string>();
            for (string? after = "", next; after is not null; after = next)
            {
                var reply = (await service.GetAsync(
                    "/reports/margin?group_by=user&from=1995-01-01&to=1996-01-01"
                    + $"&limit={limit}&after={Uri.EscapeDataString(after)}")).Expect(200);
                pages.Add(
                    $"{string.Join(',', reply.List("groups").Select(g => g.GetProperty("group").GetString() ?? "?"))}"
                    + $" of {reply.Json.GetProperty("total").GetProperty("calls")}");
                next = reply.Next("next_after");
            }
            return pages;
        }
    }

    [Fact]
    public async Task A_span_without_calls_has_a_total_of_nothing()
    {
        (await service.GetAsync("/reports/margin?to=1900-01-01&group_by=day")).Expect(200).ShouldRead("""
            {"from":null,"to":"1900-01-01T00:00:00Z","group_by":"day","groups":[],
             "total":{"group":null,"calls":0,"prompt_tokens":0,"completion_tokens":0,"cache_read_tokens":0,
             "cache_write_tokens":0,"reasoning_tokens":0,
                      "provider_cost_usd":0,"unknown_cost_calls":0,"user_price_cents":0,
                      "margin_cents":0,"waiting":0,"waived":0},
             "next_after":null}
            """);
    }

    [Theory]
    [InlineData("group_by=week", "group_by")]
    [InlineData("from=2020-01-02&to=2020-01-01", "to")]
    [InlineData("from=2020-01-01&to=2020-01-01", "to")]
    [InlineData("from=yesterday&to=x", "from", "to")]
    [InlineData("limit=0", "limit")]
    public async Task A_wrong_question_is_400(string query, params string[] fields) =>
        (await service.GetAsync($"/reports/margin?{query}")).ExpectErrors(fields);

    private async Task<Reply> UseAsync(string user, string occurredAt, object call)
    {
        var body = JsonNode.Parse(call as string ?? JsonSerializer.Serialize(call))!.AsObject();
        (body["user_id"], body["request_id"], body["occurred_at"]) = (user, $"call-{++_calls}", occurredAt);
        return (await service.PostAsync("/usage", body.ToJsonString())).Expect(201);
    }
}
