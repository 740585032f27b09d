using System.Globalization;
using System.Text.Json;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Pricing;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>
/// Prices besides the five plain ones. They apply if the provider's own usage shows that they are in play. If that
/// can't be told, the call waits for review. Entries are as in the real map.
/// </summary>
public sealed class OtherPriceTests
{
    private static readonly DateTimeOffset Noon = new(2026, 8, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Pricer Prices = PricerOf("""
        {
          "gemini-2.5-pro": {"mode": "chat", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
            "cache_read_input_token_cost": 1.25e-07,
            "input_cost_per_token_above_200k_tokens": 2.5e-06, "output_cost_per_token_above_200k_tokens": 1.5e-05,
            "input_cost_per_token_priority": 1.25e-05, "output_cost_per_token_priority": 1e-04,
            "input_cost_per_token_above_200k_tokens_priority": 2.5e-05,
            "output_cost_per_token_above_200k_tokens_priority": 1.5e-04},
          "gemini-3-flash": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06,
            "output_cost_per_reasoning_token": 4e-06,
            "input_cost_per_token_above_128k_tokens": 2e-06, "output_cost_per_token_above_128k_tokens": 8e-06,
            "input_cost_per_token_above_512k_tokens": 3e-06, "output_cost_per_token_above_512k_tokens": 9e-06,
            "input_cost_per_audio_token": 5e-06},
          "gpt-image-1": {"mode": "image_generation", "input_cost_per_token": 5e-06,
            "input_cost_per_image_token": 1e-05, "output_cost_per_image_token": 4e-05},
          "gpt-image-1.5": {"mode": "image_generation", "input_cost_per_token": 5e-06, "output_cost_per_token": 1e-05,
            "cache_read_input_token_cost": 1.25e-06,
            "input_cost_per_image_token": 8e-06, "output_cost_per_image_token": 3.2e-05},
          "image-edit": {"mode": "image_edit", "input_cost_per_token": 5e-06, "input_cost_per_image_token": 1e-05,
            "output_cost_per_image_token": 4e-05},
          "image-by-piece": {"mode": "image_generation", "input_cost_per_token": 3e-07, "output_cost_per_token": 4e-07,
            "output_cost_per_image": 0.039},
          "claude-sonnet-4-5": {"mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06,
            "cache_creation_input_token_cost_above_1hr": 6e-06, "cache_read_input_token_cost": 3e-07,
            "input_cost_per_token_above_200k_tokens": 6e-06,
            "output_cost_per_token_above_200k_tokens": 2.25e-05,
            "cache_creation_input_token_cost_above_200k_tokens": 7.5e-06,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
            "cache_read_input_token_cost_above_200k_tokens": 6e-07,
            "search_context_cost_per_query": {"search_context_size_low": 0.01},
            "provider_specific_entry": {"fast": 6.0, "us": 1.1, "eu": 1}},
          "gpt-realtime": {"mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 1.6e-05,
            "cache_read_input_token_cost": 4e-07,
            "input_cost_per_audio_token": 3.2e-05, "output_cost_per_audio_token": 6.4e-05,
            "input_cost_per_image": 5e-06},
          "gpt-audio-cached": {"mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 1.6e-05,
            "cache_read_input_token_cost": 4e-07,
            "input_cost_per_audio_token": 3.2e-05, "cache_read_input_audio_token_cost": 8e-07},
          "gpt-5": {"mode": "chat", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
            "input_cost_per_token_priority": 2.5e-06,
            "output_cost_per_token_priority": 2e-05, "input_cost_per_token_flex": 6.25e-07,
            "output_cost_per_token_flex": 5e-06,
            "input_cost_per_token_batches": 6e-07, "output_cost_per_token_batches": 4e-06,
            "cache_read_input_token_cost": 1.25e-07,
            "cache_read_input_token_cost_flex": 6.25e-08},
          "gpt-4o-transcribe": {"mode": "audio_transcription", "input_cost_per_token": 2.5e-06,
            "input_cost_per_audio_token": 6e-06, "output_cost_per_token": 1e-05},
          "gpt-4o-mini-tts": {"mode": "audio_speech", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
            "output_cost_per_audio_token": 1.2e-05,
            "output_cost_per_second": 0.00025},
          "no-output": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_audio_token": 2e-05,
            "output_cost_per_reasoning_token": 3e-06},
          "per-request": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06,
            "input_cost_per_request": 0.005},
          "tiered": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06,
            "tiered_pricing": [{"input_cost_per_token": 1e-06, "range": [0, 32000]}]},
          "ocr": {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06,
            "ocr_cost_per_page": 0.003, "citation_cost_per_token": 2e-06,
            "input_cost_per_second": 0.1, "input_cost_per_character": 0.1, "input_cost_per_image": 0.1,
            "code_interpreter_cost_per_session": 0.03, "ocr_cost_per_credit": 0.015},
          "claude-of-before": {"mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06},
          "thinker": {"mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "output_cost_per_reasoning_token": 2.5e-05},
          "free": {"mode": "chat", "input_cost_per_token": 0, "output_cost_per_token": 0},
          "no-writes": {"mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05},
          "multimodal": {"mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05,
            "cache_read_input_token_cost": 5e-07,
            "input_cost_per_image_token": 2e-06, "input_cost_per_audio_token": 2e-06}
        }
        """);

    [Theory]
    // The size of the prompt, cache included, decides for the whole request.
    [InlineData("gemini-2.5-pro", 250000, 1000, 0, 0, 0, "{}", "0.64")]
    [InlineData("gemini-2.5-pro", 200000, 1000, 0, 0, 0, "{}", "0.26")]
    [InlineData("gemini-2.5-pro", 200001, 0, 0, 0, 0, null, "0.5000025")]
    [InlineData("gemini-3-flash", 600000, 1000, 0, 0, 500, "{}", "1.809")]
    [InlineData("gemini-3-flash", 200000, 1000, 0, 0, 500, "{}", "0.408")]
    [InlineData("claude-sonnet-4-5", 300000, 0, 200000, 50000, 0, "{}", "0.795")]
    // Written for an hour, as Anthropic and LiteLLM spell it.
    [InlineData("claude-sonnet-4-5", 29917, 68, 0, 29911, 0,
        """{"prompt_tokens":29917,"completion_tokens":68,"cache_creation_input_tokens":29911"""
        + ""","cache_creation":{"ephemeral_1h_input_tokens":29911,"ephemeral_5m_input_tokens":0}}""", "0.180504")]
    [InlineData("claude-sonnet-4-5", 29917, 68, 0, 29911, 0,
        """{"prompt_tokens_details":{"cache_creation_token_details":{"ephemeral_1h_input_tokens":29911}}"""
        + ""","cache_creation":{"ephemeral_1h_input_tokens":0}}""", "0.180504")]
    [InlineData("claude-sonnet-4-5", 29917, 68, 0, 29911, 0, "{}", "0.11320425")]
    [InlineData("claude-sonnet-4-5", 1100, 0, 0, 1000, 0, """{"cache_creation":{"ephemeral_1h_input_tokens":400}}""",
        "0.00495")]
    [InlineData("claude-sonnet-4-5", 300000, 0, 0, 100000, 0,
        """{"cache_creation":{"ephemeral_1h_input_tokens":100000}}""", "2.4")]
    [InlineData("claude-of-before", 1100, 0, 0, 1000, 0,
        """{"cache_creation":{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":1000}}""", "0.00405")]
    [InlineData("no-writes", 1100, 0, 0, 1000, 0, """{"cache_creation":{"ephemeral_1h_input_tokens":400}}""", "0.0033")]
    // Sound and pictures.
    [InlineData("gpt-image-1", 50, 4160, 0, 0, 0, null, "0.16665")]
    [InlineData("gpt-image-1", 50, 4160, 0, 0, 0, """{"input_tokens_details":{"image_tokens":30,"text_tokens":20}}""",
        "0.1668")]
    [InlineData("gpt-image-1.5", 23, 1056, 0, 0, 0,
        """{"completion_tokens":0,"prompt_tokens":0,"input_tokens_details":{"image_tokens":0,"text_tokens":23}}""",
        "0.033907")]
    [InlineData("gpt-image-1.5", 23, 1056, 0, 0, 0, """{"output_tokens_details":{"text_tokens":56}}""", "0.032675")]
    [InlineData("gpt-image-1.5", 23, 1056, 0, 0, 0, """{"output_tokens_details":{"image_tokens":1000}}""", "0.032675")]
    [InlineData("gpt-realtime", 100000, 100000, 0, 0, 0,
        """{"prompt_tokens_details":{"audio_tokens":100000},"completion_tokens_details":{"audio_tokens":100000}}""",
        "9.6")]
    [InlineData("gpt-realtime", 100, 10, 0, 0, 0,
        """{"input_token_details":{"audio_tokens":60,"text_tokens":40}"""
        + ""","output_token_details":{"audio_tokens":4,"text_tokens":6}}""", "0.002432")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, 0,
        """{"promptTokensDetails":[{"modality":"TEXT","tokenCount":40},{"modality":"AUDIO","tokenCount":60}]}""",
        "0.00208")]
    [InlineData("gpt-realtime", 100, 0, 40, 0, 0, """{"input_token_details":{"audio_tokens":0,"cached_tokens":40}}""",
        "0.000256")]
    [InlineData("gpt-audio-cached", 100, 0, 40, 0, 0,
        """{"input_token_details":{"audio_tokens":60,"cached_tokens_details":{"audio_tokens":30,"text_tokens":10}}}""",
        "0.001108")]
    [InlineData("gpt-audio-cached", 100, 0, 40, 0, 0,
        """{"prompt_tokens_details":{"audio_tokens":20,"text_tokens":40,"cached_tokens":40}}""", "0.000816")]
    [InlineData("gpt-4o-transcribe", 100, 0, 0, 0, 0,
        """{"type":"tokens","input_token_details":{"audio_tokens":90,"text_tokens":10}}""", "0.000565")]
    [InlineData("gpt-4o-mini-tts", 100, 1000, 0, 0, 0, null, "0.01225")]
    [InlineData("multimodal", 1000, 0, 400, 0, 0,
        """{"prompt_tokens_details":{"image_tokens":500,"audio_tokens":"many"}}""", "0.0014")]
    // Tiers of service, alone and with the size.
    [InlineData("gpt-5", 200000, 1000, 0, 0, 0, """{"service_tier":"priority"}""", "0.52")]
    [InlineData("gpt-5", 200000, 1000, 0, 0, 0, """{"service_tier":"flex"}""", "0.13")]
    [InlineData("gpt-5", 200000, 1000, 100000, 0, 0, """{"service_tier":"flex"}""", "0.07375")]
    [InlineData("gpt-5", 200000, 1000, 0, 0, 0, """{"service_tier":"batch"}""", "0.124")]
    [InlineData("gpt-5", 200000, 1000, 0, 0, 0, """{"service_tier":"Default"}""", "0.26")]
    [InlineData("gpt-5", 200000, 1000, 0, 0, 0, """{"service_tier":null}""", "0.26")]
    [InlineData("claude-sonnet-4-5", 1000, 0, 0, 0, 0, """{"service_tier":"standard"}""", "0.003")]
    [InlineData("free", 1000, 0, 0, 0, 0, """{"service_tier":"batch"}""", "0")]
    [InlineData("gemini-2.5-pro", 250000, 1000, 0, 0, 0, """{"service_tier":"priority"}""", "6.4")]
    [InlineData("gemini-2.5-pro", 100000, 1000, 0, 0, 0, """{"service_tier":"priority"}""", "1.35")]
    // What is not in play changes nothing.
    [InlineData("claude-sonnet-4-5", 1000, 0, 0, 0, 0,
        """{"server_tool_use":{"web_search_requests":0,"web_fetch_requests":2}"""
        + ""","speed":"standard","inference_geo":"eu"}""", "0.003")]
    [InlineData("gpt-5", 1000, 0, 0, 0, 0, """{"server_tool_use":{"web_search_requests":3}}""", "0.00125")]
    [InlineData("ocr", 1000, 0, 0, 0, 0, """{"pages_processed":0,"seconds":0.0,"citation_tokens":null}""", "0.001")]
    [InlineData("no-output", 1000, 0, 0, 0, 0, "{}", "0.001")]
    [InlineData("no-output", 1000, 100, 0, 0, 100, "{}", "0.0013")]
    [InlineData("no-output", 1000, 100, 0, 0, 0, """{"completion_tokens_details":{"audio_tokens":100}}""", "0.003")]
    public void The_price_in_play_is_applied(
        string model, long prompt, long completion, long read, long write, long reasoning, string? usage,
        string costUsd) =>
        Price(model, new TokenCounts(prompt, completion, read, write, reasoning), usage)
            .ShouldBe(new PricedCall
            {
                CostUsd = Decimal(costUsd),
                PriceCents = Decimal(costUsd) * 100,
                Markup = 1,
                PriceVersion = 1
            });

