using System.Text.Json;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>POST /usage/batch: order, mixed outcomes, and the limits of the whole.</summary>
public sealed class UsageBatchTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task Each_item_is_judged_for_itself_in_order()
    {
        var (rich, poor, gone) = (await service.UserAsync(100), await service.UserAsync(0), await service.UserAsync(1));
        (await service.DeleteAsync($"/users/{gone}")).Expect(200);
        (await service.PostAsync("/usage", new { user_id = rich, amount_cents = 1, request_id = "before" }))
            .Expect(201);

        var reply = await service.PostAsync("/usage/batch", $$"""
            [{"user_id":"{{rich}}","amount_cents":2,"request_id":"first"},
             {"user_id":"{{poor}}","amount_cents":2,"request_id":"first"},
             {"user_id":"{{rich}}","amount_cents":1,"request_id":"before"},
             {"user_id":"{{rich}}","amount_cents":3,"request_id":"before"},
             {"user_id":"{{gone}}","amount_cents":2,"request_id":"first"},
             {"user_id":"{{rich}}","amount_cent":2,"request_id":"misspelt"},
             {"user_id":"{{rich}}","amount_cents":-2,"request_id":"negative"},
             "no object",
             {"user_id":"{{rich}}","amount_cents":2,"request_id":"first"},
             {"user_id":"{{rich}}","amount_cents":0,"request_id":"last"}]
            """);

        reply.Expect(200);
        reply.Replayed.ShouldBeFalse();
        Outcomes(reply).ShouldBe(
        [
            "201 billed", "402 insufficient-credit", "200 billed", "422 idempotency-key-reused", "410 user-deleted",
            "400 validation-failed", "400 validation-failed", "400 validation-failed", "200 billed", "201 billed",
        ]);
        (await service.BalanceAsync(rich)).ShouldBe(97);
    }

    [Fact]
    public async Task A_result_holds_the_usage_or_the_problem_whole()
    {
        var (rich, poor) = (await service.UserAsync(100), await service.UserAsync(0));

        var reply = await service.PostAsync("/usage/batch", new[]
        {
            new { user_id = rich, amount_cents = 2.5m, request_id = "r" },
            new { user_id = poor, amount_cents = 2.5m, request_id = "r" },
        });

        reply.Expect(200).ShouldRead($$"""
            {"results":[
              {"status":201,"usage":{"usage_id":"<uuid>","request_id":"r","user_id":"{{rich}}","amount_cents":2.5,
               "billing_status":"billed","review_reason":null,
                "transaction_id":"<uuid>","balance_cents":97.5,"model":null,"provider":null,"provider_cost_usd":null,
                "markup_factor":null,"price_version":null,"occurred_at":"<time>","created_at":"<time>"} },
              {"status":402,"problem":{"type":"/problems/insufficient-credit",
               "title":"The user has not enough credit left","status":402,
                "detail":"{{poor}} has 0 cents of credit; spending needs available credit above 0. Grant credit,
            """
            + """
             then send the same request again.",
                "code":"insufficient-credit","trace_id":"<trace>","balance_cents":0,"available_cents":0} }]}
            """);
    }

    [Fact]
    public async Task A_second_sending_replays_every_item_and_moves_nothing_R9()
    {
        var user = await service.UserAsync(1000);
        var items = Enumerable.Range(0, 1000)
            .Select(i => new { user_id = user, amount_cents = 0.5m, request_id = $"r{i}" }).ToArray();
        var first = (await service.PostAsync("/usage/batch", items)).Expect(200);
        var footprint = await service.Database.FootprintAsync();

        var second = (await service.PostAsync("/usage/batch", items)).Expect(200);

        first.List("results").ShouldAllBe(r => r.GetProperty("status").GetInt32() == 201);
        second.Body.ShouldBe(first.Body.Replace("\"status\":201", "\"status\":200", StringComparison.Ordinal));
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
        (await service.BalanceAsync(user)).ShouldBe(500);
    }

    [Fact]
    public async Task In_a_batch_the_header_is_no_key_R9()
    {
        var user = await service.UserAsync(10);

        var reply = await service.PostAsync(
            "/usage/batch", new[] { new { user_id = user, amount_cents = 1 } }, "header");

        var problem = reply.Expect(200).List("results").ShouldHaveSingleItem().GetProperty("problem");
        problem.GetProperty("errors").FieldNames().ShouldBe(["request_id"]);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"text\"")]
    [InlineData("{\"usages\":[]}")]
    public async Task A_batch_is_an_array_of_1_to_1000(string body) =>
        (await service.PostAsync("/usage/batch", body))
            .ExpectErrors("$").Text("detail").ShouldBe("$ must be an array of 1 to 1000 usages.");

    [Fact]
    public async Task A_batch_of_1001_writes_nothing()
    {
        var user = await service.UserAsync(10);
        var footprint = await service.Database.FootprintAsync();

        var reply = await service.PostAsync("/usage/batch", Enumerable.Range(0, 1001).Select(
            i => new { user_id = user, amount_cents = 0.001m, request_id = $"r{i}" }));

        reply.ExpectErrors("$");
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    private static List<string> Outcomes(Reply reply) => [.. reply.List("results").Select(result =>
    {
        var status = result.GetProperty("status").GetInt32();
        result.FieldNames().ShouldBe(["status", status < 300 ? "usage" : "problem"]);
        return status < 300 ? $"{status} {result.GetProperty("usage").GetProperty("billing_status")}"
            : $"{status} {Code(result.GetProperty("problem"), status)}";
    })];

    private static string Code(JsonElement problem, int status)
    {
        problem.GetProperty("status").GetInt32().ShouldBe(status);
        return problem.GetProperty("code").GetString()!;
    }
}
