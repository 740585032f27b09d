namespace Factumerit.Ledger.Storage;

/// <summary>A row of <c>ledger_entries</c>. Entries are immutable (R2). All amounts in these rows are cents.</summary>
public sealed class EntryRow
{
    public long Id { get; init; }
    public Guid TransactionId { get; init; }
    public string Account { get; init; } = "";
    public decimal DebitCents { get; init; }
    public decimal CreditCents { get; init; }
    public string? Description { get; init; }
    public string? ReferenceType { get; init; }
    public string? ReferenceId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The actor whose request posted the entry; null for entries from before actors were stored.</summary>
    public int? PostedBy { get; init; }
}

/// <summary>A row of <c>user_budgets</c>, kept in step with the ledger (R3).</summary>
public sealed class BudgetRow
{
    public string UserId { get; init; } = "";
    public decimal BalanceCents { get; init; }
    public decimal TotalSpentCents { get; init; }
    public decimal TotalAddedCents { get; init; }
    public DateTimeOffset? PromoExpiresAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }
    public DateTimeOffset? SignedUpAt { get; init; }
    public decimal OpeningCents { get; init; }

    /// <summary>The part of the total that was spent before the ledger began.</summary>
    public decimal OpeningSpentCents { get; init; }

    /// <summary>The part of the total that was added before the ledger began.</summary>
    public decimal OpeningAddedCents { get; init; }
    public decimal DebitsCents { get; init; }
    public decimal CreditsCents { get; init; }
    public long EntryCount { get; init; }

    /// <summary>The sum of what the user's open holds set aside.</summary>
    public decimal HeldCents { get; init; }

    /// <summary>No open hold expires before this time; null when there is none.</summary>
    public DateTimeOffset? HoldsExpireAt { get; init; }

    /// <summary>Counts the commits that changed the user's holds.</summary>
    public long HoldsVersion { get; init; }
}

/// <summary>A row of <c>budget_transactions</c>, the history of the system before the ledger (R14).</summary>
public sealed class BudgetTransactionRow
{
    public long Id { get; init; }
    public string UserId { get; init; } = "";
    public decimal AmountCents { get; init; }
    public decimal BalanceAfter { get; init; }
    public string TransactionType { get; init; } = "";
    public string? Description { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>
/// A row of <c>usage_aliases</c>: one of the ids under which another system may report a usage (R17).
/// </summary>
public sealed class UsageAliasRow
{
    public string SourceSystem { get; init; } = "";
    public string ExternalId { get; init; } = "";
    public Guid UsageId { get; init; }
}

/// <summary>
/// A row of <c>provider_usage_costs</c>: the cost of all usage of a provider, and the part that was written down (R19).
/// </summary>
public sealed class ProviderUsageCostRow
{
    public string Provider { get; init; } = "";
    public decimal CostUsd { get; init; }
    public decimal WrittenDownCents { get; init; }
}

/// <summary>A row of <c>account_totals</c>: running totals of a system account, or of all users together.</summary>
public sealed class AccountTotalRow
{
    /// <summary>The sum over all users' accounts. No user id can be *.</summary>
    public const string AllUsers = "user:*";

    public string Account { get; init; } = "";
    public decimal DebitsCents { get; set; }
    public decimal CreditsCents { get; set; }
    public long EntryCount { get; set; }
    public decimal BalanceCents => CreditsCents - DebitsCents;

    public void Add(Entry entry)
    {
        DebitsCents += entry.DebitCents;
        CreditsCents += entry.CreditCents;
        EntryCount++;
    }
}

/// <summary>A row of <c>idempotency_keys</c>: the first answer to an operation. It is never deleted (R9).</summary>
public sealed class IdempotencyKeyRow
{
    public string Operation { get; init; } = "";
    public string Key { get; init; } = "";
    public long RequestHash { get; init; }

    /// <summary>The body of the answer, as it was sent.</summary>
    public string Answer { get; init; } = "";

    /// <summary>The HTTP status of the answer; null in rows from before the answer was kept as it was sent.</summary>
    public short? Status { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The only row of <c>ledger_origin</c>: the state of the tables when the ledger began.</summary>
public sealed class OriginRow
{
    public bool Id { get; init; }
    public decimal OpeningCents { get; init; }
    public long LastEntryId { get; init; }
    public long LastBudgetTransactionId { get; init; }
    public DateTimeOffset BeganAt { get; init; }
}

/// <summary>A row of <c>ledger_faults</c>: a fault found by a check. It stands until an admin resolves it.</summary>
public sealed class FaultRow
{
    public long Id { get; init; }
    public DateTimeOffset FoundAt { get; init; }
    public DateTimeOffset LastSeenAt { get; init; }
    public DateTimeOffset? ResolvedAt { get; init; }
    public string Kind { get; init; } = "";
    public string Subject { get; init; } = "";
    public string Detail { get; init; } = "";
    public string? ResolvedBy { get; init; }
    public string? Reason { get; init; }
}

/// <summary>A row of the view <c>account_balances</c>.</summary>
public sealed class AccountBalanceRow
{
    public string Account { get; init; } = "";
    public decimal BalanceCents { get; init; }
    public decimal TotalDebits { get; init; }
    public decimal TotalCredits { get; init; }
    public long EntryCount { get; init; }
}

/// <summary>A row of the view <c>user_ledger_balances</c>.</summary>
public sealed class UserLedgerBalanceRow
{
    public string UserId { get; init; } = "";
    public decimal BalanceCents { get; init; }
}

/// <summary>The only row of the view <c>ledger_integrity</c>.</summary>
public sealed class LedgerIntegrityRow
{
    public decimal TotalDebits { get; init; }
    public decimal TotalCredits { get; init; }
    public decimal Imbalance { get; init; }
}
