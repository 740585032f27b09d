namespace Factumerit.Ledger;

/// <summary>
/// A user's budget while commands decide: loaded and locked by the writer, or remembered by it and proven by the commit; what the commit moves is
/// saved with it. The balance changes only through <see cref="LedgerState.Post"/>, so it can't leave the ledger's side (R3).
/// </summary>
public sealed class UserAccount
{
    public required string UserId { get; init; }
    public decimal BalanceCents { get; set; }

    /// <summary>The balance before this commit; null for a user whom this commit brings.</summary>
    public decimal? LoadedBalanceCents { get; private set; }
    public decimal TotalSpentCents { get; set; }
    public decimal TotalAddedCents { get; set; }

    /// <summary>What of <see cref="TotalSpentCents"/> came in this commit.</summary>
    public decimal SpentCents { get; private set; }

    /// <summary>What of <see cref="TotalAddedCents"/> came in this commit.</summary>
    public decimal AddedCents { get; private set; }

    /// <summary>What this commit debits to the user in the ledger. The reports show the sum over all commits, without adding up entries.</summary>
    public decimal DebitsCents { get; private set; }

    /// <summary>What this commit credits to the user in the ledger.</summary>
    public decimal CreditsCents { get; private set; }

    /// <summary>The user's entries of this commit.</summary>
    public long EntryCount { get; private set; }

    /// <summary>Set by the signup, and never after.</summary>
    public DateTimeOffset? PromoExpiresAt { get; set; }

    /// <summary>When the user signed up; null while only calls or grants have opened the budget (R7).</summary>
    public DateTimeOffset? SignedUpAt { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }
    public DateTimeOffset? DeletedAt { get; set; }

    public bool IsDeleted => DeletedAt is not null;

    /// <summary>This commit opened the budget.</summary>
    public bool IsNew => LoadedBalanceCents is null;

    /// <summary>This commit signs the user up.</summary>
    public bool SignsUp { get; private set; }

    /// <summary>Whether this commit used the credit up, or brought credit back: the user's keys follow (R20).</summary>
    public bool HasCrossedZero => LoadedBalanceCents is { } before && before > 0 != BalanceCents > 0;

    /// <summary>This commit takes what was spent from the balance, and does nothing else to it.</summary>
    public bool HasOnlySpent => AddedCents == 0 && CreditsCents == 0 && DebitsCents == SpentCents;

    /// <summary>The user is there, and a commit begins.</summary>
    public void BeginCommit()
    {
        LoadedBalanceCents = BalanceCents;
        SpentCents = AddedCents = DebitsCents = CreditsCents = EntryCount = 0;
        SignsUp = false;
    }

    /// <summary>The user signs up, once (R7).</summary>
    public void SignUp(DateTimeOffset now, DateTimeOffset? promoExpiresAt)
    {
        SignedUpAt = now;
        PromoExpiresAt = promoExpiresAt ?? PromoExpiresAt;
        SignsUp = true;
    }

    /// <summary>What was posted was spent.</summary>
    public void Spend(decimal cents)
    {
        TotalSpentCents += cents;
        SpentCents += cents;
    }

    /// <summary>What was posted was credit that came in.</summary>
    public void AddCredit(decimal cents)
    {
        TotalAddedCents += cents;
        AddedCents += cents;
    }

    /// <summary>Moves the balance along with the ledger; only <see cref="LedgerState.Post"/> does.</summary>
    public void Post(Entry entry)
    {
        BalanceCents += entry.CreditCents - entry.DebitCents;
        DebitsCents += entry.DebitCents;
        CreditsCents += entry.CreditCents;
        EntryCount++;
    }

    /// <summary>
    /// Whether the balance stays within numeric(20,7). Lifetime totals hold more than 10^9 of the largest operations.
    /// </summary>
    public bool CanSpend(decimal cents) => BalanceCents - cents >= -Money.BalanceCentsMax;

    /// <summary>Whether the balance stays within numeric(20,7).</summary>
    public bool CanAdd(decimal cents) => BalanceCents + cents <= Money.BalanceCentsMax;

    public Budget ToBudget() => new()
    {
        UserId = UserId,
        BalanceCents = BalanceCents,
        TotalSpentCents = TotalSpentCents,
        TotalAddedCents = TotalAddedCents,
        PromoExpiresAt = PromoExpiresAt,
        SignedUpAt = SignedUpAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        DeletedAt = DeletedAt,
    };
}
