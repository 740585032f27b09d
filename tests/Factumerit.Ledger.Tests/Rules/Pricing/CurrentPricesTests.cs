using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>All threads use the prices of the latest import, in whatever order the imports were read.</summary>
public sealed class CurrentPricesTests
{
    [Fact]
    public void At_first_nothing_is_priced() =>
        new CurrentPrices(Markups.None).Pricer.Book.ShouldBeSameAs(PriceBook.Empty);

    [Fact]
    public void A_book_read_late_does_not_replace_a_newer_one()
    {
        var prices = new CurrentPrices(Markups.None);
        var newer = new PriceBook([], 2);

        prices.Replace(newer);
        prices.Replace(new PriceBook([], 1));

        prices.Pricer.Book.ShouldBeSameAs(newer);
    }

    [Fact]
    public void A_book_that_was_not_read_for_long_prices_nothing()
    {
        var noon = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
        var prices = new CurrentPrices(Markups.None);
        var price = new ModelPrice { Model = "claude", InputUsdPerToken = 1, OutputUsdPerToken = 1, Version = 1 };
        prices.Replace(new PriceBook([price], 1), noon);
        PricedCall PriceAt(DateTimeOffset decidedAt) =>
            prices.Pricer.Price("claude", null, null, new TokenCounts(1, 0), null, noon, decidedAt);

        PriceAt(noon).PriceCents.ShouldBe(100);
        PriceAt(noon.AddTicks(10)).ShouldBe(new PricedCall { ReviewReason = ReviewReasons.StalePrices });
        prices.Replace(prices.Pricer.Book, noon.AddSeconds(1));
        PriceAt(noon.AddTicks(10)).PriceCents.ShouldBe(100);
    }

    [Fact]
    public void Who_prices_keeps_the_prices_it_began_with()
    {
        var prices = new CurrentPrices(Markups.None);
        var taken = prices.Pricer;

        prices.Replace(new PriceBook([], 1));

        taken.Book.Version.ShouldBe(0);
        prices.Pricer.Book.Version.ShouldBe(1);
    }
}
