
namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>One call in each spelling that LiteLLM has had for it.</summary>
public sealed class IntakeSpellingTests
{
    private static readonly DateTimeOffset Noon = new(2024, 5, 22, 17, 46, 40, TimeSpan.Zero);

    [Fact]
    public async Task A_payload_of_recent_versions()
    {
        var call = await Payloads.ReadCallAsync(Payloads.New);

        call.CallId.ShouldBe("6f8d0f35-call");
        call.ResponseId.ShouldBe("chatcmpl-9f3");
        call.Aliases.ShouldBe(["6f8d0f35-call", "chatcmpl-9f3"]);
        call.Model.ShouldBe("claude-sonnet-4-20250514");
        call.ModelGroup.ShouldBe("sonnet");
        call.Provider.ShouldBe("anthropic");
        call.CostUsd.ShouldBe(0.00016500000000000002m);
        (call.PromptTokens, call.CompletionTokens).ShouldBe((120, 35));
        (call.CacheReadTokens, call.CacheWriteTokens, call.ReasoningTokens).ShouldBe((80, 20, 7));
        call.OccurredAt.ShouldBe(Noon.AddTicks(1_234_560));
        (call.IsSuccess, call.CacheHit).ShouldBe((true, false));
        call.KeyHash.ShouldBe("88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b");
        (call.KeyAlias, call.KeyUserId, call.EndUser).ShouldBe(("vk-1", "vikunja:alice", "carol"));
        call.UsageJson.ShouldNotBeNull().ShouldStartWith("{\"prompt_tokens\": 120, \"completion_tokens\": 35");
        call.UsageJson.ShouldEndWith("\"cache_creation_input_tokens\": 20}");
    }

    [Fact]
    public async Task The_sample_of_the_documentation()
    {
        var call = await Payloads.ReadCallAsync(Payloads.Documented);

        call.CallId.ShouldBeNull();
        call.Aliases.ShouldBe(["chatcmpl-doc"]);
        call.CostUsd.ShouldBe(0.000025m);
        (call.PromptTokens, call.CompletionTokens, call.CacheReadTokens, call.CacheWriteTokens)
            .ShouldBe((11, 9, 4, null));
        call.OccurredAt.ShouldBe(Noon.AddMilliseconds(500));
        call.CacheHit.ShouldBeFalse();
        (call.KeyHash, call.KeyUserId, call.EndUser).ShouldBe(("abc", "bob", null));
        call.UsageJson.ShouldBe(
            """{"prompt_tokens": 11, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}""");
    }

    [Fact]
    public async Task The_legacy_format_with_objects_as_JSON_text()
    {
        var call = await Payloads.ReadCallAsync(Payloads.LegacyJson);

        call.Aliases.ShouldBe(["chatcmpl-v1"]);
        call.CostUsd.ShouldBe(0.0000165m);
        (call.PromptTokens, call.CompletionTokens).ShouldBe((20, 10));
        call.OccurredAt.ShouldBe(Noon.AddMilliseconds(250));
        call.CacheHit.ShouldBeTrue();
        (call.KeyHash, call.KeyUserId, call.EndUser).ShouldBe(("abc", null, "erin"));
        call.UsageJson.ShouldBe("""{"prompt_tokens": "20", "completion_tokens": 10}""");
    }

    [Fact]
    public async Task The_legacy_format_with_objects_as_Python_prints_them()
    {
        var call = await Payloads.ReadCallAsync(Payloads.LegacyPython);

        call.CostUsd.ShouldBe(0.00012m);
        (call.PromptTokens, call.CompletionTokens, call.CacheReadTokens, call.ReasoningTokens).ShouldBe((20, 10, 5, 3));
        call.OccurredAt.ShouldBe(Noon.AddMicroseconds(500));
        call.CacheHit.ShouldBeFalse();
        (call.KeyHash, call.KeyAlias, call.KeyUserId, call.EndUser).ShouldBe(("88dc", "it's", "frank", null));
        call.UsageJson.ShouldNotBeNull().ShouldContain("\"prompt_tokens_details\":{\"cached_tokens\":5}");
    }

