using System.Text.Json;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>LiteLLM's price map: what is taken from it, what is skipped, and that every mistake is named.</summary>
public sealed class PriceMapTests
{
    [Fact]
    public void All_prices_of_an_entry_are_read_exactly()
    {
        var map = Read("""
            {"claude": {"litellm_provider": "anthropic", "mode": "chat", "max_tokens": 8192, "supports_vision": true,
                "input_cost_per_token": 3e-06,
                "output_cost_per_token": 1.5e-05, "cache_creation_input_token_cost": 3.75e-06,
                "cache_read_input_token_cost": 3E-7,
                "output_cost_per_reasoning_token": 0.00002, "input_cost_per_token_batches": 1.5e-06,
                "search_context_cost_per_query": {"low": 0.01}}}
            """);

        map.Prices.ShouldHaveSingleItem().ShouldBe(new("claude", new TokenPrices(
            "anthropic", 0.000003m, 0.000015m, 0.0000003m, 0.00000375m, 0.00002m, "chat",
            Others(("input_cost_per_token_batches", 0.0000015m), ("search_context_cost_per_query.low", 0.01m)))));
        map.Skipped.ShouldBe(0);
    }

    [Fact]
    public void A_number_keeps_every_digit_that_binary_fractions_would_lose() =>
        Read("""
            {"m": {"input_cost_per_token": 7.999999999999999e-07, "output_cost_per_token": 0.1000000000000000055511151}}
            """)
            .Prices["m"].ShouldBe(new TokenPrices(null, 0.0000007999999999999999m, 0.1000000000000000055511151m));

    [Fact]
    public void The_template_and_what_is_not_priced_by_the_token_are_skipped()
    {
        var map = Read("""
            {"sample_spec": {"input_cost_per_token": "a text"}, "dall-e": {"output_cost_per_image": 0.04},
              "whisper": {"input_cost_per_second": 0.0001, "output_cost_per_token": 0},
             "rerank": {"input_cost_per_query": 0.002, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
              "none": {"input_cost_per_token": null},
             "searches": {"input_cost_per_token": 0, "output_cost_per_token": 0,
              "search_context_cost_per_query": {"search_context_size_low": 0.01}},
             "steps": {"input_cost_per_token": 0, "output_cost_per_token": 0,
              "tiered_pricing": [{"range": [0, 32000], "input_cost_per_token": 1e-6}]},
             "m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_image": 0.04}}
            """);

        map.Prices.Keys.ShouldBe(["m"]);
        map.Skipped.ShouldBe(7);
    }

    [Fact]
    public void A_price_of_0_is_free_and_a_missing_output_price_is_0()
    {
        var map = Read("""
            {"free": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "input_cost_per_second": 0.0},
             "embedding": {"input_cost_per_token": 2e-08, "mode": "embedding"}}
            """);

        map.Prices["free"].ShouldBe(new TokenPrices(null, 0, 0, OtherPrices: Others(("input_cost_per_second", 0))));
        map.Prices["embedding"].ShouldBe(new TokenPrices(null, 0.00000002m, 0, Mode: "embedding"));
    }

    [Theory]
    [InlineData("output_cost_per_image_token", "4e-5")]
    [InlineData("output_cost_per_reasoning_token", "4e-5")]
    [InlineData("output_cost_per_second", "0.0")]
    public void A_missing_output_price_is_not_0_where_output_has_another_price(string field, string usd) =>
        Read($$$"""{"m": {"input_cost_per_token": 5e-6, "{{{field}}}": {{{usd}}}}}""").Prices["m"].OutputUsdPerToken
            .ShouldBeNull();

    [Fact]
    public void Every_other_price_is_kept_exactly_by_its_name()
    {
        var others = Read("""
            {"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
                   "input_cost_per_token_above_200k_tokens": 7.999999999999999e-07,
                   "input_cost_per_token_priority": null,
                   "tiered_pricing": [{"input_cost_per_token": 5e-08, "range": [0, 32000.0]}],
                   "provider_specific_entry": {"fast": 6.0, "schema": "v2"}, "web_search_billing_unit": "per_query",
                   "cost_note": "a text", "max_tokens": 5}}
            """).Prices["m"].OtherPrices.ShouldNotBeNull();

        others.ShouldBe(Others(
            ("input_cost_per_token_above_200k_tokens", 0.0000007999999999999999m), ("provider_specific_entry.fast", 6),
            ("tiered_pricing.0.input_cost_per_token", 0.00000005m),
            ("tiered_pricing.0.range.0", 0), ("tiered_pricing.0.range.1", 32000)));
        OtherPriceDictionary.Parse(others.ToJson()).ShouldBe(others);
        others.ToJson().ShouldContain("\"input_cost_per_token_above_200k_tokens\":0.0000007999999999999999,");
    }

