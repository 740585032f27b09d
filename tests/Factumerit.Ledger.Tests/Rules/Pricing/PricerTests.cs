using System.Globalization;
using System.Numerics;
using Factumerit.Ledger.Pricing;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>Cost and price of a call: by which of the ways, exact, and rounded once at the end.</summary>
public sealed class PricerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static readonly ModelPrice Claude = new()
    {
        Model = "claude",
        Provider = "anthropic",
        InputUsdPerToken = 0.000003m,
        OutputUsdPerToken = 0.000015m,
        CacheReadUsdPerToken = 0.0000003m,
        CacheWriteUsdPerToken = 0.00000375m,
        ReasoningUsdPerToken = 0.00002m,
        Version = 7,
    };

    [Fact]
    public void Each_class_of_tokens_has_its_price()
    {
        var call = Price(
            new TokenCounts(Prompt: 1000, Completion: 500, CacheRead: 600, CacheWrite: 100, Reasoning: 200),
            markup: 1.25m);

        call.CostUsd.ShouldBe(
            (300 * 0.000003m) + (600 * 0.0000003m) + (100 * 0.00000375m) + (300 * 0.000015m) + (200 * 0.00002m));
        call.CostUsd.ShouldBe(0.009955m);
        call.PriceCents.ShouldBe(1.244375m);
        call.ShouldBe(new PricedCall
        {
            CostUsd = 0.009955m,
            PriceCents = 1.244375m,
            Markup = 1.25m,
            PriceVersion = 7,
            Provider = "anthropic"
        });
    }

    [Fact]
    public void A_class_without_a_price_of_its_own_costs_what_its_kind_costs()
    {
        var plain = Claude with
        {
            CacheReadUsdPerToken = null,
            CacheWriteUsdPerToken = null,
            ReasoningUsdPerToken = null
        };

        Price(new TokenCounts(1000, 500, 600, 100, 200), price: plain).CostUsd
            .ShouldBe((1000 * 0.000003m) + (500 * 0.000015m));
    }

    [Fact]
    public void The_documented_example_is_right()
    {
        var gpt = new ModelPrice
        {
            Model = "claude",
            InputUsdPerToken = 0.0000025m,
            OutputUsdPerToken = 0.00001m,
            CacheReadUsdPerToken = 0.0000003m,
            Version = 1
        };

        var call = Price(new TokenCounts(Prompt: 1234, Completion: 57, CacheRead: 1000), markup: 1.15m, price: gpt);

        (call.CostUsd, call.PriceCents).ShouldBe((0.001455m, 0.167325m));
    }

    [Theory]
    [InlineData(10L, null, null, null, null, "0.00003")]
    [InlineData(null, 10L, null, null, null, "0.00015")]
    [InlineData(null, null, 10L, null, null, "0.000003")]
    [InlineData(null, null, null, 10L, null, "0.0000375")]
    [InlineData(null, null, null, null, 10L, "0.0002")]
    [InlineData(0L, 0L, null, null, null, "0")]
    public void A_count_that_is_not_reported_is_what_its_parts_are(
        long? prompt, long? completion, long? read, long? write, long? reasoning, string costUsd) =>
        Price(new TokenCounts(prompt, completion, read, write, reasoning)).CostUsd.ShouldBe(Decimal(costUsd));

    [Fact]
    public void A_cost_as_given_goes_before_the_price_book_and_has_no_price_version()
    {
        var call = Pricer(2m).Price("claude", null, 0.000165m, new TokenCounts(1000, 500), null, Noon);

        call.ShouldBe(new PricedCall { CostUsd = 0.000165m, PriceCents = 0.033m, Markup = 2m, Provider = "anthropic" });
    }

    [Fact]
    public void A_cost_of_zero_as_given_is_free_not_unknown() =>
        Pricer(2m).Price(null, null, 0m, default, null, Noon)
            .ShouldBe(new PricedCall { CostUsd = 0m, PriceCents = 0m, Markup = 2m });

    [Fact]
    public void A_free_model_costs_nothing_and_is_not_unknown()
    {
        var free = new ModelPrice { Model = "claude", InputUsdPerToken = 0, OutputUsdPerToken = 0, Version = 1 };

        Price(new TokenCounts(1000, 500), price: free)
            .ShouldBe(new PricedCall { CostUsd = 0m, PriceCents = 0m, Markup = 1m, PriceVersion = 1 });
    }

    [Fact]
    public void The_provider_as_given_goes_before_the_price_books()
    {
        Pricer().Price("claude", "bedrock", null, new TokenCounts(1, 1), null, Noon)
            .ShouldBe(new PricedCall { Provider = "bedrock", ReviewReason = "unknown-model" });
        Pricer().ProviderOf("claude", "bedrock", Noon).ShouldBe("bedrock");
        Pricer().ProviderOf("claude", null, Noon).ShouldBe("anthropic");
        Pricer().ProviderOf("unknown", null, Noon).ShouldBeNull();
        Pricer().ProviderOf(null, null, Noon).ShouldBeNull();
    }

    [Theory]
    [InlineData("unknown", 10L, ReviewReasons.UnknownModel)]
    [InlineData(null, 10L, ReviewReasons.NoTokens)]
    [InlineData("claude", null, ReviewReasons.NoTokens)]
    [InlineData("unknown", null, ReviewReasons.NoTokens)]
    public void What_can_not_be_priced_says_why(string? model, long? tokens, string reason)
    {
        var call = Pricer().Price(model, null, null, new TokenCounts(tokens, tokens), null, Noon);

        (call.ReviewReason, call.PriceCents, call.CostUsd, call.Markup, call.Refusal)
            .ShouldBe((reason, null, null, null, null));
    }

    [Theory]
    [InlineData(10L, 0L, 6L, 5L, 0L)]
    [InlineData(10L, 5L, 0L, 0L, 6L)]
    [InlineData(-1L, 0L, 0L, 0L, 0L)]
    [InlineData(10L, 5L, -1L, 0L, 0L)]
    public void Parts_that_exceed_their_whole_are_not_priced(
        long prompt, long completion, long read, long write, long reasoning)
    {
        var tokens = new TokenCounts(prompt, completion, read, write, reasoning);

        Price(tokens).ReviewReason.ShouldBe(ReviewReasons.TokensDisagree);
        var errors = new FieldErrors(Noon);
        tokens.Check(errors);
        errors.Any.ShouldBeTrue();
    }

    [Fact]
    public void Parts_that_are_the_whole_are_fine()
    {
        var errors = new FieldErrors(Noon);
        new TokenCounts(10, 5, 6, 4, 5).Check(errors);
        errors.Any.ShouldBeFalse();
    }

    [Fact]
    public void Wrong_counts_are_named()
    {
        var errors = new FieldErrors(Noon);
        new TokenCounts(10, 5, 11, -1, 6).Check(errors);
        errors.ToRefusal().Errors.Keys.ShouldBe(["cache_write_tokens", "completion_tokens"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("0.0000000005", "1", "0.0000001")]
    [InlineData("0.00000000049999999999999999", "1", "0")]
    [InlineData("0.0000000015", "1", "0.0000002")]
    [InlineData("0.00000000005", "1.1", "0")]
    [InlineData("0.000000001", "1", "0.0000001")]
    [InlineData("1.0000000005", "1", "100.0000001")]
    [InlineData("0.0000000004545454545454545455", "1.1", "0.0000001")]
    [InlineData("0.0000000004545454545454545454", "1.1", "0")]
    [InlineData("1.0000000004999999999999999999", "1.000000", "100")]
    [InlineData("9999.999999999499999999999999", "1.000001", "1000000.9999999")]
    [InlineData("10000000000", "1", "1000000000000")]
    [InlineData("0.0000000000000000000000000001", "1000", "0")]
    public void A_price_is_rounded_once_half_away_from_zero(string costUsd, string markup, string priceCents)
    {
        var call = Pricer(Decimal(markup)).Price(null, null, Decimal(costUsd), default, null, Noon);

        call.PriceCents.ShouldBe(Decimal(priceCents));
        call.CostUsd.ShouldBe(Decimal(costUsd));
    }

    [Theory]
    [InlineData("10000000000.0000001", "1")]
    [InlineData("9999999999", "1.000001")]
    [InlineData("79228162514264337593543950335", "1000")]
    [InlineData("-0.01", "1")]
    public void A_cost_that_can_not_be_kept_is_refused_never_thrown(string costUsd, string markup) =>
        Pricer(Decimal(markup)).Price(null, null, Decimal(costUsd), default, null, Noon).Refusal!.Errors.Keys
            .ShouldBe(["provider_cost_usd"]);

    [Theory]
    [InlineData("1000000", long.MaxValue)]
    [InlineData("1000000", 10001L)]
    [InlineData("1.2345678901234567890123456789", 2000000000L)]
    public void Tokens_whose_price_can_not_be_kept_are_refused_never_thrown(string usdPerToken, long tokens)
    {
        var price = new ModelPrice
        {
            Model = "claude",
            InputUsdPerToken = Decimal(usdPerToken),
            OutputUsdPerToken = Decimal(usdPerToken),
            Version = 1
        };

        var call = Price(new TokenCounts(tokens, tokens), price: price);

        call.Refusal!.Errors.Keys.ShouldBe(["prompt_tokens"]);
        call.PriceCents.ShouldBeNull();
    }

    [Fact]
    public void Pricing_a_call_allocates_nothing()
    {
        var (pricer, tokens) = (Pricer(1.25m), new TokenCounts(1000, 500, 600, 100, 200));
        pricer.Price("anthropic/claude", null, null, tokens, null, Noon).PriceCents.ShouldNotBeNull();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            pricer.Price("anthropic/claude", null, null, tokens, null, Noon);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Every_price_is_the_exact_one_rounded_once() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Cases(), c =>
        {
            var price = new ModelPrice
            {
                Model = "claude",
                InputUsdPerToken = c.Prices[0],
                OutputUsdPerToken = c.Prices[1],
                CacheReadUsdPerToken = c.Prices[2],
                Version = 1
            };
            var call = Price(new TokenCounts(c.Counts[0] + c.Counts[2], c.Counts[1], c.Counts[2]), c.Markup, price);

            // All in units of 10^-40 dollars, in whole numbers.
            var cost = c.Counts.Zip(c.Prices, (count, usd) => count * Units(usd, 40))
                .Aggregate(BigInteger.Zero, BigInteger.Add);
            Units(call.CostUsd!.Value, 40).ShouldBe(cost);
            // Times 10^6 for the markup and 1/100 for cents: the stored unit, 10^-7 cents, is 10^(40 + 6 - 2 - 7) of
            // these units.
            Units(call.PriceCents!.Value, 7).ShouldBe(HalfAway(cost * Units(c.Markup, 6), BigInteger.Pow(10, 37)));
        }));

    private static BigInteger HalfAway(BigInteger value, BigInteger unit) => ((2 * value) + unit) / (2 * unit);

    private static BigInteger Units(decimal value, int decimals)
    {
        var text = value.ToString(CultureInfo.InvariantCulture).Split('.');
        return BigInteger.Parse(
            text[0] + (text.Length > 1 ? text[1] : "").PadRight(decimals, '0'), CultureInfo.InvariantCulture);
    }

    private static Arbitrary<Case> Cases() => (
        from counts in Gen.Choose(0, 2_000_000).Select(n => (long)n).ArrayOf(3)
        from digits in Gen.Choose(0, int.MaxValue).ArrayOf(3)
        from decimals in Gen.Choose(9, 22).ArrayOf(3)
        from markup in Gen.Choose(0, 3_000_000)
        select new Case(
            counts, [.. digits.Zip(decimals, (d, s) => new decimal(d, 0, 0, false, (byte)s))],
            new decimal(markup, 0, 0, false, 6))).ToArbitrary();

    private static decimal Decimal(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);

    private static Pricer Pricer(decimal markup = 1m, ModelPrice? price = null) =>
        new(new PriceBook([price ?? Claude], 7), new Markups(new PricingOptions { Markup = markup }));

    private static PricedCall Price(TokenCounts tokens, decimal markup = 1m, ModelPrice? price = null) =>
        Pricer(markup, price).Price("claude", null, null, tokens, null, Noon);

    private sealed record Case(long[] Counts, decimal[] Prices, decimal Markup);
}
