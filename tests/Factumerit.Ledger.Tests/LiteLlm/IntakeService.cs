using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>The service beside a fake LiteLLM, with a few prices.</summary>
public class IntakeService : LiteLlmService
{
    /// <summary>Costs 3 and 15 nano-dollars a token sent and generated, of openai.</summary>
    public const string Known = "known-model";

    /// <summary>All of its prices are 0.</summary>
    public const string Free = "free-model";

    // LiteLLM isn't told of balances: calls go on where they are used up.
    protected override string[] Configuration => [.. base.Configuration, "--LiteLlm:OutboxPollMs=0"];

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        (await PostAsync("/prices/import", $$"""
            {"{{Known}}": {"litellm_provider": "openai", "input_cost_per_token": 3e-09,
                 "output_cost_per_token": 15e-09},
             "{{Free}}": {"litellm_provider": "ollama", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0} }
            """)).Expect(200);
    }

    /// <summary>A payload of generic_api with two ids, the cost as JSON, and a prompt. Null omits a field.</summary>
    public static JsonObject Payload(string? callId, string? id, string? user = null, string? cost = null,
        string? model = Known, int? sent = 100, int? generated = 10)
    {
        var payload = new JsonObject
        {
            ["messages"] = new JsonArray(new JsonObject { ["content"] = Payloads.Secret }),
            ["response"] = $"Indeed, {Payloads.Secret}."
        };
        foreach (var (name, value) in (ReadOnlySpan<(string, JsonNode?)>)[
            ("litellm_call_id", callId), ("id", id), ("response_cost", cost is null ? null : JsonNode.Parse(cost)),
            ("model", model),
            ("prompt_tokens", sent), ("completion_tokens", generated),
            ("metadata", user is null ? null : new JsonObject { ["user_api_key_user_id"] = user })])
            if (value is not null)
                payload[name] = value;
        return payload;
    }

    public async Task<Reply> SendAsync(params JsonObject[] payloads) =>
        (await PostAsync("/intake/litellm", BodyOf(payloads))).Expect(200);

    /// <summary>The payloads as one array.</summary>
    public static string BodyOf(IEnumerable<JsonObject> payloads) =>
        $"[{string.Join(',', payloads.Select(p => p.ToJsonString()))}]";

    /// <summary>Sends one payload, and returns the usage that is known under its call id from then on.</summary>
    public async Task<string> TakeInAsync(JsonObject payload, string columns)
    {
        var reply = await SendAsync(payload);
        reply.Json.GetProperty("failed").GetArrayLength().ShouldBe(0, reply.Body);
        var id = (payload["litellm_call_id"] ?? payload["id"])!.GetValue<string>();
        return (await Database.RowsAsync($"SELECT {columns} FROM llm_usage u JOIN usage_aliases a ON a.usage_id = u.id "
            + $"WHERE a.source_system = 'litellm' AND a.external_id = '{id}'"))
            .ShouldHaveSingleItem();
    }

    /// <summary>A virtual key of ours, as far as the intake has to know.</summary>
    public Task KnowKeyAsync(string keyHash, string userId) => Database.ExecuteAsync($"""
        INSERT INTO virtual_keys (id, created_at, updated_at, user_id, label, alias, key_hash, status, created_by)
        VALUES (gen_random_uuid(), now(), now(), '{userId}', 'a key', 'vk-{keyHash}', '{keyHash}', 'active', 'a test')
        """);

    /// <summary>The counts of an answer in short: accepted, replayed, needs_review, skipped, failed.</summary>
    public static int[] Counts(Reply reply) =>
        [.. ((string[])["accepted", "replayed", "needs_review", "skipped", "failed_count"])
            .Select(name => reply.Json.GetProperty(name).GetInt32())];
}