    [Fact]
    public void Deepseeks_price_of_a_cache_hit_is_the_one_of_reading_the_cache()
    {
        var map = Read("""
            {"one": {"input_cost_per_token": 1.4e-7, "input_cost_per_token_cache_hit": 2.8e-8},
             "both": {"input_cost_per_token": 1.4e-7, "input_cost_per_token_cache_hit": 2.8e-8,
              "cache_read_input_token_cost": 3e-8}}
            """);

        (map.Prices["one"].CacheReadUsdPerToken, map.Prices["both"].CacheReadUsdPerToken)
            .ShouldBe((0.000000028m, 0.00000003m));
    }

    [Fact]
    public void The_same_model_twice_with_the_same_prices_is_one()
    {
        var map = Read("""
            {"m": {"input_cost_per_token": 1e-6, "input_cost_per_token_flex": 5e-7, "max_tokens": 1},
             "m": {"input_cost_per_token_flex": 5.0e-7, "input_cost_per_token": 0.000001},
             "dall-e": {"output_cost_per_image": 0.04}, "dall-e": {"output_cost_per_image": 0.08}, "note": "x",
             "note": [1]}
            """);

        (map.Prices.Count, map.Skipped).ShouldBe((1, 2));
    }

    [Theory]
    [InlineData("\"input_cost_per_token\": 2", "p, chat, input 1, output 0; and p, chat, input 2, output 0")]
    [InlineData("\"input_cost_per_token\": 1, \"input_cost_per_token_flex\": 0.5",
        "p, chat, input 1, output 0; and p, chat, input 1, output 0, input_cost_per_token_flex 0.5")]
    [InlineData("\"output_cost_per_image\": 1", "p, chat, input 1, output 0; and none for its tokens")]
    public void The_same_model_twice_with_other_prices_names_both(string prices, string both) =>
        ErrorsOf("""{"m": {"litellm_provider": "p", "mode": "chat", "input_cost_per_token": 1}"""
            + $$$""", "m": {"litellm_provider": "p", "mode": "chat", {{{prices}}}}}""")["m"]
            .ShouldBe([$"is given more than once, with different prices: {both}"]);

    [Fact]
    public void What_is_no_entry_is_skipped_and_counted() =>
        Read("""
            {"version": 3, "source": "a text", "list": [1, {}], "nothing": null, "m": {"input_cost_per_token": 1}}
            """)
            .Skipped.ShouldBe(4);

    [Theory]
    [InlineData("anthropic", "anthropic")]
    [InlineData("Bedrock", "bedrock")]
    [InlineData("vertex_ai-language-models", "vertex_ai")]
    [InlineData("bedrock_converse", "bedrock")]
    [InlineData("Fireworks AI", "fireworks_ai")]
    [InlineData("azure/eu", "azure_eu")]
    [InlineData("api", null)]
    [InlineData("sales_tax", null)]
    [InlineData("302ai", null)]
    [InlineData("_x", null)]
    [InlineData("", null)]
    [InlineData("a123456789012345678901234567890123456789x", null)]
    public void A_provider_is_brought_into_our_form_where_it_has_one(string name, string? provider) =>
        Read($$$"""{"m": {"litellm_provider": "{{{name}}}", "input_cost_per_token": 1}}""").Prices["m"].Provider
            .ShouldBe(provider);

