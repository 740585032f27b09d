using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Data;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// 8,818 real calls as LiteLLM reports them, with real prices. Some have no cost, some a cost of 0, some an unknown
/// model. Some come twice, some under only one of their ids. The batches have every shape and come out of order. The
/// result of the service equals a calculation in whole nano-dollars.
/// </summary>
public sealed class IntakeOfRealCallsTests : IAsyncLifetime
{
    private const string Unknown = "coder-large-2027";
    private const int Users = 40;
    private const int BatchSize = 97;

    // Nano-dollars a token, sent and generated, for the model that comes into the price book later.
    private const int UnknownInput = 700;
    private const int UnknownOutput = 2_100;

    private readonly LedgerService _service = new();
    private readonly JsonObject _map = JsonNode.Parse(
        File.ReadAllText(RealCalls.PathOf("model-prices.sample.json")))!.AsObject();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task The_totals_agree_to_the_nano_dollar_and_exactly_what_has_no_price_waits_for_it()
    {
        await ImportPricesAsync();
        for (var user = 1; user < Users; user += 2)
            await VirtualKeyAsync(user);
        var calls = RealCalls.Read().Select((call, number) => ToSent(call, number)).ToList();
        var payloads = calls.SelectMany(Payloads).ToArray();
        new Random(20231116).Shuffle(payloads);

        var replies = new List<Reply>();
        foreach (var (batch, number) in payloads.Chunk(BatchSize).Select((batch, number) => (batch, number)))
            replies.Add((await _service.PostAsync("/intake/litellm", BodyOf(batch, number % 3))).Expect(200));

        var waiting = calls.Where(c => c.Model == Unknown && c.CostNano == null).ToList();
        waiting.Count.ShouldBeGreaterThan(400);
        Sum(replies, "accepted").ShouldBe(calls.Count - waiting.Count);
        Sum(replies, "needs_review").ShouldBe(waiting.Count);
        Sum(replies, "replayed").ShouldBe(payloads.Length - calls.Count);
        (Sum(replies, "skipped"), Sum(replies, "failed_count")).ShouldBe((0, 0));
        await ExpectQueueAsync(waiting);
        await ExpectTotalsAsync(calls.Except(waiting));

        // All of it again, in one body.
        var again = (await _service.PostAsync("/intake/litellm", BodyOf(payloads, 1))).Expect(200);
        IntakeService.Counts(again).ShouldBe([0, payloads.Length, 0, 0, 0]);
        await ExpectTotalsAsync(calls.Except(waiting));

        // Prices for the model come in, and the queue is worked off.
        _map[Unknown] = JsonNode.Parse(
            """{"litellm_provider": "azure", "input_cost_per_token": 7e-07, "output_cost_per_token": 2.1e-06}""");
        await ImportPricesAsync();
        var repriced = (await _service.PostAsync("/usage/reprice", new { })).Expect(200);
        (repriced.Json.GetProperty("billed").GetInt32(), repriced.Json.GetProperty("waiting").GetInt32())
            .ShouldBe((waiting.Count, 0));
        ToNano(repriced.Amount("amount_cents"))
            .ShouldBe(waiting.Aggregate(BigInteger.Zero, (sum, w) => sum + NanoDollars(w)));
        await ExpectQueueAsync([]);
        await ExpectTotalsAsync(calls);
        await _service.Database.AssertIntegrityAsync();
    }

    // Which of the awkward things a call is follows from its number.
    private Sent ToSent(RealCall call, int number)
    {
        string[] models = ["claude-sonnet-4-20250514", "anthropic/claude-3-5-haiku-20241022", "gpt-4o-mini", "gpt-4o",
            "amazon.nova-lite-v1:0", "local/llama-free"];
        var model = number % 13 == 5 ? Unknown : models[number % models.Length];
        var cached = number % 4 == 1 && Price(model, "cache_read_input_token_cost") is not null
            ? call.ContextTokens / 3 : 0;
        var sent = new Sent(number, call, model, cached, null);
        // LiteLLM knows what most calls cost, and for some the price book does not.
        return number % 10 > 2 && (model != Unknown || number % 2 == 0)
            ? sent with { CostNano = NanoDollars(sent) } : sent;
    }