    [Theory]
    // A class whose own price has no variant where others have.
    [InlineData("gemini-2.5-pro", 250000, 0, 1000, 0, "{}")]
    [InlineData("gemini-3-flash", 200000, 0, 0, 0, """{"prompt_tokens_details":{"audio_tokens":10}}""")]
    [InlineData("gpt-5", 1000, 0, 500, 0, """{"service_tier":"priority"}""")]
    [InlineData("gpt-5", 1000, 0, 0, 0, """{"service_tier":5}""")]
    // A tier of another price, of which no price of the model knows.
    [InlineData("claude-sonnet-4-5", 1000, 0, 0, 0, """{"service_tier":"priority"}""")]
    [InlineData("claude-sonnet-4-5", 1000, 0, 0, 0, """{"service_tier":"batch"}""")]
    [InlineData("no-writes", 1000, 0, 0, 0, """{"service_tier":"flex"}""")]
    [InlineData("gemini-2.5-pro", 1000, 0, 0, 0, """{"service_tier":"Batch"}""")]
    [InlineData("thinker", 1000, 100, 0, 0, """{"completion_tokens_details":{"reasoning_tokens":"many"}}""")]
    // An output price that is not there.
    [InlineData("no-output", 1000, 1, 0, 0, null)]
    // Which tokens are which is not said.
    [InlineData("gpt-realtime", 100, 0, 40, 0, """{"prompt_tokens_details":{"audio_tokens":60,"cached_tokens":40}}""")]
    [InlineData("gpt-realtime", 100, 0, 40, 0,
        """{"prompt_tokens_details":{"audio_tokens":60,"cached_tokens_details":{"audio_tokens":30}}}""")]
    [InlineData("gpt-audio-cached", 100, 0, 40, 10,
        """{"prompt_tokens_details":{"audio_tokens":60,"cached_tokens_details":{"audio_tokens":30}}}""")]
    [InlineData("gpt-4o-transcribe", 100, 5, 0, 0, null)]
    [InlineData("image-edit", 100, 5, 0, 0, "{}")]
    // What can't be read.
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":{"audio_tokens":-5}}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":{"audio_tokens":"5"}}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":{"audio_tokens":5.5}}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":{"audio_tokens":1e300}}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0,
        """{"prompt_tokens_details":{"audio_tokens":5},"input_tokens_details":{"audio_tokens":6}}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":"audio"}""")]
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"\ud800":1}""")]
    [InlineData("gpt-realtime", 0, 100, 0, 0, """{"completion_tokens_details":{"audio_tokens":[]}}""")]
    [InlineData("claude-sonnet-4-5", 100, 0, 0, 50, """{"cache_creation":{"ephemeral_1h_input_tokens":true}}""")]
    // What is not charged by the token.
    [InlineData("gpt-realtime", 100, 0, 0, 0, """{"prompt_tokens_details":{"image_tokens":5}}""")]
    [InlineData("image-by-piece", 100, 1290, 0, 0, null)]
    [InlineData("per-request", 100, 1, 0, 0, null)]
    [InlineData("tiered", 100, 1, 0, 0, null)]
    [InlineData("claude-sonnet-4-5", 100, 1, 0, 0, """{"server_tool_use":{"web_search_requests":1}}""")]
    [InlineData("claude-sonnet-4-5", 100, 1, 0, 0, """{"prompt_tokens_details":{"web_search_requests":1}}""")]
    [InlineData("claude-sonnet-4-5", 100, 1, 0, 0, """{"search_context_size":"low"}""")]
    [InlineData("claude-sonnet-4-5", 100, 1, 0, 0, """{"speed":"fast"}""")]
    [InlineData("claude-sonnet-4-5", 100, 1, 0, 0, """{"inference_geo":"US"}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"pages_processed":3}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"usage_info":{"pages_processed":3}}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"citation_tokens":3}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"type":"duration"}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"seconds":"12s"}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"prompt_tokens_details":{"character_count":9}}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"image_count":2}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"credits":2}""")]
    [InlineData("ocr", 100, 1, 0, 0, """{"server_tool_use":{"code_execution_requests":1}}""")]
    [InlineData("claude-of-before", 1100, 0, 0, 1000, """{"cache_creation":{"ephemeral_1h_input_tokens":400}}""")]
    public void What_can_not_be_told_waits_for_review(
        string model, long prompt, long completion, long read, long write, string? usage) =>
        Price(model, new TokenCounts(prompt, completion, read, write), usage)
            .ShouldBe(new PricedCall { ReviewReason = "other-price" });

    [Theory]
    [InlineData("gpt-realtime", """{"prompt_tokens_details":{"audio_tokens":101}}""")]
    [InlineData("gpt-realtime", """{"completion_tokens_details":{"audio_tokens":51}}""")]
    [InlineData("gpt-image-1.5", """{"output_tokens_details":{"text_tokens":51}}""")]
    [InlineData("claude-sonnet-4-5", """{"cache_creation":{"ephemeral_1h_input_tokens":1}}""")]
    public void Details_that_exceed_their_whole_disagree(string model, string usage) =>
        Price(model, new TokenCounts(100, 50), usage).ReviewReason.ShouldBe("tokens-disagree");

    [Theory]
    [InlineData("thinker", """{"completion_tokens_details":{"reasoning_tokens":40}}""", null, "0.0022")]
    [InlineData("thinker", """{"output_tokens_details":{"reasoning_tokens":40}}""", null, "0.0022")]
    // What is said beside the usage goes before it.
    [InlineData("thinker", """{"completion_tokens_details":{"reasoning_tokens":40}}""", 10L, "0.0019")]
    [InlineData("thinker", """{"completion_tokens_details":{"reasoning_tokens":0}}""", null, "0.0018")]
    [InlineData("no-writes", """{"completion_tokens_details":{"reasoning_tokens":400}}""", null, "0.0018")]
    public void Reasoning_that_only_the_usage_tells_has_its_price(
        string model, string usage, long? reasoning, string costUsd) =>
        Price(model, new TokenCounts(100, 100, Reasoning: reasoning), usage).CostUsd.ShouldBe(Decimal(costUsd));

    [Fact]
    public void Reasoning_that_exceeds_its_whole_disagrees() =>
        Price("thinker", new TokenCounts(100, 30), """{"completion_tokens_details":{"reasoning_tokens":40}}""")
            .ReviewReason.ShouldBe("tokens-disagree");

    [Fact]
    public void A_known_cost_is_taken_whatever_the_usage_says() =>
        Prices.Price("per-request", null, 0.5m, new TokenCounts(1, 1), JsonElement.Parse("""{"speed":"fast"}"""), Noon)
            .ShouldBe(new PricedCall { CostUsd = 0.5m, PriceCents = 50, Markup = 1 });

    [Theory]
    [InlineData("gpt-5")]
    [InlineData("gemini-2.5-pro")]
    public void Without_a_usage_nothing_is_allocated(string model)
    {
        Price(model, new TokenCounts(300_000, 5), null).PriceCents.ShouldNotBeNull();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Prices.Price(model, null, null, new TokenCounts(300_000, 5), null, Noon);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void No_usage_however_odd_throws_or_lowers_the_price_below_0() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(OddUsages(), odd =>
        {
            var call = Prices.Price(odd.Model, null, null, odd.Tokens, JsonElement.Parse(odd.Usage), Noon);
            ((call.PriceCents ?? 0) >= 0
                && (call.PriceCents is null) == (call.ReviewReason is "other-price" or "tokens-disagree"))
                .ShouldBeTrue(odd.ToString());
        }));

    private static Arbitrary<OddUsage> OddUsages()
    {
        var value = Gen.Elements(
            "0", "5", "-3", "40", "1e3", "7.5", "1e400", "null", "true", "\"x\"", "\"\\ud800\"", "\"priority\"", "[]",
            "[1]", "{}", """[{"modality":"AUDIO","tokenCount":9}]""", """[{"modality":"\ud800","tokenCount":-9},5]""");
        var leaf = from name in Gen.Elements(
                       "audio_tokens", "image_tokens", "text_tokens", "video_tokens", "web_search_requests",
                       "ephemeral_1h_input_tokens", "pages_processed", "service_tier", "speed", "type",
                       "cached_tokens_details", "modality", "tokens")
                   from v in value
                   select $"\"{name}\":{v}";
        var part = from name in Gen.Elements(
                       "prompt_tokens_details", "completion_tokens_details", "input_tokens_details",
                       "output_tokens_details", "cache_creation", "server_tool_use", "cached_tokens_details")
                   from leaves in leaf.ListOf(3)
                   select $"\"{name}\":{{{string.Join(',', leaves)}}}";
        return (from model in Gen.Elements(
                    "gpt-realtime", "claude-sonnet-4-5", "gpt-image-1.5", "gemini-3-flash", "gpt-audio-cached",
                    "no-output", "ocr", "image-edit")
                from counts in Gen.Choose(0, 300).Select(n => (long)n).ArrayOf(5)
                from members in Gen.OneOf(leaf, part).ListOf(4)
                select new OddUsage(
                    model,
                    new TokenCounts(
                        counts[0] + counts[2] + counts[3], counts[1] + counts[4], counts[2], counts[3], counts[4]),
                    $"{{{string.Join(',', members)}}}"))
            .ToArbitrary();
    }

    private static PricedCall Price(string model, TokenCounts tokens, string? usage) =>
        Prices.Price(model, null, null, tokens, usage is null ? null : JsonElement.Parse(usage), Noon);

    private static decimal Decimal(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);

    private static Pricer PricerOf(string json)
    {
        var (map, refusal) = PriceMapReader.Read(JsonElement.Parse(json));
        refusal.ShouldBeNull();
        return new Pricer(
            new PriceBook(
                map.ShouldNotBeNull().Prices
                    .Select(price => new PriceChange(price.Key, PriceChange.Added, null, null, price.Value).ToPrice(1)),
                1),
            Markups.None);
    }

    private sealed record OddUsage(string Model, TokenCounts Tokens, string Usage);
}
