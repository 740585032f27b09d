using System.IO.Pipelines;
using System.Text;
using Factumerit.Ledger.LiteLlm;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>What versions of LiteLLM send, and how a test reads it.</summary>
internal static class Payloads
{
    /// <summary>In every prompt, answer and error text of the samples: nothing that was read may hold it.</summary>
    public const string Secret = "the-prompt-nobody-may-see";

    /// <summary>As the code of recent versions has it: epoch seconds, response_cost, usage in metadata.</summary>
    public const string New = """
        {"id": "chatcmpl-9f3", "litellm_call_id": "6f8d0f35-call", "trace_id": "t-1", "call_type": "acompletion",
        """
        + """
         "stream": true, "status": "success",
        "response_cost": 0.00016500000000000002, "cost_breakdown": {"input_cost": 6.0e-05, "output_cost": 0.000105,
        """
        + """
         "total_cost": 0.000165},
        "custom_llm_provider": "anthropic", "prompt_tokens": 120, "completion_tokens": 35, "total_tokens": 155,
        """
        + """
         "startTime": 1716400000.123456,
        "endTime": 1716400002.5, "completionStartTime": 1716400001.25, "response_time": 2.376,
        """
        + """
         "model": "claude-sonnet-4-20250514", "model_id": "a1b2",
        "model_group": "sonnet", "model_map_information": {"model_map_key": "claude",
        """
        + """
         "model_map_value": {"input_cost_per_token": 3e-06}},
        "api_base": "https://api.anthropic.com/v1/messages", "cache_hit": null, "cache_key": null,
        """
        + """
         "saved_cache_cost": 0.0, "request_tags": ["User-Agent: x", "a\"b"],
        "end_user": "carol", "requester_ip_address": "10.0.0.1", "user_agent": null,
        "messages": [{"role": "user", "content": "the-prompt-nobody-may-see: {\"id\": \"wrong\"} [1, 2\\n] \\\\ \" }"},
        """
        + """
         {"role": "user", "content": [{"type": "text", "text": "}]"}]}],
        "response": {"id": "wrong", "choices": [{"message": {"content": "the-prompt-nobody-may-see \ud83d\ude00",
        """
        + """
         "tool_calls": null}}], "usage": {"prompt_tokens": 999999}},
        "error_str": null, "error_information": {"error_code": "", "traceback": "the-prompt-nobody-may-see"},
        """
        + """
         "model_parameters": {"user": "wrong"},
        "hidden_params": {"model_id": "a1b2", "response_cost": "0.000165", "litellm_overhead_time_ms": 12.5,
        """
        + """
         "additional_headers": {"x": 1}, "batch_models": null},
        "metadata": {"user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        """
        + """
         "user_api_key_alias": "vk-1", "user_api_key_spend": 1.5,
        "user_api_key_user_id": "vikunja:alice", "user_api_key_user_email": null, "user_api_key_end_user_id": "dave",
        """
        + """
         "user_api_key_team_id": "team",
        "requester_metadata": {"prompt": "the-prompt-nobody-may-see"}, "spend_logs_metadata": null,
        "usage_object": {"prompt_tokens": 120, "completion_tokens": 35, "total_tokens": 155,
        """
        + """
         "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": null},
        "completion_tokens_details": {"reasoning_tokens": 7}, "cache_read_input_tokens": 80,
        """
        + """
         "cache_creation_input_tokens": 20}}}
        """;

    /// <summary>As the documentation's sample has it: cost, a nested usage, ISO times, no call id.</summary>
    public const string Documented = """
        {"id": "chatcmpl-doc", "call_type": "completion", "cache_hit": "False", "cost": 2.5e-05,
        """
        + """
         "startTime": "2024-05-22T17:46:40.5", "endTime": "2024-05-22 17:46:41",
        "model": "gpt-4o-mini", "custom_llm_provider": "openai", "usage": {"prompt_tokens": 11, "completion_tokens": 9,
        """
        + """
         "prompt_tokens_details": {"cached_tokens": 4}},
        "messages": "the-prompt-nobody-may-see", "response": "the-prompt-nobody-may-see",
        """
        + """
         "metadata": {"user_api_key_hash": "abc", "user_api_key_user_id": "bob"}, "end_user": ""}
        """;

    /// <summary>The legacy format of versions that make text of every field, here with objects as JSON.</summary>
    public const string LegacyJson = """
        {"id": "chatcmpl-v1", "call_type": "acompletion", "cache_hit": "True", "startTime": "1716400000.25",
        """
        + """
         "endTime": "2024-05-22 17:46:42.000001", "model": "gpt-4o",
        "user": "erin", "cost": "1.65e-05", "usage": "{\"prompt_tokens\": \"20\", \"completion_tokens\": 10}",
        """
        + """
         "modelParameters": "{\"temperature\": 0.2}",
        "metadata": "{\"user_api_key\": \"abc\", \"user_api_key_user_id\": null}", "hidden_params": "None",
        """
        + """
         "messages": "[{'content': 'the-prompt-nobody-may-see'}]",
        "response": "ModelResponse(content='the-prompt-nobody-may-see')", "cost_breakdown": "{}"}
        """;