    private IEnumerable<string> Payloads(Sent sent)
    {
        var payload = new JsonObject
        {
            ["id"] = $"chatcmpl-{sent.Number}",
            ["litellm_call_id"] = sent.Number % 11 == 4 ? null : $"call-{sent.Number}",
            ["model"] = sent.Model,
            ["prompt_tokens"] = sent.Call.ContextTokens,
            ["completion_tokens"] = sent.Call.GeneratedTokens,
            ["response_cost"] = sent.CostNano is { } nano
                ? (decimal)nano / 1_000_000_000m : sent.Number % 10 == 1 ? 0.0m : null,
            ["startTime"] = sent.Number % 2 == 0 ? sent.Call.Time : null,
            ["endTime"] = sent.Call.Time,
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = $"{LiteLlm.Payloads.Secret} {sent.Number}" }),
            ["response"] = LiteLlm.Payloads.Secret,
            ["metadata"] = new JsonObject
            {
                ["user_api_key_hash"] = KeyHash(sent.User),
                ["user_api_key_user_id"] = sent.User % 2 == 0 ? UserOf(sent.User) : null,
                ["usage_object"] =
                    new JsonObject { ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = sent.Cached } },
            },
        };
        yield return payload.ToJsonString();
        if (sent.Number % 7 == 3)
            yield return payload.ToJsonString();
        // The same once more, under the provider's id alone.
        payload.Remove("litellm_call_id");
        if (sent.Number % 9 == 2)
            yield return payload.ToJsonString();
    }

    private static string BodyOf(IReadOnlyList<string> payloads, int shape) => shape switch
    {
        0 => $"[{string.Join(',', payloads)}]",
        1 => string.Join('\n', payloads),
        _ => string.Concat(payloads),
    };

    private async Task ExpectQueueAsync(IEnumerable<Sent> waiting)
    {
        var queue = await _service.Database.RowsAsync("""
            SELECT a.external_id, u.user_id, u.review_reason FROM llm_usage u JOIN usage_aliases a ON a.usage_id = u.id
                AND a.external_id LIKE 'chatcmpl-%'
            WHERE u.billing_status = 'needs_review'
            """);
        queue.ShouldBe(waiting.Select(w => $"chatcmpl-{w.Number}|{UserOf(w.User)}|unknown-model"), ignoreOrder: true);
    }

    private async Task ExpectTotalsAsync(IEnumerable<Sent> billed)
    {
        var expected = billed.Select(b => (b.User, b.Model, Nano: NanoDollars(b))).ToList();
        foreach (var user in Enumerable.Range(0, Users))
            ToNano((await _service.GetAsync($"/users/{UserOf(user)}")).Expect(200).Amount("total_spent_cents"))
                .ShouldBe(expected.Where(e => e.User == user)
                    .Aggregate(BigInteger.Zero, (sum, e) => sum + e.Nano), UserOf(user));
        (await _service.Database.RowsAsync("""
            SELECT model, sum(user_price_cents * 10000000)::numeric(40),
                sum(provider_cost_usd * 1000000000)::numeric(40), count(*) FROM llm_usage
                WHERE billing_status = 'billed' GROUP BY model
            """)).ShouldBe(
            expected.GroupBy(e => e.Model)
                .Select(m => (m.Key, Nano: m.Aggregate(BigInteger.Zero, (sum, e) => sum + e.Nano), Count: m.Count()))
                .Select(m => $"{m.Key}|{m.Nano}|{m.Nano}|{m.Count}"), ignoreOrder: true);
    }

    // Whole nano-dollars a token, read off the text of the map by another way than the service's.
    private BigInteger NanoDollars(Sent sent)
    {
        var input = Price(sent.Model, "input_cost_per_token") ?? UnknownInput;
        var output = Price(sent.Model, "output_cost_per_token") ?? UnknownOutput;
        var cacheRead = Price(sent.Model, "cache_read_input_token_cost") ?? input;
        return ((sent.Call.ContextTokens - sent.Cached) * input)
            + (sent.Cached * cacheRead) + (sent.Call.GeneratedTokens * output);
    }

    private BigInteger? Price(string model, string field)
    {
        if ((_map[model] ?? _map[model.Split('/')[^1]])?[field] is not { } price)
            return null;
        // 3.75e-06 is 375 with 8 decimals.
        var parts = price.ToJsonString().Split('e', 'E');
        var digits = parts[0].Split('.');
        var exponent = (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0)
            - (digits.Length > 1 ? digits[1].Length : 0) + 9;
        var whole = BigInteger.Parse(string.Concat(digits), CultureInfo.InvariantCulture);
        return exponent >= 0 ? whole * BigInteger.Pow(10, exponent)
            : whole.IsZero ? whole : throw new InvalidOperationException($"{model} costs fractions of a nano-dollar");
    }

    private async Task ImportPricesAsync() =>
        (await _service.PostAsync("/prices/import", _map.ToJsonString())).Expect(200);

    private Task VirtualKeyAsync(int user) => _service.Database.ExecuteAsync($"""
        INSERT INTO virtual_keys (id, created_at, updated_at, user_id, label, alias, key_hash, status, created_by)
        VALUES (gen_random_uuid(), now(), now(), '{UserOf(user)}', 'a key', 'vk-{user}', '{KeyHash(user)}', 'active',
            'a test')
        """);

    private static string UserOf(int user) => $"azure:{user:00}";

    private static string KeyHash(int user) => $"hash-{user}";

    private static BigInteger ToNano(decimal cents) => (BigInteger)(cents * 10_000_000m);

    private static int Sum(IEnumerable<Reply> replies, string count) =>
        replies.Sum(r => r.Json.GetProperty(count).GetInt32());

    private sealed record Sent(int Number, RealCall Call, string Model, long Cached, BigInteger? CostNano)
    {
        public int User => Number % Users;
    }
}
