namespace Factumerit.Ledger;

/// <summary>
/// The entries that share one transaction id. Its debits equal its credits (R1): the constructor rejects an unbalanced
/// transaction, and so does the database at commit.
/// </summary>
public sealed class LedgerTransaction
{
    /// <param name="referenceType">The operation. It is also the legacy <c>transaction_type</c> if a user's balance
    /// changes.</param>
    /// <param name="referenceId">The request, admin or invoice that caused it, if any.</param>
    /// <param name="description">A text for people; null when the reference says everything.</param>
    /// <param name="entries">Two or more, with equal debits and credits.</param>
    public LedgerTransaction(string referenceType, string? referenceId, string? description, params Entry[] entries)
    {
        var imbalance = 0m;
        foreach (var entry in entries)
            imbalance += entry.CreditCents - entry.DebitCents;
        if (imbalance != 0 || entries.Length < 2)
            throw new UnbalancedTransactionException(
                $"A transaction '{referenceType}' of {entries.Length} entries "
                + $"whose credits exceed its debits by {imbalance} cents can't be posted (R1).");
        (ReferenceType, ReferenceId, Description, Entries) = (referenceType, referenceId, description, entries);
    }

    /// <summary>A UUIDv7: sorts by creation time.</summary>
    public Guid Id { get; } = UuidV7.Next(TimeProvider.System.GetUtcNow());
    public string ReferenceType { get; }
    public string? ReferenceId { get; }
    public string? Description { get; }
    public IReadOnlyList<Entry> Entries { get; }

    /// <summary>The most common transaction: one amount from the debited account to the credited account.</summary>
    public static LedgerTransaction Move(
        decimal cents, string debit, string credit, string referenceType,
        string? referenceId = null, string? description = null) =>
        new(referenceType, referenceId, description, Entry.Debit(debit, cents), Entry.Credit(credit, cents));
}

/// <summary>Thrown for a transaction that does not balance (R1). It is a bug, never a caller's mistake.</summary>
public sealed class UnbalancedTransactionException(string message) : InvalidOperationException(message);
