using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.Tests.Data;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// All requests that a real LiteLLM sent, unchanged. The billed users, models and amounts agree with an independent
/// calculation in whole pico-dollars, from the payloads' tokens and public prices. A call that can't be priced waits,
/// and nothing fails.
/// </summary>
public sealed class LivePayloadTests : IAsyncLifetime
{
    // Pico-dollars a token: sent, sent from the cache, generated. As openai publishes them.
    private static readonly Dictionary<string, (long Input, long Cached, long Output)> Prices = new()
    {
        ["openai/gpt-4o-mini"] = (150_000, 75_000, 600_000),
        ["openai/gpt-4o"] = (2_500_000, 1_250_000, 10_000_000),
        ["openai/text-embedding-3-small"] = (20_000, 20_000, 0),
    };

    private readonly IntakeService _service = new();

    public async Task InitializeAsync()
    {
        await _service.InitializeAsync();
        (await _service.PostAsync("/prices/import?allow_gone=true", """
            {"gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1.5e-07,
                 "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08},
             "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06,
                  "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06},
             "text-embedding-3-small": {"litellm_provider": "openai", "input_cost_per_token": 2e-08,
                  "output_cost_per_token": 0.0},
             "openai/acme-free-1": {"litellm_provider": "openai", "input_cost_per_token": 0.0,
                  "output_cost_per_token": 0.0}}
            """)).Expect(200);
    }

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task The_totals_by_user_and_model_agree_and_what_has_no_price_waits()
    {
        var requests = File.ReadLines(RealCalls.PathOf("litellm-live.ndjson"))
            .Select(line => JsonElement.Parse(line)).ToList();
        foreach (var request in requests)
            IntakeService.Counts((await SendAsync(request)).Expect(200))[4]
                .ShouldBe(0, request.GetProperty("case").GetString());

        var items = requests.SelectMany(ItemsOf).Where(i => i.ValueKind == JsonValueKind.Object).ToList();
        items.Count.ShouldBeGreaterThan(100);
        var expected = items.Where(i => Text(i, "status") == "success")
            .DistinctBy(i => Text(i, "id")).Select(Expect).ToList();
        var billed = expected.Where(e => e is { User: not null, Pico: not null }).GroupBy(e => (e.User, e.Model))
            .Select(g => $"{g.Key.User}|{g.Key.Model}|{g.Count()}|{g.Sum(e => e.Pico!.Value)}");

        (await _service.Database.RowsAsync("""
            SELECT user_id, model, count(*), (sum(provider_cost_usd) * 1000000000000)::numeric(40) FROM llm_usage
                WHERE billing_status = 'billed' GROUP BY 1, 2
            """)).ShouldBe(billed, ignoreOrder: true);
        (await _service.Database.RowsAsync(
            "SELECT request_id, review_reason FROM llm_usage WHERE billing_status = 'needs_review'"))
            .ShouldBe(expected.Where(e => e.User is null || e.Pico is null)
                .Select(e => $"{e.Id}|{(e.User is null ? "no-user" : e.Reason)}"), ignoreOrder: true);
        // What a user pays is the sum, each call rounded to the nano-dollar.
        foreach (var user in expected.Where(e => e is { User: not null, Pico: not null }).GroupBy(e => e.User))
            (await _service.BalanceAsync(user.Key!)).ShouldBe(
                -user.Sum(e => Math.Round(e.Pico!.Value / 10_000_000_000m, 7, MidpointRounding.AwayFromZero)));

        foreach (var request in requests)
        {
            var again = IntakeService.Counts((await SendAsync(request)).Expect(200));
            (again[0], again[2], again[4]).ShouldBe((0, 0, 0), request.GetProperty("case").GetString());
        }
        await _service.Database.AssertIntegrityAsync();
    }

    private Task<Reply> SendAsync(JsonElement request)
    {
        var body = request.GetProperty("body");
        return _service.PostAsync("/intake/litellm", request.GetProperty("body_form").GetString() == "ndjson"
            ? string.Join('\n', body.EnumerateArray().Select(i => i.GetRawText()))
            : body.GetRawText());
    }

    private static IEnumerable<JsonElement> ItemsOf(JsonElement request) =>
        request.GetProperty("body") is { ValueKind: JsonValueKind.Array } body
            ? body.EnumerateArray() : [request.GetProperty("body")];

    // LiteLLM's own figure where it has one, to twelve decimals; a cache hit costs nothing; for the rest the tokens.
    private static Expected Expect(JsonElement item)
    {
        var (model, user) = (Text(item, "model")!, Text(item.GetProperty("metadata"), "user_api_key_user_id"));
        long Count(string name) => item.GetProperty(name).GetInt64();
        if (item.GetProperty("cache_hit") is { ValueKind: JsonValueKind.True } || model == "openai/acme-free-1")
            return new Expected(Text(item, "id")!, user, model, 0, null);
        var costUsd = decimal.Parse(
            item.GetProperty("response_cost").GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);
        if (costUsd == 0)
            return new Expected(
                Text(item, "id")!, user, model, null, Count("total_tokens") == 0 ? "no-tokens" : "unknown-model");
        var pico = Math.Round(costUsd * 1_000_000_000_000m);
        if (Prices.TryGetValue(model, out var price))
        {
            var usage = item.GetProperty("metadata").GetProperty("usage_object");
            var cached = usage.TryGetProperty("prompt_tokens_details", out var details)
                && details.ValueKind == JsonValueKind.Object
                && details.TryGetProperty("cached_tokens", out var tokens) && tokens.ValueKind == JsonValueKind.Number
                    ? tokens.GetInt64() : 0;
            pico.ShouldBe(((Count("prompt_tokens") - cached) * price.Input)
                + (cached * price.Cached) + (Count("completion_tokens") * price.Output), model);
        }
        return new Expected(Text(item, "id")!, user, model, pico, null);
    }

    private static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private sealed record Expected(string Id, string? User, string Model, decimal? Pico, string? Reason);
}
