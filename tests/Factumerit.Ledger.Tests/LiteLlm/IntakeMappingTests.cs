using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Database;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>POST /intake/litellm: the user, the cost, the time and the ids of a call.</summary>
public sealed class IntakeMappingTests(IntakeService service) : IClassFixture<IntakeService>
{
    private const string Outcome = "billing_status, review_reason, provider_cost_usd, user_price_cents, price_version";
    private readonly string _call = $"call-{Guid.NewGuid():N}";
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    [Theory]
    // What LiteLLM knows goes before the price book, also for models that are not in it.
    [InlineData(Known, "0.000165", 100, 10, "billed||0.000165|0.0165|")]
    [InlineData("nobody-knows", "1.65e-4", 100, 10, "billed||0.000165|0.0165|")]
    [InlineData("nobody-knows", "\"0.000165\"", null, null, "billed||0.000165|0.0165|")]
    // Unknown: the price book, 100 x 3 + 10 x 15 nano-dollars.
    [InlineData(Known, null, 100, 10, "billed||0.00000045|0.000045|1")]
    [InlineData("openai/known-model", "null", 100, 10, "billed||0.00000045|0.000045|1")]
    // LiteLLM writes 0 for what it does not know.
    [InlineData(Known, "0.0", 100, 10, "billed||0.00000045|0.000045|1")]
    [InlineData("nobody-knows", "0.0", 100, 10, "needs_review|unknown-model|||")]
    [InlineData("nobody-knows", null, 100, 10, "needs_review|unknown-model|||")]
    [InlineData(null, null, 100, 10, "needs_review|no-tokens|||")]
    [InlineData(Known, null, null, null, "needs_review|no-tokens|||")]
    // A 0 that is one: of a free model.
    [InlineData(Free, "0.0", 100, 10, "billed||0|0|")]
    [InlineData(Free, null, 100, 10, "billed||0|0|1")]
    [InlineData(Free, "0.0", 0, 0, "billed||0|0|")]
    // Nothing is known of it, which is not the same as free.
    [InlineData("nobody-knows", "0.0", 0, 0, "needs_review|no-tokens|||")]
    [InlineData(Known, "0.0", 0, 0, "needs_review|no-tokens|||")]
    public async Task A_call_costs_what_LiteLLM_knows_else_what_the_price_book_says_else_it_waits(
        string? model, string? cost, int? sent, int? generated, string outcome) =>
        (await service.TakeInAsync(Payload(_call, null, _user, cost, model, sent, generated), Outcome))
            .ShouldBe(outcome);

    [Theory]
    [InlineData("302ai")]
    [InlineData("azure")]
    public async Task A_call_is_never_priced_as_another_vendors(string provider)
    {
        var payload = Payload(_call, null, _user);
        payload["custom_llm_provider"] = provider;
        (await service.TakeInAsync(payload, Outcome)).ShouldBe("needs_review|unknown-model|||");
    }

    [Fact]
    public async Task An_answer_from_LiteLLMs_cache_costs_nothing()
    {
        var payload = Payload(_call, null, _user, "0.0", "nobody-knows");
        payload["cache_hit"] = true;
        (await service.TakeInAsync(payload, Outcome)).ShouldBe("billed||0|0|");
    }

    [Fact]
    public async Task Parts_that_exceed_their_whole_wait_unless_the_cost_is_known()
    {
        var payload = Payload(_call, null, _user);
        payload["metadata"]!["usage_object"] = new JsonObject { ["cache_read_input_tokens"] = 101 };
        (await service.TakeInAsync(payload, Outcome)).ShouldBe("needs_review|tokens-disagree|||");
        (payload["litellm_call_id"], payload["response_cost"]) = ($"{_call}-2", 0.01m);
        (await service.TakeInAsync(payload, Outcome)).ShouldBe("billed||0.01|1|");
    }

