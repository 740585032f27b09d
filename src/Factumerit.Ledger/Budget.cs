namespace Factumerit.Ledger;

/// <summary>
/// A user's budget as the API returns it. The balance changes in the same commit as the ledger (R3). Amounts are cents.
/// </summary>
public sealed record Budget
{
    public required string UserId { get; init; }

    /// <summary>Credit left, in cents. Negative when the last call crossed zero (R4).</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>Total cost of usage charged to the user, in cents.</summary>
    public required decimal TotalSpentCents { get; init; }

    /// <summary>Total credit added by signup and grants, in cents.</summary>
    public required decimal TotalAddedCents { get; init; }

    /// <summary>Whether a call with a price above 0 is accepted (R4).</summary>
    public bool HasCredit => BalanceCents > 0 && DeletedAt is null;

    /// <summary>When the signup promotion ends, as set at signup; null without one.</summary>
    public DateTimeOffset? PromoExpiresAt { get; init; }

    /// <summary>
    /// When the user signed up; null if a call or a grant opened the budget and the user has not signed up yet (R7).
    /// </summary>
    public DateTimeOffset? SignedUpAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When the user was deleted; null while the budget is open (R11).</summary>
    public DateTimeOffset? DeletedAt { get; init; }
}
