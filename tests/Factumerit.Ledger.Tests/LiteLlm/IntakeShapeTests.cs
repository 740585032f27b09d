using System.Text;
using Factumerit.Ledger.Api.LiteLlm;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>Bodies of every shape, whole and in pieces of any size, sound and broken.</summary>
public sealed class IntakeShapeTests
{
    private const string Broken = IntakeReader.Malformed;
    private const string Wrong = IntakeReader.Invalid;

    private static readonly string All = string.Join(", ", Payloads.New, "null", Payloads.Documented, "{\"id\": }", Payloads.LegacyJson, "7", Payloads.LegacyPython, Payloads.SpendLog);

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
        { "{\"records\":[{\"status\":\"success\",\"standard_logging_payload\":{\"id\":\"a\"},\"error\":null},{\"standard_logging_payload\":{\"id\":\"b\"}}]}", "a,b" },
        { "{\"records\":[\n{\"standard_logging_payload\":\n{\"id\":\"a\"}},\n{\"standard_logging_payload\":{\"id\":\"b\"}}\n], \"more\": [1, {\"id\": 2}]}\n{\"id\":\"c\"}", "a,b,c" },
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
        { "[{\"id\":\"a\",\"cost\":NaN},{\"id\":\"c\"}]", $"{Broken},c" },
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
            string.Join(',', await Payloads.OutlineAsync(body, chunkBytes)).ShouldBe(outline, $"in chunks of {chunkBytes}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(4096)]
    public async Task Chunks_change_nothing_of_what_is_read(int chunkBytes)
    {
        foreach (var body in (string[])[$"[{All}]", Payloads.New, All.Replace("}, {", "}\n{", StringComparison.Ordinal), $$"""{"records": [{{All}}] }"""])
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
        var call = await Payloads.ReadCallAsync("""{"records": [{"status": "failure", "standard_logging_payload": {"id": "a"}, "error": "the-prompt-nobody-may-see"}]}""");

        call.IsSuccess.ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"model": "gpt-4o"}""", "id (or litellm_call_id) must be given: it names the call.")]
    [InlineData("""{"id": {"a": 1}}""", "id must be valid text or a number.")]
    [InlineData("""{"id": "a", "response_cost": "the-prompt-nobody-may-see"}""", "response_cost must be a number of 0 or more that a decimal holds exactly.")]
    [InlineData("""{"id": "a", "response_cost": -1}""", "response_cost must be a number of 0 or more that a decimal holds exactly.")]
    [InlineData("""{"id": "a", "cost": true}""", "cost must be a number.")]
    [InlineData("""{"id": "a", "cost": 1.00000000000000000000000000001}""", "cost must be a number of 0 or more that a decimal holds exactly.")]
    [InlineData("""{"id": "a", "prompt_tokens": 1.5}""", "prompt_tokens must be a whole number from 0 to 2147483647.")]
    [InlineData("""{"id": "a", "usage": {"completion_tokens": 3000000000}}""", "usage: completion_tokens must be a whole number from 0 to 2147483647.")]
    [InlineData("""{"id": "a", "usage": [1]}""", "usage must be an object.")]
    [InlineData("""{"id": "a", "metadata": "the-prompt-nobody-may-see"}""", "metadata must be an object, or text that holds one.")]
    [InlineData("""{"id": "a", "startTime": "yesterday"}""", "startTime must be a time: seconds since 1970, or such as 2026-01-31T12:00:00Z.")]
    [InlineData("""{"id": "a", "startTime": 1716400000000}""", "startTime must be a time: seconds since 1970, or such as 2026-01-31T12:00:00Z.")]
    [InlineData("""{"id": "a", "cache_hit": "maybe"}""", "cache_hit must be true or false.")]
    [InlineData("""{"id": "a", "model": "\u0000"}""", "model must be valid text or a number.")]
    [InlineData("""{"id": "a", "metadata": {"user_api_key_user_id": ["x"]}}""", "metadata.user_api_key_user_id must be valid text or a number.")]
    public async Task A_wrong_field_is_named_and_not_quoted(string payload, string detail) =>
        (await Payloads.ReadProblemAsync(payload)).ShouldBe(new IntakeProblem(Wrong, detail));

    [Fact]
    public async Task A_text_that_is_too_long_is_named() =>
        (await Payloads.ReadProblemAsync($$"""{"id": "a", "model": "{{new string('m', 201)}}"}""")).Detail.ShouldBe("model must be at most 200 characters.");

    [Fact]
    public async Task Bytes_that_are_no_text_are_a_problem_of_their_field()
    {
        var items = await Payloads.ReadAsync([.. "[{\"model\":\""u8, 0xC3, 0x28, .. "\",\"id\":\"a\"},{\"id\":\"b\"}]"u8]);

        items.Select(i => i.Call?.ResponseId ?? i.Problem?.Detail).ShouldBe(["model must be valid text or a number.", "b"]);
    }

    [Fact]
    public async Task What_is_nested_too_deep_is_a_problem_and_the_next_item_comes()
    {
        var deep = $"{{\"id\":\"a\",\"usage\":{{\"x\":{new string('[', 5000)}{new string(']', 5000)}}}}}";

        var items = await Payloads.ReadAsync($"[{deep},{{\"id\":\"b\"}}]");

        items[0].Problem.ShouldBe(new IntakeProblem(Wrong, "The item is nested deeper than 64 levels."));
        items[1].Call!.ResponseId.ShouldBe("b");
    }

    [Fact]
    public async Task A_prompt_may_be_nested_as_deep_as_it_likes() =>
        (await Payloads.OutlineAsync($"[{{\"messages\":{new string('[', 5000)}{new string(']', 5000)},\"id\":\"a\"}}]")).ShouldBe(["a"]);

    [Fact]
    public async Task An_item_that_is_too_large_without_its_prompt_is_a_problem_and_the_next_item_comes()
    {
        var items = await Payloads.ReadAsync($$"""[{"id":"a","metadata":"{{new string('x', 300_000)}}","model":"m"},{"id":"b"}]""");

        items[0].Problem.ShouldBe(new IntakeProblem(Wrong, "The item has more than 256 KiB beside its messages and response."));
        items[1].Call!.ResponseId.ShouldBe("b");
    }

    [Fact]
    public async Task A_prompt_of_many_megabytes_is_never_held()
    {
        var body = Encoding.UTF8.GetBytes($"[{{\"messages\":\"{new string('x', 24_000_000)}\\\"\",\"response\":[\"{new string('y', 6_000_000)}\"],\"id\":\"a\"}}]");
        await Payloads.ReadAsync("[{\"id\":\"warm\"}]");

        var before = GC.GetAllocatedBytesForCurrentThread();
        var items = await Payloads.ReadAsync(body);
        var allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        items.ShouldHaveSingleItem().Call!.ResponseId.ShouldBe("a");
        allocatedBytes.ShouldBeLessThan(1024 * 1024);
    }
}