    [Fact]
    public async Task The_user_is_the_keys_else_LiteLLMs_and_never_the_callers()
    {
        await service.KnowKeyAsync(_call, "owner");
        var payload = Payload(_call, null, "told", "0.01");
        payload["end_user"] = "caller";
        payload["metadata"]!["user_api_key_hash"] = _call;
        (await service.TakeInAsync(payload, "user_id, virtual_key_id IS NOT NULL")).ShouldBe("owner|True");

        (payload["litellm_call_id"], payload["metadata"]!["user_api_key_hash"]) = ($"{_call}-2", "not-ours");
        (await service.TakeInAsync(payload, "user_id, virtual_key_id")).ShouldBe("told|");
        // Neither is a user's id here.
        foreach (var (number, told) in ((int, string?)[])[(3, null), (4, "told by many"), (5, "")])
        {
            (payload["litellm_call_id"], payload["metadata"]!["user_api_key_user_id"]) = ($"{_call}-{number}", told);
            (await service.TakeInAsync(payload, $"user_id, {Outcome}")).ShouldBe("|needs_review|no-user|0.01||");
        }
    }

    [Fact]
    public async Task A_key_counts_from_the_moment_it_is_known()
    {
        var payload = Payload(_call, null, null, "0.01");
        payload["metadata"] = new JsonObject { ["user_api_key_hash"] = _call };
        (await service.TakeInAsync(payload, "user_id")).ShouldBe("");
        await service.KnowKeyAsync(_call, "owner");
        payload["litellm_call_id"] = $"{_call}-2";
        (await service.TakeInAsync(payload, "user_id")).ShouldBe("owner");
    }

    [Fact]
    public async Task What_is_taken_in_is_recorded_whatever_the_balance_R4_R6()
    {
        (await service.TakeInAsync(Payload(_call, null, _user, "0.01"), "balance_after_cents")).ShouldBe("-1");
        (await service.TakeInAsync(Payload($"{_call}-2", null, _user, "0.01"), "balance_after_cents")).ShouldBe("-2");
        (await service.BalanceAsync(_user)).ShouldBe(-2);
    }

    [Fact]
    public async Task A_deleted_users_call_waits_and_moves_nothing_R11_R16()
    {
        await service.UserAsync(5, _user);
        (await service.DeleteAsync($"/users/{_user}")).Expect(200);
        (await service.TakeInAsync(Payload(_call, null, _user, "0.01"), $"user_id, {Outcome}"))
            .ShouldBe($"{_user}|needs_review|user-deleted|0.01||");
        (await service.BalanceAsync(_user)).ShouldBe(0);
    }

    [Fact]
    public async Task Failed_calls_count_only_when_they_cost_or_generated_something()
    {
        var payloads = ((string? Cost, int Generated)[])[(null, 0), ("0.0", 0), ("0.01", 0), ("0.0", 10)];
        var failed = payloads.Select(
            (p, number) => Payload($"{_call}-{number}", null, _user, p.Cost, generated: p.Generated)).ToArray();
        foreach (var payload in failed)
            payload["status"] = "failure";
        Counts(await service.SendAsync(failed)).ShouldBe([2, 0, 0, 2, 0]);
        (await service.Database.RowsAsync(
            $"SELECT request_id, user_price_cents FROM llm_usage WHERE user_id = '{_user}' ORDER BY 1"))
            .ShouldBe([$"{_call}-2|1", $"{_call}-3|0.000045"]);
    }

