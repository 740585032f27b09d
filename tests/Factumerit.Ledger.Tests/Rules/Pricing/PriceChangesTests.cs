using Factumerit.Ledger.Pricing;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>What a map changes in the price book, and from when on (R18).</summary>
public sealed class PriceChangesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_first_price_counts_from_the_beginning_and_a_change_from_now()
    {
        var book = new Book().Import(Noon, ("a", 1), ("b", 1));
        book.Changes.ShouldBe([new("a", "added", null, null, Prices(1)), new("b", "added", null, null, Prices(1))]);

        book.Import(Noon.AddHours(1), ("a", 2), ("c", 1));

        book.Changes.ShouldBe(
            [
                new("a", "changed", Noon.AddHours(1), Prices(1), Prices(2)),
                new("b", "gone", Noon.AddHours(1), Prices(1), null),
                new("c", "added", null, null, Prices(1)),
            ]);
    }

    [Fact]
    public void The_same_map_again_changes_nothing()
    {
        var book = new Book().Import(Noon, ("a", 1), ("b", 1)).Import(Noon.AddHours(1), ("b", 1), ("a", 1.0m));

        book.Changes.ShouldBeEmpty();
        book.Unchanged.ShouldBe(2);
    }

    [Fact]
    public void Another_provider_or_another_class_is_a_change()
    {
        var map = (TokenPrices prices) =>
            new PriceMap("litellm", new Dictionary<string, TokenPrices> { ["a"] = prices }, 0);
        var newest = new Dictionary<string, ModelPrice>
        {
            ["a"] = new PriceChange("a", "added", null, null, Prices(1)).ToPrice(1)
        };

        foreach (var other in (TokenPrices[])[
            Prices(1) with { Provider = "q" }, Prices(1) with { OutputUsdPerToken = 3 },
            Prices(1) with { CacheReadUsdPerToken = 0 },
            Prices(1) with { CacheWriteUsdPerToken = 0 }, Prices(1) with { ReasoningUsdPerToken = 0 },
            Prices(1) with { OutputUsdPerToken = null }, Prices(1) with { Mode = "chat" },
            Prices(1) with { OtherPrices = Others(0.5m) }])
            PriceChanges.Between(newest, map(other), Noon, null).Answer!.Count(PriceChange.Changed)
                .ShouldBe(1, other.ToString());
    }

    [Fact]
    public void Another_price_that_is_the_same_is_no_change_and_one_that_differs_is()
    {
        static PriceMap MapOf(decimal usd) =>
            new("litellm", new Dictionary<string, TokenPrices>
            {
                ["a"] = Prices(1) with { OtherPrices = Others(usd) },
            }, 0);
        var newest = new Dictionary<string, ModelPrice>
        {
            ["a"] = new PriceChange("a", "added", null, null, MapOf(0.5m).Prices["a"]).ToPrice(1)
        };

        PriceChanges.Between(newest, MapOf(0.50m), Noon, null).Answer!.Changes.ShouldBeEmpty();
        PriceChanges.Between(newest, MapOf(0.6m), Noon, null).Answer!.Count(PriceChange.Changed).ShouldBe(1);
    }

    [Theory]
    [InlineData(20, 18, false)]
    [InlineData(20, 17, true)]
    [InlineData(9, 9, false)]
    [InlineData(9, 8, true)]
    [InlineData(1, 0, true)]
    public void An_import_that_ends_more_than_a_tenth_of_the_models_is_told(int active, int left, bool isTold)
    {
        var book = new Book().Import(Noon, Models(active));
        // One that is gone already, one that is new.
        book.Import(Noon.AddHours(1), [.. Models(active), ("gone", 1)]).Import(Noon.AddHours(2), Models(active));

        var changes = PriceChanges.Between(
            book.Newest, Map([.. Models(left), ("new", 1)]), Noon.AddHours(3), null).Answer.ShouldNotBeNull();

        changes.FindEnding()?.Errors["allow_gone"].ShouldBe(
            [
                $"must be true for this: {active - left} of the {active} models that have a price are not in the map, "
                + "and would have none from then on"]);
        (changes.FindEnding() is not null).ShouldBe(isTold);
    }

    [Fact]
    public void A_time_that_is_given_applies_to_all()
    {
        var book = new Book().Import(Noon, ("a", 1), ("b", 1)).Import(Noon, Noon.AddDays(-3), ("a", 2), ("c", 1));

        book.Changes.Select(c => c.ValidFrom).ShouldBe([Noon.AddDays(-3), Noon.AddDays(-3), Noon.AddDays(-3)]);
    }

    [Fact]
    public void A_model_that_comes_back_counts_from_then_on_not_from_the_beginning()
    {
        var book = new Book().Import(Noon, ("a", 1), ("b", 1)).Import(Noon.AddHours(1), ("a", 1))
            .Import(Noon.AddHours(2), ("a", 1), ("b", 1));

        book.Changes.ShouldBe([new("b", "added", Noon.AddHours(2), null, Prices(1))]);
        book.Prices.Find("b", Noon.AddHours(1)).ShouldBeNull();
        book.Prices.Find("b", Noon.AddHours(2)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-60)]
    public void New_prices_begin_after_those_that_are_there_R18(int minutes)
    {
        var newest = new Book().Import(Noon, ("a", 1), ("b", 1)).Import(Noon, ("a", 2), ("b", 1)).Newest;

        PriceChanges.Between(newest, Map(("a", 3), ("b", 1)), Noon.AddDays(1), Noon.AddMinutes(minutes)).Refusal
            .ShouldBeOfType<Refusal.ValidationFailed>().Errors["valid_from"]
            .ShouldBe([
                "must be after 2026-01-31T12:00:00Z, when the newest prices of a begin: "
                + "prices are never changed once they are active (R18)"]);
        PriceChanges.Between(newest, Map(("a", 2), ("b", 2)), Noon.AddDays(1), Noon.AddMinutes(minutes)).Answer!
            .Changes.Count.ShouldBe(1);
    }

    [Fact]
    public void Prices_that_begin_later_can_not_be_overtaken_by_default()
    {
        var newest = new Book().Import(Noon, ("a", 1)).Import(Noon, Noon.AddDays(30), ("a", 2)).Newest;

        PriceChanges.Between(newest, Map(("a", 3)), Noon.AddDays(1), null).Refusal.ShouldNotBeNull();
        PriceChanges.Between(newest, Map(("a", 3)), Noon.AddDays(1), Noon.AddDays(31)).Refusal.ShouldBeNull();
    }

    [Fact]
    public void A_usage_is_always_priced_with_the_row_valid_at_its_time_whatever_was_imported_R18() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Histories(), steps =>
        {
            var book = new Book();
            // What is in force hour by hour, worked out by writing each import over all later hours.
            var (expected, first) = (new decimal?[Hours + 1], true);
            for (var i = 0; i < steps.Length; i++)
            {
                var (hour, usd) = (i * 2, steps[i]);
                book.Import(Noon.AddHours(hour), usd is { } price ? [("m", price), ("other", 1)] : [("other", 1)]);
                var from = usd is not null && first ? 0 : hour;
                first &= usd is null;
                Array.Fill(expected, usd, from, expected.Length - from);
                // What was in force before stays as it was.
                for (var at = 0; at <= hour; at++)
                    (book.Prices.Find("m", Noon.AddHours(at))?.InputUsdPerToken).ShouldBe(expected[at]);
            }
            for (var at = 0; at <= Hours; at++)
                (book.Prices.Find("m", Noon.AddHours(at))?.InputUsdPerToken).ShouldBe(expected[at]);
        }));

    private const int Hours = 24;

    // An import every two hours, of a price or of a map without the model.
    private static Arbitrary<decimal?[]> Histories() =>
        Gen.Elements<decimal?>(1m, 2m, 3m, null).ArrayOf(Hours / 2).ToArbitrary();

    private static OtherPriceDictionary? Others(decimal usd) =>
        OtherPriceDictionary.Of([KeyValuePair.Create("input_cost_per_token_flex", usd)]);

    private static (string, decimal)[] Models(int count) => [.. Enumerable.Range(0, count).Select(n => ($"m{n}", 1m))];

    private static TokenPrices Prices(decimal usd) => new("p", usd, 2 * usd);

    private static PriceMap Map(params (string Model, decimal Usd)[] prices) =>
        new("litellm", prices.ToDictionary(p => p.Model, p => Prices(p.Usd)), 0);

    /// <summary>Imports one after the other, in memory.</summary>
    private sealed class Book
    {
        private readonly List<ModelPrice> _rows = [];
        private long _version;

        public IReadOnlyList<PriceChange> Changes { get; private set; } = [];

        public int Unchanged { get; private set; }

        public PriceBook Prices => new(_rows, _version);

        public Dictionary<string, ModelPrice> Newest =>
            _rows.GroupBy(r => r.Model).ToDictionary(m => m.Key, m => m.MaxBy(r => r.Version)!);

        public Book Import(DateTimeOffset now, params (string Model, decimal Usd)[] prices) =>
            Import(now, null, prices);

        public Book Import(DateTimeOffset now, DateTimeOffset? validFrom, params (string Model, decimal Usd)[] prices)
        {
            var changes = PriceChanges.Between(Newest, Map(prices), now, validFrom).Answer.ShouldNotBeNull();
            (Changes, Unchanged) = (changes.Changes, changes.Unchanged);
            _version++;
            _rows.AddRange(Changes.Select(c => c.ToPrice(_version)));
            return this;
        }
    }
}
