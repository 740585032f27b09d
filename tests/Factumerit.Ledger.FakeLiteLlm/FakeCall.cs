using System.Globalization;
using System.Text.Json.Nodes;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>One LLM call through the proxy, as the test that makes it wants it.</summary>
public sealed record FakeCall
{
    public string? Key { get; init; }
    public string Model { get; init; } = "claude-sonnet-4-20250514";
    public string Provider { get; init; } = "anthropic";
    public decimal Cost { get; init; }
    public int PromptTokens { get; init; } = 10;
    public int CompletionTokens { get; init; } = 5;
    public int CacheReadTokens { get; init; }
    public string Status { get; init; } = "success";
    public string CallType { get; init; } = "acompletion";
    public string EndUser { get; init; } = "";
    public string Prompt { get; init; } = "What is a ledger?";
    public string CallId { get; init; } = Guid.NewGuid().ToString();
    public string ResponseId { get; init; } = $"chatcmpl-{Guid.NewGuid()}";

    /// <summary>Older versions do not tell the call id, and know a spend log by the response id.</summary>
    public bool IsOld { get; init; }

    public DateTimeOffset StartTime { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>What the generic_api callback sends.</summary>
    public JsonObject ToPayload(FakeKey? key)
    {
        var (start, end) = (Epoch(StartTime), Epoch(StartTime.AddSeconds(1.5)));
        var payload = new JsonObject
        {
            ["id"] = ResponseId,
            ["trace_id"] = Guid.NewGuid().ToString(),
            ["call_type"] = CallType,
            ["stream"] = false,
            ["status"] = Status,
            ["response_cost"] = Cost,
            ["cost_breakdown"] = new JsonObject { ["total_cost"] = Cost },
            ["custom_llm_provider"] = Provider,
            ["model"] = Model,
            ["model_group"] = Model,
            ["model_id"] = "0b7a",
            ["api_base"] = "https://llm.example",
            ["prompt_tokens"] = PromptTokens,
            ["completion_tokens"] = CompletionTokens,
            ["total_tokens"] = PromptTokens + CompletionTokens,
            ["startTime"] = start,
            ["endTime"] = end,
            ["completionStartTime"] = end,
            ["response_time"] = 1.5m,
            ["cache_hit"] = null,
            ["request_tags"] = new JsonArray("User-Agent: fake"),
            ["end_user"] = EndUser,
            ["requester_ip_address"] = "",
            ["metadata"] = Metadata(key),
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Prompt }),
            ["response"] = new JsonObject
            {
                ["choices"] = new JsonArray(
                    new JsonObject { ["message"] = new JsonObject { ["content"] = $"You asked: {Prompt}" } }),
            },
            ["model_parameters"] = new JsonObject { ["temperature"] = 0.2m },
            ["hidden_params"] = new JsonObject
            {
                ["response_cost"] = Cost.ToString(CultureInfo.InvariantCulture),
                ["additional_headers"] = new JsonObject(),
            },
        };
        if (!IsOld)
            payload["litellm_call_id"] = CallId;
        return payload;
    }

    /// <summary>The row of LiteLLM's table of spend logs.</summary>
    public JsonObject ToSpendLog(FakeKey? key) => new()
    {
        ["request_id"] = IsOld ? ResponseId : CallId,
        ["call_type"] = CallType,
        ["api_key"] = key?.Token ?? "",
        ["spend"] = Cost,
        ["total_tokens"] = PromptTokens + CompletionTokens,
        ["prompt_tokens"] = PromptTokens,
        ["completion_tokens"] = CompletionTokens,
        ["startTime"] = Iso(StartTime),
        ["endTime"] = Iso(StartTime.AddSeconds(1.5)),
        ["request_duration_ms"] = 1500,
        ["model"] = Model,
        ["model_id"] = "0b7a",
        ["model_group"] = Model,
        ["custom_llm_provider"] = Provider,
        ["api_base"] = "https://llm.example",
        ["user"] = key?.UserId ?? "",
        ["metadata"] = Metadata(key),
        ["cache_hit"] = "None",
        ["cache_key"] = "Cache OFF",
        ["request_tags"] = "[\"User-Agent: fake\"]",
        ["end_user"] = EndUser,
        ["messages"] = new JsonObject(),
        ["response"] = new JsonObject(),
        ["status"] = Status,
    };

    private JsonObject Metadata(FakeKey? key) => new()
    {
        ["user_api_key_hash"] = key?.Token,
        ["user_api_key_alias"] = key?.Alias,
        ["user_api_key_user_id"] = key?.UserId,
        ["user_api_key_end_user_id"] = EndUser,
        ["user_api_key_request_route"] = "/chat/completions",
        ["usage_object"] = new JsonObject
        {
            ["prompt_tokens"] = PromptTokens,
            ["completion_tokens"] = CompletionTokens,
            ["cache_read_input_tokens"] = CacheReadTokens,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = CacheReadTokens },
        },
    };

    private static decimal Epoch(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / 10 / 1_000_000m;

    private static string Iso(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffffK", CultureInfo.InvariantCulture)
            .Replace("+00:00", "Z", StringComparison.Ordinal);
}