    [Theory]
    // The total says that 5 tokens were generated, but not of what.
    [InlineData("\"prompt_tokens\":10,\"completion_tokens\":null,\"total_tokens\":15", "needs_review|tokens-disagree")]
    [InlineData("\"total_tokens\":15", "needs_review|tokens-disagree")]
    [InlineData(
        "\"prompt_tokens\":10,\"usage\":{\"prompt_tokens\":10,\"total_tokens\":15}", "needs_review|tokens-disagree")]
    [InlineData(
        "\"prompt_tokens\":10,\"completion_tokens\":0,\"usage\":{\"input_tokens\":10,\"output_tokens\":5}", "billed|")]
    [InlineData("\"prompt_tokens\":10,\"completion_tokens\":0,"
        + "\"usage\":{\"completion_tokens_details\":{\"reasoning_tokens\":5} }", "needs_review|tokens-disagree")]
    [InlineData("\"prompt_tokens\":10,\"completion_tokens\":0,\"total_tokens\":15,"
        + "\"usage\":{\"completion_tokens_details\":{\"reasoning_tokens\":5} }", "billed|")]
    // What was sent is not what was generated.
    [InlineData("\"prompt_tokens\":10,\"completion_tokens\":null,\"total_tokens\":10", "")]
    [InlineData("\"prompt_tokens\":10,\"completion_tokens\":0,\"total_tokens\":5", "")]
    [InlineData("\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"total_tokens\":15}", "")]
    public async Task Any_sign_of_generated_tokens_makes_a_failed_call_a_call(string tokens, string outcome)
    {
        (await service.PostAsync("/intake/litellm", $$"""
            {"litellm_call_id":"{{_call}}","status":"failure","model":"{{Known}}","response_cost":0,{{tokens}},
            """
            + $$"""
            "metadata":{"user_api_key_user_id":"{{_user}}"} }
            """)).Expect(200);
        (await service.Database.RowsAsync(
            $"SELECT billing_status, review_reason FROM llm_usage WHERE user_id = '{_user}'"))
            .ShouldBe(outcome.Length == 0 ? [] : [outcome]);
    }

    [Theory]
    [InlineData("\"response_cost\":1e11", "unreadable:response_cost")]
    [InlineData("\"response_cost\":1e400", "unreadable:response_cost")]
    [InlineData("\"response_cost\":1,\"cost_breakdown\":{\"margin_total_amount\":\"x\"}",
        "unreadable:cost_breakdown.margin_total_amount")]
    [InlineData("\"response_cost\":1,\"cost_breakdown\":{\"margin_total_amount\":-0.5}",
        "unreadable:cost_breakdown.margin_total_amount")]
    [InlineData("\"response_cost\":1,\"cost_breakdown\":{\"margin_total_amount\":1.5}",
        "unreadable:cost_breakdown.margin_total_amount")]
    public async Task A_cost_that_can_not_be_used_waits_for_a_person_and_is_never_worked_out(string cost, string reason)
    {
        var body = $$"""{"litellm_call_id":"{{_call}}","model":"{{Known}}","""
            + $$"""{{cost}},"prompt_tokens":100,"completion_tokens":10,"metadata":"""
            + $$"""{"user_api_key_user_id":"{{_user}}"} }""";
        (await service.PostAsync("/intake/litellm", body)).Expect(200);
        (await service.PostAsync("/usage/reprice", new { })).Expect(200);
        // The same again knows more of it, and still not its cost.
        (await service.PostAsync("/intake/litellm", body.Replace(
            "\"model\"", "\"custom_llm_provider\":\"openai\",\"model\"", StringComparison.Ordinal))).Expect(200);

        (await service.Database.RowsAsync("SELECT billing_status, review_reason FROM llm_usage "
            + $"WHERE user_id = '{_user}'")).ShouldBe([$"needs_review|{reason}"]);
    }

    [Fact]
    public async Task A_cost_of_very_many_decimals_is_that_cost() =>
        (await service.TakeInAsync(Payload(_call, null, _user, "0.010000000000000000000000000001"), Outcome))
            .ShouldBe("billed||0.01|1|");

    [Fact]
    public async Task The_parts_of_a_cost_are_a_cost()
    {
        var payload = Payload(_call, null, _user, "0.0");
        payload["cost_breakdown"] = JsonNode.Parse("""{"input_cost":0.004,"output_cost":0.006}""");
        (await service.TakeInAsync(payload, Outcome)).ShouldBe("billed||0.01|1|");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("undefined")]
    [InlineData("None")]
    [InlineData("0")]
    [InlineData("False")]
    public async Task A_placeholder_is_nobody(string user) =>
        (await service.TakeInAsync(Payload(_call, null, user, "0.01"), $"user_id, {Outcome}"))
            .ShouldBe("|needs_review|no-user|0.01||");

