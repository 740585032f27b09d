namespace Factumerit.Ledger.Contracts;

/// <summary>
/// One entry as returned to clients. Amounts are cents. Either the debit or the credit is positive, the other 0 (R2).
/// </summary>
/// <param name="Id">The id; ids increase in the order of commits (R13).</param>
/// <param name="TransactionId">The transaction; its entries balance.</param>
/// <param name="Account">An account of the chart of accounts.</param>
/// <param name="DebitCents">The debit, or 0.</param>
/// <param name="CreditCents">The credit, or 0.</param>
/// <param name="Description">A text for people.</param>
/// <param name="ReferenceType">The operation.</param>
/// <param name="ReferenceId">The request, admin or invoice that caused it.</param>
/// <param name="CreatedAt">When it was committed.</param>
/// <param name="PostedBy">The actor whose request posted it; null for entries from before actors were stored.</param>
public sealed record LedgerEntry(
    long Id, Guid TransactionId, string Account, decimal DebitCents, decimal CreditCents,
    string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt, ActorName? PostedBy);

/// <summary>
/// A page of entries, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record EntryPage(IReadOnlyList<LedgerEntry> Entries, long? NextBefore);

/// <summary>
/// A transaction with its entries. PostedBy: the actor whose request posted it; null from before actors were stored.
/// </summary>
public sealed record TransactionDetail(
    Guid TransactionId, string? Description, string? ReferenceType, string? ReferenceId, DateTimeOffset CreatedAt,
    ActorName? PostedBy, IReadOnlyList<LedgerEntry> Entries);
