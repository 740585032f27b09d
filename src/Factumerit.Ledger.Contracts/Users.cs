namespace Factumerit.Ledger.Contracts;

/// <summary>The signup of a user, with or without free credit. Request body of POST /users.</summary>
public sealed record SignupRequest
{
    /// <summary>1 to 200 characters of letters, digits and @ . _ : + = -, for example vikunja:alice.</summary>
    public string? UserId { get; init; }

    /// <summary>
    /// Credit given away at signup, in cents, at most 10^12, with at most 7 decimals. Needs headroom.
    /// </summary>
    public decimal InitialCreditCents { get; init; }

    /// <summary>Days until the promotion ends, 1 to 3650; stored with the budget.</summary>
    public int? PromoTtlDays { get; init; }

    /// <summary>For tests: gives the credit even if provider credit does not cover it.</summary>
    public bool OverrideHeadroomCheck { get; init; }
}

/// <summary>
/// A user's budget as the API returns it. The balance changes in the same commit as the ledger (R3). Amounts are cents.
/// </summary>
public sealed record Budget
{
    public required string UserId { get; init; }

    /// <summary>Credit left, in cents. Negative when the last call crossed zero (R4).</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>What open holds set aside, in cents (R21).</summary>
    public decimal HeldCents { get; init; }

    /// <summary>What calls and new holds may use, in cents: the balance less what is held (R21).</summary>
    public decimal AvailableCents => BalanceCents - HeldCents;

    /// <summary>Total cost of usage charged to the user, in cents.</summary>
    public required decimal TotalSpentCents { get; init; }

    /// <summary>Total credit added by signup and grants, in cents.</summary>
    public required decimal TotalAddedCents { get; init; }

    /// <summary>Whether a call with a price above 0 is accepted without a hold (R4).</summary>
    public bool HasCredit => AvailableCents > 0 && DeletedAt is null;

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

/// <summary>A page of budgets by user_id. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record BudgetPage(IReadOnlyList<Budget> Users, string? NextAfter);

/// <summary>The effect of a deletion on the balance. Amounts are cents.</summary>
/// <param name="UserId">The user whose budget is closed.</param>
/// <param name="ForfeitedCents">Remaining credit, which is reclaimed.</param>
/// <param name="WrittenOffCents">Remaining debt, which is written off.</param>
/// <param name="TransactionId">The transaction that moved the balance; null when the balance was 0 or the user was
/// already deleted.</param>
public sealed record Deletion(string UserId, decimal ForfeitedCents, decimal WrittenOffCents, Guid? TransactionId);

/// <summary>
/// A row of the history in the format of the system before the ledger. AmountCents is signed: positive adds credit.
/// </summary>
public sealed record BudgetTransaction(
    long Id, string UserId, decimal AmountCents, decimal BalanceAfter, string TransactionType, string? Description,
    DateTimeOffset CreatedAt);

/// <summary>
/// A page of that history, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record BudgetTransactionPage(IReadOnlyList<BudgetTransaction> Transactions, long? NextBefore);
