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
    public void Who_prices_keeps_the_prices_it_began_with()
    {
        var prices = new CurrentPrices(Markups.None);
        var taken = prices.Pricer;

        prices.Replace(new PriceBook([], 1));

        taken.Book.Version.ShouldBe(0);
        prices.Pricer.Book.Version.ShouldBe(1);
    }
}
