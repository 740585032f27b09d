using System.Text;
using Factumerit.Ledger.LiteLlm;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>Bodies of every shape, whole and in pieces of any size, sound and broken.</summary>
public sealed class IntakeShapeTests
{
    private const string Broken = IntakeReader.Malformed;
    private const string Wrong = IntakeReader.Invalid;

    private static readonly string All = string.Join(", ", Payloads.New, "null", Payloads.Documented, "{\"id\": }",
        Payloads.LegacyJson, "7", Payloads.LegacyPython, Payloads.SpendLog);

    public static TheoryData<string, string> Bodies => new()
    {
        { "", "" },
        { " \r\n\t ", "" },
        { "[]", "" },
        { "[ ]\n", "" },
        { "null", "null" },
        { "{\"id\":\"a\"}", "a" },
        { "\uFEFF{\"id\":\"a\"}", "a" },
        { "\uFEFF\n[ {\"id\":\"a\"} , null,{\"id\":\"b\"}]", "a,null,b" },
        { "{\"id\":\"a\"}\n{\"id\":\"b\"}\n", "a,b" },
        { "{\"id\":\"a\"}\r\n\r\nnull\r\n{\"id\":\"b\"}", "a,null,b" },
        { "{\"id\":\"a\"}{\"id\":\"b\"} {\"id\":\"c\"}", "a,b,c" },
        { "[{\"id\":\"a\"}][{\"id\":\"b\"}]", "a,b" },
        { "{\n  \"id\": \"a\",\n  \"messages\": [\n{\n\"content\": \"x\"\n}\n]\n}\n", "a" },
        { "{\"records\":[{\"status\":\"success\",\"standard_logging_payload\":{\"id\":\"a\"},\"error\":null},"
            + "{\"standard_logging_payload\":{\"id\":\"b\"}}]}", "a,b" },
        { "{\"records\":[\n{\"standard_logging_payload\":\n{\"id\":\"a\"}},\n"
            + "{\"standard_logging_payload\":{\"id\":\"b\"}}\n], \"more\": [1, {\"id\": 2}]}\n{\"id\":\"c\"}",
            "a,b,c" },
        { "{\"source\":\"replay\",\"records\" : []}", "" },
        { "{\"records\":\"none\",\"id\":\"a\"}", "a" },
        { "{\"data\":[{\"request_id\":\"a\"}],\"total\":1,\"page\":1}", "a" },
        { "[{\"standard_logging_payload\":\"{\\\"id\\\": \\\"a\\\"}\"}]", "a" },
        { "[{\"messages\":[[[\"]\"]]],\"id\":\"a\",\"response\":-1.5e3,\"x\":true}]", "a" },
    };