    [Fact]
    public async Task A_row_of_the_spend_logs()
    {
        var call = await Payloads.ReadCallAsync(Payloads.SpendLog);

        (call.CallId, call.ResponseId).ShouldBe((null, "req-1"));
        call.Aliases.ShouldBe(["req-1"]);
        call.CostUsd.ShouldBe(0.000033m);
        call.ModelGroup.ShouldBeNull();
        (call.PromptTokens, call.CompletionTokens).ShouldBe((20, 10));
        call.OccurredAt.ShouldBe(Noon.AddMilliseconds(123));
        (call.KeyHash, call.KeyUserId, call.EndUser).ShouldBe(("88dc", "grace", "heidi"));
    }

    [Theory]
    [InlineData("""{"id": "a", "call_id": "b"}""", "b,a")]
    [InlineData("""{"id": "a", "litellm_call_id": "a"}""", "a")]
    [InlineData("""{"id": null, "litellm_call_id": "b"}""", "b")]
    [InlineData("""{"id": "None", "litellm_call_id": "b"}""", "b")]
    [InlineData("""{"id": "a_cache_hit1716400000.5"}""", "a_cache_hit1716400000.5")]
    [InlineData("""{"id": 17}""", "17")]
    [InlineData("""{"id": "\u00e9\"\\ä"}""", "é\"\\ä")]
    public async Task Every_id_is_an_alias_once(string payload, string aliases) =>
        string.Join(',', (await Payloads.ReadCallAsync(payload)).Aliases).ShouldBe(aliases);

    [Fact]
    public async Task An_id_that_is_too_long_to_keep_stays_one_of_a_kind()
    {
        var (one, other) = (new string('a', 256), new string('a', 257));

        var call = await Payloads.ReadCallAsync($$"""{"id": "{{one}}", "litellm_call_id": "{{other}}"}""");

        call.Aliases.Count.ShouldBe(2);
        call.Aliases.ShouldAllBe(a => a.Length == 71 && a.StartsWith("sha256-"));
        (await Payloads.ReadCallAsync($$"""{"id": "{{one}}"}""")).Aliases.ShouldBe([call.ResponseId!]);
    }

