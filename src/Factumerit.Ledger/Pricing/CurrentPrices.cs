namespace Factumerit.Ledger.Pricing;

/// <summary>The prices of this moment, for all threads: whoever prices a call takes <see cref="Pricer"/> once and stays with it.</summary>
public sealed class CurrentPrices(Markups markups)
{
    private readonly Lock _swap = new();
    private volatile Pricer _pricer = new(PriceBook.Empty, markups);

    public Pricer Pricer => _pricer;

    /// <summary>Puts a book in force, unless a newer one is: of two read at the same time the later wins.</summary>
    public void Replace(PriceBook book)
    {
        lock (_swap)
            if (book.Version >= _pricer.Book.Version && book.Cancellations >= _pricer.Book.Cancellations)
                _pricer = new Pricer(book, markups);
    }
}
