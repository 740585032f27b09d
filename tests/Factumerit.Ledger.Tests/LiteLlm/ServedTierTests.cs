using System.Text.Json.Nodes;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// The service tier that was served decides the price. The requested tier counts only if no other tier is known.
/// </summary>
public sealed class ServedTierTests(ServedTierTests.Priced service) : IClassFixture<ServedTierTests.Priced>
{
    [Theory]
    // Cents, of 200,000 tokens sent and 1,000 generated.
    [InlineData("{}", "26")]
    [InlineData("""{"response":{"service_tier":"priority"}}""", "52")]
    [InlineData("""{"response":{"service_tier":"default"},"model_parameters":{"service_tier":"priority"}}""", "26")]
    [InlineData("""{"service_tier":"priority"}""", "52")]
    [InlineData("""{"service_tier":"flex","response":{"service_tier":"priority"}}""", "52")]
    [InlineData("""{"model_parameters":{"service_tier":"priority"}}""", "52")]
    [InlineData("""{"usage":{"service_tier":"flex"},"response":{"service_tier":"priority"}}""", "13")]
    [InlineData("""{"usage":{"service_tier":"default"},"response":{"service_tier":"priority"}}""", "26")]
    [InlineData("""{"usage":{"service_tier":null},"response":{"service_tier":"priority"}}""", "52")]
    [InlineData(
        """{"usage":{"prompt_tokens":200000,"completion_tokens":1000} ,"response":{"service_tier":"priority"}}""",
        "52")]
    public async Task The_price_is_that_of_the_tier(string fields, string cents)
    {
        var payload = Payload($"tier-{Guid.NewGuid():N}", null, "user", null, "gpt-5", 200_000, 1_000);
        payload.Remove("response");
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
            payload[name] = value?.DeepClone();
        (await service.TakeInAsync(payload, "user_price_cents")).ShouldBe(cents);
    }

    [Fact]
    public async Task A_tier_without_a_price_waits()
    {
        var payload = Payload("tier-unpriced", null, "user");
        payload["response"] = new JsonObject { ["service_tier"] = "priority" };
        (await service.TakeInAsync(payload, "review_reason")).ShouldBe("other-price");
    }

    public sealed class Priced : IntakeService
    {
        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            (await PostAsync("/prices/import?allow_gone=true", """
                {"known-model": {"litellm_provider": "openai", "input_cost_per_token": 3e-09,
                     "output_cost_per_token": 15e-09},
                 "gpt-5": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.25e-06,
                      "output_cost_per_token": 1e-05,
                  "input_cost_per_token_priority": 2.5e-06, "output_cost_per_token_priority": 2e-05,
                  "input_cost_per_token_flex": 6.25e-07, "output_cost_per_token_flex": 5e-06}}
                """)).Expect(200);
        }
    }
}