    [Theory]
    [InlineData("\"response_cost\": 0.5, \"cost\": null", "0.5")]
    [InlineData("\"response_cost\": \"1.650E-5\"", "0.00001650")]
    [InlineData("\"response_cost\": 0.0, \"hidden_params\": {\"response_cost\": 3}", "3")]
    [InlineData("\"response_cost\": 0.0, \"cost_breakdown\": {\"total_cost\": 0.004}", "0.004")]
    [InlineData("\"response_cost\": 0.0, \"cache_hit\": true, \"cost_breakdown\": {\"total_cost\": 0.004}", "0.0")]
    [InlineData(
        "\"response_cost\": 1.1, \"cost_breakdown\": {\"total_cost\": 1.1, \"margin_total_amount\": 0.1}", "1.0")]
    [InlineData("\"spend\": 1.1, \"metadata\": {\"cost_breakdown\": {\"margin_total_amount\": 0.1}}", "1.0")]
    [InlineData("\"response_cost\": 1.1, \"cost_breakdown\": {\"margin_total_amount\": 1.2}", null)]
    [InlineData("\"response_cost\": 1.1, \"cost_breakdown\": {\"margin_total_amount\": \"much\"}", null)]
    [InlineData("\"response_cost\": -1, \"hidden_params\": {\"response_cost\": 3}", "3")]
    [InlineData("\"response_cost\": NaN", null)]
    [InlineData("\"response_cost\": null, \"hidden_params\": {\"response_cost\": \"0.25\"}, "
        + "\"cost_breakdown\": {\"total_cost\": 9}", "0.25")]
    [InlineData("\"cost_breakdown\": {\"total_cost\": 1e-7}", "0.0000001")]
    [InlineData("\"metadata\": {\"cost_breakdown\": {\"total_cost\": 2}}", "2")]
    [InlineData("\"cost\": \"None\"", null)]
    [InlineData("\"cost\": \"\", \"response_cost_failure_debug_info\": {}", null)]
    public async Task A_cost_is_read_exactly_from_wherever_it_stands(string fields, string? costUsd) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", {{fields}}}""")).CostUsd.ShouldBe(
            costUsd is null ? null : decimal.Parse(costUsd));

    [Theory]
    [InlineData("\"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 2}", 5, 2, null, null, null)]
    [InlineData("\"prompt_tokens\": \"5\", \"completion_tokens\": 2.0", 5, 2, null, null, null)]
    [InlineData("\"hidden_params\": {\"usage_object\": {\"prompt_tokens\": 5, \"cache_read_input_tokens\": 3}}",
        5, null, 3, null, null)]
    [InlineData("\"prompt_tokens\": 0, \"completion_tokens\": 0, \"usage\": {\"prompt_tokens\": 5, "
        + "\"completion_tokens\": 2}", 5, 2, null, null, null)]
    [InlineData("\"prompt_tokens\": 0, \"completion_tokens\": 0", 0, 0, null, null, null)]
    [InlineData("\"usage\": {\"input_tokens\": 5, \"output_tokens\": 2, \"cache_read_input_tokens\": 30, "
        + "\"cache_creation_input_tokens\": 7}", 42, 2, 30, 7, null)]
    [InlineData("\"usage\": {\"input_tokens\": 50, \"output_tokens\": 20, \"input_tokens_details\": "
        + "{\"cached_tokens\": 30}, \"output_tokens_details\": {\"reasoning_tokens\": 9}}", 50, 20, 30, null, 9)]
    [InlineData("\"usage\": {\"prompt_tokens\": 9, \"cache_read_input_tokens\": 0, "
        + "\"prompt_tokens_details\": {\"cached_tokens\": 4, \"cache_creation_tokens\": 2}}", 9, null, 4, 2, null)]
    [InlineData("\"usage\": null, \"metadata\": null", null, null, null, null, null)]
    // A 0 gives way to a positive count in the other spelling.
    [InlineData("\"usage\": {\"prompt_tokens\": 0, \"completion_tokens\": 0, \"total_tokens\": 1079, "
        + "\"input_tokens\": 23, \"output_tokens\": 1056}", 23, 1056, null, null, null)]
    // The total decides what is inside what.
    [InlineData("\"prompt_tokens\": 10120, \"completion_tokens\": 1499, \"total_tokens\": 14428, "
        + "\"usage\": {\"completion_tokens_details\": {\"reasoning_tokens\": 2809}}", 10120, 4308, null, null, 2809)]
    [InlineData("\"prompt_tokens\": 10, \"completion_tokens\": 20, \"total_tokens\": 30, "
        + "\"usage\": {\"completion_tokens_details\": {\"reasoning_tokens\": 5}}", 10, 20, null, null, 5)]
    [InlineData("\"usage\": {\"input_tokens\": 130213, \"output_tokens\": 50, \"total_tokens\": 130263, "
        + "\"cache_read_input_tokens\": 128955, \"cache_creation_input_tokens\": 1253}",
        130213, 50, 128955, 1253, null)]
    [InlineData("\"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 50, \"total_tokens\": 130263, "
        + "\"cache_read_input_tokens\": 128955, \"cache_creation_input_tokens\": 1253}",
        130213, 50, 128955, 1253, null)]
    public async Task Tokens_are_found_wherever_they_stand(
        string fields, int? prompt, int? completion, int? cacheRead, int? cacheWrite, int? reasoning)
    {
        var call = await Payloads.ReadCallAsync($$"""{"id": "a", {{fields}}}""");

        (call.PromptTokens, call.CompletionTokens, call.CacheReadTokens, call.CacheWriteTokens, call.ReasoningTokens)
            .ShouldBe((prompt, completion, cacheRead, cacheWrite, reasoning));
    }

    [Theory]
    [InlineData("1716400000", "2024-05-22T17:46:40.0000000")]
    [InlineData("1716400000.1234569", "2024-05-22T17:46:40.1234560")]
    [InlineData("1.7164e9", "2024-05-22T17:46:40.0000000")]
    [InlineData("\"2024-05-22T17:46:40Z\"", "2024-05-22T17:46:40.0000000")]
    [InlineData("\"2024-05-22T19:46:40.25+02:00\"", "2024-05-22T17:46:40.2500000")]
    [InlineData("\"2024-05-22 17:46:40.123456\"", "2024-05-22T17:46:40.1234560")]
    [InlineData("\"2024-05-22T17:46:40.123456789z\"", "2024-05-22T17:46:40.1234560")]
    [InlineData("\"2024-05-22 17:46:40+00\"", "2024-05-22T17:46:40.0000000")]
    [InlineData("\"2024-05-22T23:16:40.1+0530\"", "2024-05-22T17:46:40.1000000")]
    [InlineData("\"2024-05-22T19:46:40+02\"", "2024-05-22T17:46:40.0000000")]
    [InlineData("null, \"endTime\": 1716400000", "2024-05-22T17:46:40.0000000")]
    public async Task A_time_is_read_to_the_microsecond_in_UTC(string startTime, string expected)
    {
        var time = (await Payloads.ReadCallAsync(
            $$"""{"id": "a", "startTime": {{startTime}}}""")).OccurredAt.ShouldNotBeNull();

        time.Offset.ShouldBe(TimeSpan.Zero);
        time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff").ShouldBe(expected);
    }

    [Theory]
    [InlineData("\"success\"", true)]
    [InlineData("\"failure\"", false)]
    [InlineData("null", true)]
    public async Task A_call_has_failed_when_it_says_so(string status, bool isSuccess) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", "status": {{status}}}""")).IsSuccess.ShouldBe(isSuccess);

    [Fact]
    public async Task A_key_in_the_place_of_its_hash_is_hashed() =>
        (await Payloads.ReadCallAsync("""{"id": "a", "metadata": {"user_api_key": "sk-1234"}}""")).KeyHash
            .ShouldBe("88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b");

    [Theory]
    [InlineData("{\"object\": 1}")]
    [InlineData("[1]")]
    [InlineData("\"\\ud800\"")]
    public async Task An_end_user_that_can_be_none_loses_no_call(string endUser) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", "end_user": {{endUser}}, "cost": 1}"""))
            .ShouldSatisfyAllConditions(c => c.EndUser.ShouldBeNull(), c => c.CostUsd.ShouldBe(1));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    public async Task An_end_user_of_any_length_or_depth_makes_no_call_too_large(int chunkBytes)
    {
        string[] callersOwn = [$"\"{new string('x', 300_000)}\\\"\"", $"{new string('[', 100)}{new string(']', 100)}",
            "{\"id\": \"wrong\"}", $"\"{new string('x', 4000)}\""];
        var payloads = callersOwn.Select((user, i) =>
            $$"""{"id": "{{i}}", "end_user": {{user}}, "user": {{user}}, "metadata": """
            + $$"""{"user_api_key_end_user_id": {{user}} }, "cost": 1}""");

        var items = await Payloads.ReadAsync($"[{string.Join(',', payloads)}]", chunkBytes);

        items.Select(i => (i.Call?.ResponseId, i.Call?.EndUser, i.Call?.CostUsd))
            .ShouldBe([("0", null, 1m), ("1", null, 1m), ("2", null, 1m), ("3", $"{new string('x', 199)}…", 1m)]);
    }

    [Theory]
    [InlineData("{\"prompt_tokens\": 1, \"note\": \"\\u0000\"}")]
    [InlineData("{\"prompt_tokens\": 1, \"huge\": 1e999999}")]
    public async Task A_usage_that_a_database_would_refuse_is_left_out(string usage) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", "usage": {{usage}}}"""))
            .ShouldSatisfyAllConditions(c => c.UsageJson.ShouldBeNull(), c => c.PromptTokens.ShouldBe(1));

    [Fact]
    public async Task A_usage_of_over_16_KiB_is_left_out() =>
        (await Payloads.ReadCallAsync(
            $$"""{"id": "a", "usage": {"prompt_tokens": 1, "note": "{{new string('x', 16384)}}"} }""")).UsageJson
            .ShouldBeNull();
}
