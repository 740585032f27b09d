namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Whether the books balance: debits equal credits, and no rule is broken. Amounts are cents. Faults: those found now,
/// and earlier ones that are not resolved. FullyCheckedAt: when the background check last read everything from the
/// first entry on; later checks read only what came after.
/// </summary>
public sealed record IntegrityReport(
    bool IsBalanced, decimal TotalDebits, decimal TotalCredits, decimal Imbalance, long EntryCount,
    long TransactionCount, IReadOnlyList<IntegrityFault> Faults, DateTimeOffset? FullyCheckedAt);

/// <summary>A broken rule. Kind names the kind of fault, id the transaction, user or account.</summary>
public sealed record IntegrityFault(string Kind, string Id, string Detail)
{
    /// <summary>The id for POST /ledger/faults/{id}/resolve; null until a background check has found it.</summary>
    public long? FaultId { get; init; }

    /// <summary>When a background check first found it.</summary>
    public DateTimeOffset? FoundAt { get; init; }

    /// <summary>Whether this check was the first to find it. Only the service knows, for its log.</summary>
    internal bool IsNew { get; init; }
}

/// <summary>A fault as a background check stores it. Id names the transaction, user or account.</summary>
public sealed record KeptFault(
    long FaultId, string Kind, string Id, string Detail, DateTimeOffset FoundAt, DateTimeOffset LastSeenAt,
    DateTimeOffset? ResolvedAt, string? ResolvedBy, string? Reason);

/// <summary>
/// A page of faults, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record FaultPage(IReadOnlyList<KeptFault> Faults, long? NextBefore);

/// <summary>The body of POST /ledger/faults/{id}/resolve: why the fault is resolved.</summary>
public sealed record ResolveRequest
{
    /// <summary>What was done about it, as a text for people, 1 to 1000 characters.</summary>
    public string? Reason { get; init; }
}
