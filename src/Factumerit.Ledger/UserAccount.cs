namespace Factumerit.Ledger;

/// <summary>
/// A user's budget while commands decide: loaded and locked by the writer, changed in memory, written back with the commit. The balance
/// changes only through <see cref="LedgerState.Post"/>, so it can't leave the ledger's side (R3).
/// </summary>
public sealed class UserAccount
{
    public required string UserId { get; init; }
    public decimal BalanceCents { get; set; }

    /// <summary>The balance before this commit; null for a user whom this commit brings.</summary>
    public decimal? LoadedBalanceCents { get; set; }
    public decimal TotalSpentCents { get; set; }
    public decimal TotalAddedCents { get; set; }

    /// <summary>Sum of this user's debits in the ledger: what the reports show without adding up entries.</summary>
    public decimal DebitsCents { get; set; }

    /// <summary>Sum of this user's credits in the ledger.</summary>
    public decimal CreditsCents { get; set; }
    public long EntryCount { get; set; }

    /// <summary>Set when the budget is opened, and never after.</summary>
    public DateTimeOffset? PromoExpiresAt { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }
    public DateTimeOffset? DeletedAt { get; set; }

    public bool IsDeleted => DeletedAt is not null;

    /// <summary>This commit opened the budget.</summary>
    public bool IsNew => LoadedBalanceCents is null;

    /// <summary>Whether this commit used the credit up, or brought credit back: the user's keys follow (R20).</summary>
    public bool HasCrossedZero => LoadedBalanceCents is { } before && before > 0 != BalanceCents > 0;

    /// <summary>Whether spending or adding this much keeps every figure within numeric(20,7), whichever way it goes.</summary>
    public bool CanMove(decimal cents) =>
        Math.Abs(BalanceCents) + cents <= Money.BalanceCentsMax
        && TotalSpentCents + cents <= Money.BalanceCentsMax
        && TotalAddedCents + cents <= Money.BalanceCentsMax;

    public Budget ToBudget() => new()
    {
        UserId = UserId,
        BalanceCents = BalanceCents,
        TotalSpentCents = TotalSpentCents,
        TotalAddedCents = TotalAddedCents,
        PromoExpiresAt = PromoExpiresAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        DeletedAt = DeletedAt,
    };
}