    [Fact]
    public async Task Both_ids_lead_to_one_usage_in_any_order_R17()
    {
        // The last links the two ids of a usage that was known under one of them.
        var steps = (JsonObject[])[Payload(_call, null, _user, "0.01"), Payload(_call, $"{_call}-r", _user, "0.01"),
            Payload(null, $"{_call}-r", _user, "0.01")];
        Counts(await service.SendAsync(steps[0])).ShouldBe([1, 0, 0, 0, 0]);
        Counts(await service.SendAsync(steps[1])).ShouldBe([0, 1, 0, 0, 0]);
        Counts(await service.SendAsync(steps[2])).ShouldBe([0, 1, 0, 0, 0]);
        Counts(await service.SendAsync([.. steps.Select(s => (JsonObject)s.DeepClone())])).ShouldBe([0, 3, 0, 0, 0]);
        (await service.BalanceAsync(_user)).ShouldBe(-1);
        (await service.Database.RowsAsync($"""
            SELECT request_id, u.external_id, source_system,
                (SELECT string_agg(a.external_id, ' ' ORDER BY a.external_id) FROM usage_aliases a
                    WHERE a.usage_id = u.id)
            FROM llm_usage u WHERE user_id = '{_user}'
            """)).ShouldBe([$"{_call}|{_call}|litellm|{_call} {_call}-r"]);
    }

    [Fact]
    public async Task All_that_was_reported_is_kept_but_prompts_and_answers()
    {
        var payload = Payload(_call, $"{_call}-r", _user, null, null);
        foreach (var (name, value) in (ReadOnlySpan<(string, JsonNode?)>)[("model_group", Known),
            ("custom_llm_provider", "Vertex AI"), ("startTime", 1716400000.123456m), ("endTime", 1716400009m)])
            payload[name] = value;
        payload["metadata"]!["usage_object"] = JsonNode.Parse(
            """
            {"prompt_tokens":100,"completion_tokens":10,"cache_read_input_tokens":40,"cache_creation_input_tokens":20,
            """
            + """
            "completion_tokens_details":{"reasoning_tokens":4}}
            """);
        (await service.TakeInAsync(payload, """
            request_id, model, provider, prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens,
            reasoning_tokens, to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            usage->>'cache_read_input_tokens'
            """)).ShouldBe($"{_call}|{Known}|vertex_ai|100|10|40|20|4|2024-05-22 17:46:40.123456|40");
        (await service.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM llm_usage u WHERE u::text LIKE '%{Payloads.Secret}%'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_time_that_is_too_far_ahead_says_nothing()
    {
        var payload = Payload(_call, null, _user, "0.01");
        payload["startTime"] = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
        (await service.TakeInAsync(payload, "occurred_at = u.created_at")).ShouldBe("True");
    }
}

/// <summary>LiteLlm:TrustEndUser: the caller may say who pays, where nobody else does.</summary>
public sealed class TrustedEndUserTests(TrustedEndUserTests.Trusting service)
    : IClassFixture<TrustedEndUserTests.Trusting>
{
    [Fact]
    public async Task The_end_user_pays_where_the_key_is_nobodys()
    {
        foreach (var (call, told, endUser, user) in ((string, string?, string, string)[])[
            ("1", null, "caller", "caller"), ("2", "told", "caller", "told"), ("3", null, "", ""),
            ("4", null, "a b", "")])
        {
            var payload = Payload(call, null, told, "0.01");
            payload["end_user"] = endUser;
            (await service.TakeInAsync(payload, "user_id")).ShouldBe(user);
        }
    }

    [Theory]
    [InlineData("false")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("unknown")]
    [InlineData("Anonymous")]
    [InlineData("session_1")]
    [InlineData("user_1_session_2")]
    public async Task A_name_of_nobody_is_no_user(string endUser)
    {
        var payload = Payload($"nobody-{endUser}", null, null, "0.01");
        payload["end_user"] = endUser;
        (await service.TakeInAsync(payload, "user_id, review_reason, payer_hint->>'end_user'"))
            .ShouldBe($"|no-user|{endUser}");
    }

    public sealed class Trusting : IntakeService
    {
        protected override string[] Configuration => [.. base.Configuration, "--LiteLlm:TrustEndUser=true"];
    }
}
