namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The current prices, shared by all threads. To price a call, take <see cref="Pricer"/> once and use only that
/// instance.
/// </summary>
public sealed class CurrentPrices(Markups markups)
{
    private readonly Lock _swap = new();
    private volatile Pricer _pricer = new(PriceBook.Empty, markups);

    public Pricer Pricer => _pricer;

    /// <summary>
    /// Activates a price book, unless a newer one is active: of two books read at the same time the newer wins.
    /// </summary>
    /// <param name="book">The price book.</param>
    /// <param name="currentUntil">See <see cref="Pricing.Pricer"/>.</param>
    public void Replace(PriceBook book, DateTimeOffset? currentUntil = null)
    {
        lock (_swap)
            if (book.Version >= _pricer.Book.Version && book.Cancellations >= _pricer.Book.Cancellations)
                _pricer = new Pricer(book, markups, currentUntil);
    }
}