    [Theory]
    [InlineData("""{"m": {"input_cost_per_token": -1e-6}}""", "m.input_cost_per_token", "must not be negative")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "output_cost_per_token": "2e-6"}}""", "m.output_cost_per_token",
        "must be a number of US dollars per token, such as 3e-06")]
    [InlineData("""{"m": {"cache_read_input_token_cost": {}, "input_cost_per_token": 1}}""",
        "m.cache_read_input_token_cost", "must be a number of US dollars per token, such as 3e-06")]
    [InlineData("""{"m": {"output_cost_per_reasoning_token": true}}""", "m.output_cost_per_reasoning_token",
        "must be a number of US dollars per token, such as 3e-06")]
    [InlineData("""{"m": {"input_cost_per_token": 1e-29}}""", "m.input_cost_per_token",
        "has too many digits: at most 28 digits and 28 decimals are stored exactly")]
    [InlineData("""{"m": {"cache_creation_input_token_cost": 1e400}}""", "m.cache_creation_input_token_cost",
        "has too many digits: at most 28 digits and 28 decimals are stored exactly")]
    [InlineData("""{"m": {"input_cost_per_token": 1000001}}""", "m.input_cost_per_token",
        "must be at most 1000000 US dollars for one token")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "input_cost_per_token": 1}}""", "m.input_cost_per_token",
        "is given more than once")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "input_cost_per_token_flex": "2e-6"}}""",
        "m.input_cost_per_token_flex", "must be a number of US dollars per token, such as 3e-06")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "output_cost_per_image": -1}}""", "m.output_cost_per_image",
        "must not be negative")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "search_context_cost_per_query": {"low": 1e-29}}}""",
        "m.search_context_cost_per_query.low",
        "has too many digits: at most 28 digits and 28 decimals are stored exactly")]
    [InlineData("""{"m": {"input_cost_per_token": 1, "ocr_cost_per_page": 1, "ocr_cost_per_page": 2}}""",
        "m.ocr_cost_per_page", "is given more than once: 1 and 2")]
    [InlineData("""{"m": [1]}""", "$", "has no model with a price for its tokens")]
    [InlineData("""{"m": null}""", "$", "has no model with a price for its tokens")]
    [InlineData("""{"m": {"litellm_provider": 5, "input_cost_per_token": 1}}""", "m.litellm_provider",
        "must be the name of a provider")]
    [InlineData("""{"m": {"litellm_provider": "\ud800", "input_cost_per_token": 1}}""", "m.litellm_provider",
        "must be the name of a provider")]
    [InlineData("""{"": {"input_cost_per_token": 1}}""", "$",
        "has a model whose name is not 1 to 200 characters of valid text without control characters")]
    [InlineData("""{"a\u0000": {"input_cost_per_token": 1}}""", "$",
        "has a model whose name is not 1 to 200 characters of valid text without control characters")]
    [InlineData("""{"\ud800": {"input_cost_per_token": 1}}""", "$",
        "has a model whose name is not 1 to 200 characters of valid text without control characters")]
    [InlineData("[]", "$", "must be a JSON object: LiteLLM's price map, with an entry for each model")]
    [InlineData("{}", "$", "has no model with a price for its tokens")]
    [InlineData("""{"sample_spec": {}, "dall-e": {"output_cost_per_image": 0.04}}""", "$",
        "has no model with a price for its tokens")]
    public void A_mistake_is_named_by_model_and_field(string json, string where, string error)
    {
        var errors = ErrorsOf(json);

        errors.Keys.ShouldBe([where]);
        errors[where].ShouldBe([error]);
    }

    [Fact]
    public void A_field_whose_name_is_no_text_is_no_concern_of_ours() =>
        Read("""{"m": {"input_cost_per_token": 1, "\ud800": 5}}""").Prices["m"].InputUsdPerToken.ShouldBe(1);

    [Fact]
    public void All_mistakes_are_collected_and_beside_one_nothing_counts() =>
        ErrorsOf("""{"a": {"input_cost_per_token": -1, "output_cost_per_token": "x"}"""
            + """, "b": {"input_cost_per_token": {}}, "c": {"input_cost_per_token": 1}}""").Keys
            .ShouldBe(["a.input_cost_per_token", "a.output_cost_per_token", "b.input_cost_per_token"]);

    [Fact]
    public void So_many_mistakes_are_shown_and_no_more()
    {
        var errors = ErrorsOf(
            "{"
            + string.Join(',', Enumerable.Range(0, 500).Select(n => $"\"m{n}\": {{\"input_cost_per_token\": -1}}"))
            + "}");

        errors.Count.ShouldBe(PriceMapReader.ErrorsMax + 1);
        errors["$"].ShouldBe(["has more mistakes than the 100 that are shown"]);
    }

    private static OtherPriceDictionary? Others(params (string Name, decimal Usd)[] prices) =>
        OtherPriceDictionary.Of([.. prices.Select(price => KeyValuePair.Create(price.Name, price.Usd))]);

    private static PriceMap Read(string json)
    {
        var (map, refusal) = PriceMapReader.Read(JsonElement.Parse(json));
        refusal.ShouldBeNull();
        return map.ShouldNotBeNull();
    }

    private static IReadOnlyDictionary<string, string[]> ErrorsOf(string json)
    {
        var (map, refusal) = PriceMapReader.Read(JsonElement.Parse(json));
        map.ShouldBeNull();
        return refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors;
    }
}
