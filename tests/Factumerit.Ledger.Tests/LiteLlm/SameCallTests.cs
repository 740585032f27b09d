using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Database;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// R17: decides if two reports are one call. A caller's choices never merge two calls, and no order splits one.
/// </summary>
public sealed class SameCallTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const decimal Start = 1790000000m;
    private const string Hash = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4";
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_usage_of_a_bot_stands_for_one_call_whatever_call_ids_are_chosen_after_it(bool hasResponseId)
    {
        (await service.PostAsync("/grants", new { user_id = _user, amount_cents = 1000 }, _user)).Expect(201);
        (await service.PostAsync(
            "/usage", new { user_id = _user, request_id = _user, amount_cents = 5, model = Known })).Expect(201);
        JsonObject[] calls = [.. Enumerable.Range(0, 4)
            .Select(n => Call(_user, hasResponseId ? $"{_user}-{n}" : null, Start + n, sent: 1000 + n))];

        Counts(await service.SendAsync(calls)).ShouldBe([0, 1, 3, 0, 0]);
        Counts(await service.SendAsync(calls)).ShouldBe([0, 4, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(995);
        (await WaitingAsync()).ShouldBe(["ids-disagree|1.37", "ids-disagree|1.37", "ids-disagree|1.37"]);
    }

    [Fact]
    public async Task A_response_that_was_read_before_its_call_is_known_stays_one_call()
    {
        var read = Call(null, _user, Start + 900);
        read["call_type"] = "aget_responses";
        var call = Call(null, _user, Start);

        Counts(await service.SendAsync(read)).ShouldBe([0, 0, 1, 0, 0]);
        Counts(await service.SendAsync(call)).ShouldBe([1, 0, 0, 0, 0]);
        Counts(await service.SendAsync(call, read, Row(call, _user, Start))).ShouldBe([0, 3, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-137);
        (await CostsAsync()).ShouldBe(["1.37"]);
    }

    [Fact]
    public async Task Who_reads_a_response_of_nobody_does_not_pay_for_it()
    {
        var call = Call(null, _user, Start);
        call.Remove("metadata");
        var read = Call(null, _user, Start + 900);
        read["call_type"] = "aget_responses";

        Counts(await service.SendAsync(call)).ShouldBe([0, 0, 1, 0, 0]);
        Counts(await service.SendAsync(read)).ShouldBe([0, 1, 0, 0, 0]);

        (await service.Database.RowsAsync(
            $"SELECT review_reason, user_id FROM llm_usage WHERE external_id = '{_user}'")).ShouldBe(["no-user|"]);
    }

    [Fact]
    public async Task A_batch_whose_spend_log_comes_first_is_one_usage()
    {
        var callback = Batch($"batch_{_user}");
        var row = Row(callback, Hash + _user[^1], Start + 60);

        Counts(await service.SendAsync(row)).ShouldBe([0, 0, 1, 0, 0]);
        Counts(await service.SendAsync(callback)).ShouldBe([1, 0, 0, 0, 0]);
        Counts(await service.SendAsync(row, callback)).ShouldBe([0, 2, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-137);
        (await CostsAsync()).ShouldBe(["1.37"]);
    }

    [Fact]
    public async Task A_batch_whose_spend_log_comes_at_once_with_its_callback_is_one_usage()
    {
        var callback = Batch($"batch_{_user}");

        await Task.WhenAll(service.SendAsync(callback), service.SendAsync(Row(callback, Hash + _user[^1], Start + 60)));

        (await service.BalanceAsync(_user)).ShouldBe(-137);
        (await CostsAsync()).ShouldBe(["1.37"]);
    }

    [Fact]
    public async Task An_end_in_the_place_of_a_start_that_can_not_be_read_makes_no_second_call()
    {
        var callback = Call(null, _user, Start);
        (callback["startTime"], callback["endTime"]) = ("yesterday", Start + 30);

        Counts(await service.SendAsync(callback)).ShouldBe([1, 0, 0, 0, 0]);
        Counts(await service.SendAsync(Row(callback, _user, Start))).ShouldBe([0, 1, 0, 0, 0]);

        (await CostsAsync()).ShouldBe(["1.37"]);
    }

    [Fact]
    public async Task A_report_without_a_time_is_the_call_that_says_when_it_began()
    {
        var timeless = Call(null, _user, Start);
        timeless.Remove("startTime");

        Counts(await service.SendAsync(timeless, Call(null, _user, Start))).ShouldBe([1, 1, 0, 0, 0]);
    }

    [Fact]
    public async Task A_report_that_joins_a_billed_usage_and_one_that_waits_bills_nothing()
    {
        var unknown = Call($"{_user}-c", null, Start, cost: null);
        unknown["model"] = "unheard-of";
        var known = Call(null, $"{_user}-r", Start);
        known["model"] = "unheard-of";
        var both = Call($"{_user}-c", $"{_user}-r", Start);
        both["model"] = "unheard-of";

        Counts(await service.SendAsync(unknown)).ShouldBe([0, 0, 1, 0, 0]);
        Counts(await service.SendAsync(known)).ShouldBe([1, 0, 0, 0, 0]);
        Counts(await service.SendAsync(both)).ShouldBe([0, 1, 0, 0, 0]);

        (await service.BalanceAsync(_user)).ShouldBe(-137);
    }

    private JsonObject Call(string? callId, string? id, decimal start, string? cost = "1.37", int sent = 400)
    {
        var payload = Payload(callId, id, _user, cost, sent: sent, generated: 600);
        payload["startTime"] = start;
        return payload;
    }

    private JsonObject Batch(string id)
    {
        var payload = Call(null, id, Start);
        payload["call_type"] = "aretrieve_batch";
        return payload;
    }

    // The same call in LiteLLM's own books.
    private JsonObject Row(JsonObject call, string requestId, decimal start) => new()
    {
        ["request_id"] = requestId,
        ["call_type"] = (string?)call["call_type"] ?? "acompletion",
        ["spend"] = 1.37m,
        ["total_tokens"] = 1000,
        ["prompt_tokens"] = 400,
        ["completion_tokens"] = 600,
        ["startTime"] = DateTimeOffset.FromUnixTimeSeconds((long)start).ToString("O"),
        ["model"] = (string?)call["model"],
        ["user"] = _user,
    };

    private Task<List<string>> WaitingAsync() =>
        service.Database.RowsAsync($"SELECT review_reason, provider_cost_usd FROM llm_usage WHERE user_id = '{_user}' "
            + "AND billing_status = 'needs_review'");

    private Task<List<string>> CostsAsync() =>
        service.Database.RowsAsync($"SELECT provider_cost_usd FROM llm_usage WHERE user_id = '{_user}'");
}