    /// <summary>The same with what Python prints for an object.</summary>
    public const string LegacyPython = """
        {"id": "chatcmpl-py", "call_type": "acompletion", "cache_hit": "None",
        """
        + """
         "startTime": "2024-05-22 17:46:40.000500", "endTime": "2024-05-22 17:46:41", "model": "gpt-4o", "user": "",
        "modelParameters": "{'temperature': 0.2}", "messages": "[{'role': 'user',
        """
        + """
         'content': \"the-prompt-nobody-may-see\"}]", "response": "ModelResponse(id='x')",
        "usage": "Usage(completion_tokens=10, prompt_tokens=20, total_tokens=30,
        """
        + """
         completion_tokens_details=CompletionTokensDetailsWrapper(reasoning_tokens=3, audio_tokens=None),
        """
        + """
         prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=5))",
        "metadata": "{'user_api_key': '88dc', 'user_api_key_user_id': 'frank', 'user_api_key_alias': \"it's\",
        """
        + """
         'headers': {'host': 'x', 'n': -1.5}, 'tags': ['a', (1, 2)],
        """
        + """
         'auth': UserAPIKeyAuth(token='t', at=datetime.datetime(2024, 1, 2, tzinfo=<UTC>)), 'f': <function f at 0x7f>}",
        "cost": "0.00012"}
        """;

    /// <summary>A row of LiteLLM's spend logs.</summary>
    public const string SpendLog = """
        {"request_id": "req-1", "call_type": "acompletion", "api_key": "88dc", "spend": 3.3e-05, "total_tokens": 30,
        """
        + """
         "prompt_tokens": 20, "completion_tokens": 10,
        "startTime": "2024-05-22T17:46:40.123000Z", "endTime": "2024-05-22T17:46:41+00:00", "model": "gpt-4o",
        """
        + """
         "model_group": "", "custom_llm_provider": "openai", "user": "grace",
        "metadata": "{\"user_api_key\": \"88dc\", \"usage_object\": {\"prompt_tokens\": 20}}", "cache_hit": "None",
        """
        + """
         "request_tags": "[]", "end_user": "heidi",
        "messages": {"x": "the-prompt-nobody-may-see"}, "response": {}, "status": "success"}
        """;

    public static Task<List<IntakeItem>> ReadAsync(string body, int chunkBytes = 4096) =>
        ReadAsync(Encoding.UTF8.GetBytes(body), chunkBytes);

    /// <summary>The items of a body that comes in chunks of so many bytes.</summary>
    public static async Task<List<IntakeItem>> ReadAsync(byte[] body, int chunkBytes = 4096)
    {
        var items = new List<IntakeItem>();
        await foreach (var item in IntakeReader.ReadAsync(new ChunkReader(body, chunkBytes)))
            items.Add(item);
        items.Select(i => i.Index).ShouldBe(Enumerable.Range(0, items.Count));
        Describe(items).ShouldNotContain(Secret);
        return items;
    }

    public static async Task<LiteLlmCall> ReadCallAsync(string body) =>
        (await ReadAsync(body)).ShouldHaveSingleItem().Call.ShouldNotBeNull();

    public static async Task<IntakeProblem> ReadProblemAsync(string body) =>
        (await ReadAsync(body)).ShouldHaveSingleItem().Problem.ShouldNotBeNull();

    /// <summary>All that was read, as text that is the same for what is the same.</summary>
    public static string Describe(IEnumerable<IntakeItem> items) =>
        string.Join('\n', items.Select(i =>
            $"{i.Index} {i.Problem} {i.Call} {string.Join('|', i.Call?.Aliases ?? [])}"
                .Replace("System.String[]", "", StringComparison.Ordinal)));

    /// <summary>The ids of the calls, the codes of the problems, and null, in order.</summary>
    public static async Task<string[]> OutlineAsync(string body, int chunkBytes = 4096) =>
        [.. (await ReadAsync(body, chunkBytes)).Select(i => i.IsNull ? "null" : i.Call?.Aliases[0] ?? i.Problem!.Code)];

    private sealed class ChunkReader(byte[] body, int chunkBytes) : PipeReader
    {
        private int _at;
        private int _count;

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            _count = Math.Min(chunkBytes, body.Length - _at);
            return ValueTask.FromResult(
                new ReadResult(new(body, _at, _count), isCanceled: false, isCompleted: _at + _count == body.Length));
        }

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public override void AdvanceTo(SequencePosition consumed) => _at += _count;

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
            throw new NotSupportedException();

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