    public static TheoryData<string, string> BrokenBodies => new()
    {
        // In an array what is whole goes on.
        { "[{\"id\":\"a\"},{\"id\":},{\"id\":\"c\"}]", $"a,{Broken},c" },
        { "[{\"id\":\"a\"},{\"id\" \"b\"},{\"id\":\"c\"}]", $"a,{Broken},c" },
        { "[{\"id\":\"a\", \"messages\":},{\"id\":\"c\"}]", $"{Broken},c" },
        { "[{\"id\":\"a\"]},{\"id\":\"c\"}]", $"{Broken},{Broken},c" },
        { "[{\"id\":\"a\"}},{\"id\":\"c\"}]", $"a,{Broken},c" },
        { "[NaN,{\"id\":\"c\"}]", $"{Broken},c" },
        // What is no JSON value is not read, and the others are.
        { "[{\"id\":\"a\",\"cost\":NaN},{\"id\":\"c\"}]", "a,c" },
        { "[{\"id\":\"a\",\"cost\":-Infinity,\"usage\":{\"x\":Infinity,\"y\":[nan,1.,+2]}},{\"id\":\"c\"}]", "a,c" },
        { "[1,\"two, ]\",[{\"id\":\"3\"}],true,{\"id\":\"c\"}]", $"{Wrong},{Wrong},{Wrong},{Wrong},c" },
        // Each line stands for itself.
        { "{\"id\":\"a\"\n{\"id\":\"b\"}\n", $"{Broken},b" },
        { "{\"id\":\"a\n{\"id\":\"b\"}\n", $"{Broken},b" },
        { "{\"id\":\"a\",\"messages\":[{\"content\":\"x\n{\"id\":\"b\"}\n", $"{Broken},b" },
        { "{\"id\":\"a\",\"messages\":\n{\"id\":\"b\"}\n", $"{Broken},b" },
        { "{\"id\":\"a\"}}\n{\"id\":\"b\"}", $"a,{Broken},b" },
        { "rubbish, \"and more\"\n{\"id\":\"b\"}", $"{Broken},b" },
        { "data: {\"id\":\"b\"}", $"{Broken},b" },
        // What breaks off has an end all the same.
        { "{\"id\":\"a\"", Broken },
        { "[", Broken },
        { "[{\"id\":\"a\"},", $"a,{Broken}" },
        { "[{\"id\":\"a\"},{\"id\":\"b", $"a,{Broken}" },
        { "[{\"id\":\"a\"},{\"messages\":[\"x\\", $"a,{Broken}" },
        { "{\"records\":[{\"id\":\"a\"}]", $"a,{Broken}" },
        { "{\"id\":\"a\"}\n{\"id\":\"b\",\"response\":12", $"a,{Broken}" },
        { "nul", Broken },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    [MemberData(nameof(BrokenBodies))]
    public async Task A_body_of_any_shape_gives_its_items_in_order(string body, string outline)
    {
        for (var chunkBytes = 1; chunkBytes <= body.Length + 1; chunkBytes++)
            string.Join(',', await Payloads.OutlineAsync(body, chunkBytes))
                .ShouldBe(outline, $"in chunks of {chunkBytes}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(4096)]
    public async Task Chunks_change_nothing_of_what_is_read(int chunkBytes)
    {
        foreach (var body in (string[])[$"[{All}]", Payloads.New, All.Replace("}, {", "}\n{", StringComparison.Ordinal),
            $$"""{"records": [{{All}}] }"""])
        {
            var whole = Payloads.Describe(await Payloads.ReadAsync(body, int.MaxValue));
            Payloads.Describe(await Payloads.ReadAsync(body, chunkBytes)).ShouldBe(whole);
        }
    }

    [Fact]
    public async Task A_body_cut_at_any_byte_gives_what_was_whole_and_one_problem()
    {
        var body = Encoding.UTF8.GetBytes($"[{Payloads.New}, {Payloads.Documented}, null]");
        var firstEnd = Encoding.UTF8.GetByteCount(Payloads.New) + 1;

        for (var length = 1; length < body.Length; length++)
        {
            var items = await Payloads.ReadAsync(body[..length], 512);

            items[^1].Problem.ShouldNotBeNull().Code.ShouldBe(Broken);
            items.Count(i => i.Problem is not null).ShouldBe(1);
            items.Any(i => i.Call?.ResponseId == "chatcmpl-9f3").ShouldBe(length >= firstEnd, $"at {length}");
        }
    }

    [Fact]
    public async Task The_status_of_a_replayed_record_counts()
    {
        var call = await Payloads.ReadCallAsync(
            """{"records": [{"status": "failure", "standard_logging_payload": """
            + """{"id": "a"}, "error": "the-prompt-nobody-may-see"}]}""");

        call.IsSuccess.ShouldBeFalse();
    }

    [Theory]
    [InlineData("\"response_cost\": \"the-prompt-nobody-may-see\"", "response_cost")]
    [InlineData("\"response_cost\": -1", "response_cost")]
    [InlineData("\"cost\": true", "cost")]
    [InlineData("\"cost\": Infinity", "cost")]
    [InlineData("\"cost\": 1e11", "cost")]
    [InlineData("\"cost\": 1e9999", "cost")]
    [InlineData("\"cost\": 0, \"hidden_params\": {\"response_cost\": 1e11}", "hidden_params.response_cost")]
    [InlineData(
        "\"cost\": 1, \"cost_breakdown\": {\"margin_total_amount\": \"x\"}", "cost_breakdown.margin_total_amount")]
    [InlineData("\"cost\": 1, \"cost_breakdown\": {\"margin_total_amount\": -1}", "cost_breakdown.margin_total_amount")]
    [InlineData(
        "\"cost\": 1, \"cost_breakdown\": {\"margin_total_amount\": 1.5}", "cost_breakdown.margin_total_amount")]
    [InlineData(
        "\"cost\": 0, \"cost_breakdown\": {\"input_cost\": 0.1, \"output_cost\": \"x\"}", "cost_breakdown.output_cost")]
    [InlineData("\"cost\": {}", "cost")]
    [InlineData("\"prompt_tokens\": 1.5", "prompt_tokens")]
    [InlineData("\"prompt_tokens\": -1, \"completion_tokens\": 5", "prompt_tokens")]
    [InlineData("\"prompt_tokens\": 5, \"completion_tokens\": NaN", "completion_tokens")]
    [InlineData("\"usage\": {\"completion_tokens\": 3000000000}", "usage.completion_tokens")]
    [InlineData("\"prompt_tokens\": 9, \"usage\": {\"prompt_tokens_details\": {\"cached_tokens\": \"x\"}}",
        "usage.cached_tokens")]
    [InlineData("\"usage\": [1]", "usage")]
    [InlineData("\"usage\": \"n/a\"", "usage")]
    [InlineData("\"usage\": {\"prompt_tokens\": 1, \"huge\": 1e999999}", "usage")]
    [InlineData("\"model\": \"\\u0000\"", "model")]
    [InlineData("\"model\": {\"a\": 1}", "model")]
    [InlineData("\"response_cost\": NaN, \"prompt_tokens\": \"x\"", "response_cost,prompt_tokens")]
    // More digits than are kept.
    [InlineData("\"cost\": 1.00000000000000000000000000001", null)]
    // Another place has it.
    [InlineData("\"cost\": 1e11, \"hidden_params\": {\"response_cost\": 1}", null)]
    // Nothing is taken off what costs nothing.
    [InlineData("\"cost\": 0, \"cost_breakdown\": {\"margin_total_amount\": \"x\"}", null)]
    [InlineData("\"response_cost\": NaN, \"hidden_params\": {\"response_cost\": 1}", null)]
    [InlineData("\"prompt_tokens\": \"x\", \"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 1}", null)]
    [InlineData("\"usage\": \"n/a\", \"prompt_tokens\": 1, \"completion_tokens\": 1", null)]
    // No price depends on these.
    [InlineData("\"startTime\": \"yesterday\"", null)]
    [InlineData("\"startTime\": 1716400000000", null)]
    [InlineData("\"cache_hit\": \"maybe\"", null)]
    [InlineData("\"metadata\": \"the-prompt-nobody-may-see\"", null)]
    [InlineData("\"metadata\": []", null)]
    [InlineData("\"metadata\": {\"user_api_key_user_id\": [\"x\"]}", null)]
    public async Task A_field_that_cant_be_read_is_unknown_and_the_call_is_read(string fields, string? unreadable)
    {
        var call = await Payloads.ReadCallAsync($$"""{"id": "a", {{fields}}, "end_user": "u"}""");

        (call.ResponseId, call.EndUser, call.Unreadable).ShouldBe(("a", "u", unreadable));
    }

    [Theory]
    [InlineData("{\"model\": \"gpt-4o\"}")]
    [InlineData("{\"id\": {\"a\": 1}, \"model\": \"gpt-4o\"}")]
    [InlineData("{\"id\": \"None\", \"model\": \"gpt-4o\"}")]
    [InlineData("{\"id\": \"null\", \"litellm_call_id\": \"undefined\", \"model\": \"gpt-4o\"}")]
    [InlineData("{\"id\": \" \", \"model\": \"gpt-4o\"}")]
    public async Task A_call_without_an_id_has_one_made_of_what_it_says(string payload)
    {
        var call = await Payloads.ReadCallAsync(payload);
        call.Aliases.ShouldBe([call.DerivedId]);
        (await Payloads.ReadCallAsync(payload)).DerivedId.ShouldBe(call.DerivedId);
    }

    [Theory]
    [InlineData("\"startTime\": 1716400000.000001")]
    [InlineData("\"startTime\": 1716400000, \"endTime\": 1716400001")]
    [InlineData("\"startTime\": 1716400000, \"model\": \"other\"")]
    [InlineData("\"startTime\": 1716400000, \"prompt_tokens\": 1")]
    [InlineData("\"startTime\": 1716400000, \"completion_tokens\": 1")]
    [InlineData("\"startTime\": 1716400000, \"response_cost\": 1")]
    [InlineData("\"startTime\": 1716400000, \"metadata\": {\"user_api_key_hash\": \"h\"}")]
    [InlineData("\"startTime\": 1716400000, \"metadata\": {\"user_api_key_user_id\": \"u\"}")]
    public async Task Two_calls_without_an_id_have_two(string fields) =>
        (await Payloads.ReadCallAsync($"{{ {fields} }}")).DerivedId.ShouldNotBe(
            (await Payloads.ReadCallAsync("""{"startTime": 1716400000}""")).DerivedId);

    [Theory]
    [InlineData("0.010000000000000000000000000001", "0.01")]
    [InlineData("0.0123456789012345678901234567890123", "0.0123456789012345678901234567")]
    [InlineData("1234.5678901234567890123456789", "1234.567890123456789012345678")]
    [InlineData("1e-30", "0.0000000000000000000000000001")]
    [InlineData("0e-40", "0")]
    public async Task Digits_of_a_cost_beyond_those_that_are_kept_are_cut_off(string told, string costUsd) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", "response_cost": {{told}} }""")).CostUsd.ShouldBe(
            decimal.Parse(costUsd, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("\"model_parameters\": {\"service_tier\": \"flex\"}", "flex")]
    [InlineData("\"model_parameters\": {\"service_tier\": \"flex\"}, \"service_tier\": \"Priority\"", "priority")]
    [InlineData("\"service_tier\": \"flex\", \"response\": {\"choices\": [{\"service_tier\": \"x\"}], "
        + "\"service_tier\": \"priority\", \"n\": 1}", "priority")]
    [InlineData(
        "\"response\": {\"service_tier\": \"default\"}, \"model_parameters\": {\"service_tier\": \"flex\"}", "default")]
    [InlineData("\"response\": {\"service_tier\": null}, \"service_tier\": \"auto\", "
        + "\"model_parameters\": {\"service_tier\": \"flex\"}", "flex")]
    [InlineData("\"response\" : \r\n {}, \"model_parameters\": {}", null)]
    [InlineData("\"response\": \"{\\\"service_tier\\\": \\\"flex\\\"}\"", null)]
    [InlineData("\"response\": [{\"service_tier\": \"flex\"}]", null)]
    [InlineData("\"response\": null", null)]
    [InlineData("\"response\": 5", null)]
    public async Task The_tier_that_was_served_goes_before_the_one_that_was_asked_for(string fields, string? tier)
    {
        foreach (var chunkBytes in (int[])[1, 7, 4096])
            (await Payloads.ReadAsync($$"""[{"id": "a", {{fields}}, "end_user": "u"}]""", chunkBytes))
                .Select(i => (i.Call?.ServiceTier, i.Call?.EndUser)).ShouldBe([(tier, "u")]);
    }

    [Fact]
    public async Task Nothing_else_of_a_response_is_kept_however_large_it_is()
    {
        var body = Encoding.UTF8.GetBytes(
            $$"""[{"id":"a","response":{"x":"{{new string('x', 8_000_000)}}","y":"""
            + $$"""["{{new string('y', 8_000_000)}}"],"service_tier":"flex"} }]""");
        await Payloads.ReadAsync("[{\"id\":\"warm\"}]");

        var before = GC.GetAllocatedBytesForCurrentThread();
        var items = await Payloads.ReadAsync(body);
        var allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        items.ShouldHaveSingleItem().Call!.ServiceTier.ShouldBe("flex");
        allocatedBytes.ShouldBeLessThan(1024 * 1024);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("\"1970-01-01T00:00:00Z\"")]
    [InlineData("\"0001-01-01T00:00:00\"")]
    public async Task A_first_moment_is_no_time(string start) =>
        (await Payloads.ReadCallAsync($$"""{"id": "a", "startTime": {{start}}, "endTime": 1716400000}""")).OccurredAt
            .ShouldBe(DateTimeOffset.FromUnixTimeSeconds(1716400000));

    [Fact]
    public async Task A_model_that_is_too_long_is_shortened_for_the_reviewer()
    {
        var call = await Payloads.ReadCallAsync($$"""{"id": "a", "model": "{{new string('m', 300)}}"}""");
        (call.Model, call.Unreadable).ShouldBe(($"{new string('m', 199)}…", "model"));
    }

    [Fact]
    public async Task A_text_that_is_too_long_never_becomes_a_user()
    {
        var call = await Payloads.ReadCallAsync(
            """{"id": "a", "metadata": """
            + $$"""{"user_api_key_user_id": "{{new string('u', 201)}}", "user_api_key_alias": "a\nb\u0000"} }""");
        ChartOfAccounts.IsUserId(call.KeyUserId!).ShouldBeFalse();
        call.KeyAlias.ShouldBe("a\uFFFDb\uFFFD");
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_unknown_in_their_field()
    {
        var items = await Payloads.ReadAsync(
            [.. "[{\"model\":\""u8, 0xC3, 0x28, .. "\",\"id\":\"a\"},{\"id\":\"b\"}]"u8]);

        items.Select(i => (i.Call!.ResponseId, i.Call.Unreadable)).ShouldBe([("a", "model"), ("b", null)]);
    }

    public static TheoryData<string> TooMuch => new()
    {
        $"\"usage\":{{\"x\":{new string('[', 5000)}{new string(']', 5000)}}}",
        $"\"usage\":{new string('{', 1).PadRight(1)}\"x\":\"{new string('x', 300_000)}\"}}",
        $"\"usage\":{{\"x\":[\"{new string('x', 300_000)}\\\"\",[1]]}}",
        $"\"usage\":\"{new string('x', 300_000)}\"",
        $"\"usage\":{new string('7', 300_000)}",
        $"\"usage\":{{{string.Join(',', Enumerable.Range(0, 40_000).Select(n => $"\"{n}\":1"))}}}",
        $"\"usage\":[{string.Join(',', Enumerable.Repeat("{}", 150_000))}]",
    };

    [Theory]
    [MemberData(nameof(TooMuch))]
    public async Task A_value_that_is_too_large_or_too_deep_is_left_out_and_all_else_is_read(string usage)
    {
        foreach (var chunkBytes in (int[])[1, 7, 4096, int.MaxValue])
        {
            var items = await Payloads.ReadAsync(
                $"[{{\"id\":\"a\",{usage},\"model\":\"m\"}},{{\"id\":\"b\"}}]", chunkBytes);
            items.Select(i => (i.Call?.ResponseId, i.Call?.Model, i.Call?.Unreadable))
                .ShouldBe([("a", "m", "usage"), ("b", null, null)], $"in chunks of {chunkBytes}");
        }
    }

    [Fact]
    public async Task A_prompt_may_be_nested_as_deep_as_it_likes() =>
        (await Payloads.OutlineAsync($"[{{\"messages\":{new string('[', 5000)}{new string(']', 5000)},\"id\":\"a\"}}]"))
            .ShouldBe(["a"]);

    [Fact]
    public async Task An_item_of_nothing_but_names_is_a_problem_and_the_next_item_comes()
    {
        var items = await Payloads.ReadAsync(
            $$"""[{"id":"a"{{string.Concat(Enumerable.Repeat(",\"model\":1", 40_000))}} },{"id":"b"}]""");

        items[0].Problem.ShouldBe(
            new IntakeProblem(Wrong, "The item has more than 256 KiB in the names and values that are looked for."));
        items[1].Call!.ResponseId.ShouldBe("b");
    }

    [Fact]
    public async Task A_prompt_of_many_megabytes_is_never_held()
    {
        var body = Encoding.UTF8.GetBytes(
            $"[{{\"messages\":\"{new string('x', 24_000_000)}\\\"\","
            + $"\"response\":[\"{new string('y', 6_000_000)}\"],\"id\":\"a\"}}]");
        await Payloads.ReadAsync("[{\"id\":\"warm\"}]");

        var before = GC.GetAllocatedBytesForCurrentThread();
        var items = await Payloads.ReadAsync(body);
        var allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        items.ShouldHaveSingleItem().Call!.ResponseId.ShouldBe("a");
        allocatedBytes.ShouldBeLessThan(1024 * 1024);
    }
}
