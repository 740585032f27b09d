using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// POST /write-downs with <c>from_usage</c>, against the stored costs (R19). Each test has a provider of its own.
/// </summary>
public sealed class WriteDownFromUsageTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task The_cost_of_all_usage_is_booked_once_in_the_commit_of_the_mark_R19()
    {
        var user = await service.UserAsync(10_000);
        await UseAsync(user, "first", "0.10");
        await UseAsync(user, "first", "0.000000000123456789");

        var reply = await WriteDownAsync("first", "first-1");
        reply.Expect(201).Amount("amount_cents").ShouldBe(10);
        reply.Json.GetProperty("headroom")
            .GetProperty("asset_cents").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Number);
        (await EntriesOfAsync(reply.Text("transaction_id")))
            .ShouldBe(["asset:first|10|0|write_down|usage", "expense:first|0|10|write_down|usage"]);
        (await CostsOfAsync("first")).ShouldBe("0.100000000123456789|10");

        await UseAsync(user, "first", "0.000000001");
        (await WriteDownAsync("first", "first-2")).Expect(201).Amount("amount_cents").ShouldBe(0.0000001m);
        (await CostsOfAsync("first")).ShouldBe("0.100000001123456789|10.0000001");
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Nothing_to_book_is_200_and_each_key_gives_its_first_answer_again_R9()
    {
        var user = await service.UserAsync(10_000);
        var nothing = (await WriteDownAsync("later", "later-1")).Expect(200);
        (nothing.Next("transaction_id"), nothing.Amount("amount_cents")).ShouldBe((null, 0m));
        await UseAsync(user, "later", "0.05");

        var replay = (await WriteDownAsync("later", "later-1")).Expect(200);
        (replay.Body, replay.Replayed).ShouldBe((nothing.Body, true));
        var booked = (await WriteDownAsync("later", "later-2")).Expect(201);
        booked.Amount("amount_cents").ShouldBe(5);
        var again = (await WriteDownAsync("later", "later-2")).Expect(201);
        (again.Body, again.Replayed).ShouldBe((booked.Body, true));
        (await service.PostAsync("/write-downs", new { amount_cents = 5, provider = "later" }, "later-2"))
            .ExpectProblem(422, "idempotency-key-reused");
        (await WriteDownAsync("later", "later-3")).Expect(200).Next("transaction_id").ShouldBeNull();
        (await CostsOfAsync("later")).ShouldBe("0.05|5");
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task What_the_provider_charged_counts_whoever_pays_it_and_unknown_costs_do_not()
    {
        var user = await service.UserAsync(10_000);
        await UseAsync(user, "charged", "0.01");
        await UseAsync(user, "charged", "0.02", "needs_review");
        var waived = await UseAsync(user, "charged", "0.04", "needs_review");
        await service.Database.ExecuteAsync(
            "UPDATE llm_usage SET billing_status = 'waived', reviewed_at = now(), reviewed_by = 'a test' "
            + $"WHERE id = '{waived.Text("usage_id")}'");
        (await service.PostAsync("/usage",
            new { user_id = user, request_id = "free", provider_cost_usd = 0, provider = "charged" })).Expect(201);
        (await service.PostAsync("/usage",
            new { user_id = user, request_id = "unknown", amount_cents = 3, provider = "charged" })).Expect(201);

        (await WriteDownAsync("charged", "charged-1")).Expect(201).Amount("amount_cents").ShouldBe(7);
        (await CostsOfAsync("charged")).ShouldBe("0.07|7");
    }

    [Fact]
    public async Task More_than_one_operation_takes_is_booked_in_steps()
    {
        var user = await service.UserAsync(10_000);
        foreach (var usd in (string[])["9999999999", "9999999999", "0.0000000000000000000000000001"])
            await UseAsync(user, "huge", usd, "needs_review");

        (await WriteDownAsync("huge", "huge-1")).Expect(201).Amount("amount_cents").ShouldBe(1_000_000_000_000m);
        (await WriteDownAsync("huge", "huge-2")).Expect(201).Amount("amount_cents").ShouldBe(999_999_999_800m);
        (await WriteDownAsync("huge", "huge-3")).Expect(200);
        (await CostsOfAsync("huge")).ShouldBe("19999999998.0000000000000000000000000001|1999999999800");
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Usage_that_cost_more_than_was_bought_is_refused_unless_forced_and_stays_due()
    {
        var user = await service.UserAsync(10_000);
        await UseAsync(user, "short", "0.10");
        var body = new { from_usage = true, provider = "short" };
        (await service.PostAsync("/write-downs", body, "short-1")).ExpectProblem(409, "insufficient-provider-credit")
            .Text("detail").ShouldStartWith("Nothing was ever bought from short.");

        (await service.PostAsync("/purchases", new { credits_cents = 9, provider = "short" }, "short")).Expect(201);
        var refused = (await service.PostAsync("/write-downs", body, "short-1"))
            .ExpectProblem(409, "insufficient-provider-credit");
        (refused.Amount("available_cents"), refused.Amount("requested_cents")).ShouldBe((9m, 10m));
        (await CostsOfAsync("short")).ShouldBe("0.1|0");

        (await service.PostAsync("/purchases", new { credits_cents = 1, provider = "short" }, "short more"))
            .Expect(201);
        (await service.PostAsync("/write-downs", body, "short-1")).Expect(201).Amount("amount_cents").ShouldBe(10);
        await service.Database.AssertIntegrityAsync();
    }

    [Theory]
    [InlineData("""{"from_usage":true,"amount_cents":1}""", "from_usage")]
    [InlineData("""{"from_usage":true,"actual_balance_cents":0}""", "from_usage")]
    [InlineData("""{"from_usage":false}""", "amount_cents")]
    [InlineData("""{"from_usage":null}""", "amount_cents")]
    [InlineData("""{"from_usage":"yes"}""", "from_usage")]
    [InlineData("""{"from_usage":true,"provider":"API"}""", "provider")]
    public async Task Anything_else_than_one_of_the_three_is_400(string body, string field) =>
        (await service.PostAsync("/write-downs", body, Guid.NewGuid().ToString())).ExpectErrors(field);

    private Task<Reply> WriteDownAsync(string provider, string key) =>
        service.PostAsync("/write-downs", new { from_usage = true, provider, force = true }, key);

    private async Task<Reply> UseAsync(string user, string provider, string costUsd, string? status = null) =>
        (await service.PostAsync(
            "/usage",
            new
            {
                user_id = user,
                request_id = Guid.NewGuid().ToString(),
                provider,
                provider_cost_usd = costUsd,
                billing_status = status
            })).Expect(201);

    private Task<List<string>> EntriesOfAsync(string transactionId) => service.Database.RowsAsync(
        "SELECT account, debit_cents, credit_cents, reference_type, reference_id FROM ledger_entries "
        + $"WHERE transaction_id = '{transactionId}' ORDER BY id");

    private async Task<string> CostsOfAsync(string provider) => (await service.Database.RowsAsync(
        "SELECT trim_scale(cost_usd)::text, trim_scale(written_down_cents)::text FROM provider_usage_costs "
        + $"WHERE provider = '{provider}'")).Single();
}
