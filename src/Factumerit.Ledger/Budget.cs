namespace Factumerit.Ledger;

/// <summary>A user's budget as answered: the balance kept in step with the ledger, in the same commit (R3). Amounts are cents.</summary>
public sealed record Budget
{
    public required string UserId { get; init; }

    /// <summary>Credit left, in cents. Negative when the last call crossed zero (R4).</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>All that usage has cost the user, in cents.</summary>
    public required decimal TotalSpentCents { get; init; }

    /// <summary>All that signup and grants have added, in cents.</summary>
    public required decimal TotalAddedCents { get; init; }

    /// <summary>Whether the next call that costs something will be accepted (R4).</summary>
    public bool HasCredit => BalanceCents > 0 && DeletedAt is null;

    /// <summary>When the signup promotion ends, as told at signup; null without one.</summary>
    public DateTimeOffset? PromoExpiresAt { get; init; }

    /// <summary>When the user signed up; null while only calls or grants have opened the budget (R7).</summary>
    public DateTimeOffset? SignedUpAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When the user was deleted; null while the budget is open (R11).</summary>
    public DateTimeOffset? DeletedAt { get; init; }
}
