using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger;

/// <summary>
/// A user's budget while commands decide. The writer loaded and locked it, or took it from its cache for the commit to
/// verify. The commit saves the amounts that it moved. The balance changes only through <see cref="WorkingSet.Post"/>,
/// so it always agrees with the ledger (R3).
/// </summary>
public sealed class UserAccount
{
    public required string UserId { get; init; }
    public decimal BalanceCents { get; set; }

    /// <summary>The balance before this commit; null for a user whose budget this commit opens.</summary>
    public decimal? LoadedBalanceCents { get; private set; }
    public decimal TotalSpentCents { get; set; }
    public decimal TotalAddedCents { get; set; }

    /// <summary>What the user's holds set aside.</summary>
    public HeldCredit Held { get; private init; } = new();

    /// <summary>What is set aside now (R23).</summary>
    public decimal HeldCents => Held.Cents;

    /// <summary>The credit that calls and new holds may use (R21).</summary>
    public decimal AvailableCents => BalanceCents - HeldCents;

    /// <summary>The part of <see cref="TotalSpentCents"/> from this commit.</summary>
    public decimal SpentCents { get; private set; }

    /// <summary>The part of <see cref="TotalAddedCents"/> from this commit.</summary>
    public decimal AddedCents { get; private set; }

    /// <summary>
    /// The debits of this commit to the user's account. The sum over all commits is stored, so reports need not add up
    /// entries.
    /// </summary>
    public decimal DebitsCents { get; private set; }

    /// <summary>The credits of this commit to the user's account.</summary>
    public decimal CreditsCents { get; private set; }

    /// <summary>The number of the user's entries in this commit.</summary>
    public long EntryCount { get; private set; }

    /// <summary>Set at signup, and never changed afterwards.</summary>
    public DateTimeOffset? PromoExpiresAt { get; set; }

    /// <summary>
    /// When the user signed up; null if a call or a grant opened the budget and the user has not signed up yet (R7).
    /// </summary>
    public DateTimeOffset? SignedUpAt { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }
    public DateTimeOffset? DeletedAt { get; set; }

    public bool IsDeleted => DeletedAt is not null;

    /// <summary>This commit opened the budget.</summary>
    public bool IsNew => LoadedBalanceCents is null;

    /// <summary>This commit signs the user up.</summary>
    public bool SignsUp { get; private set; }

    /// <summary>
    /// Whether this commit used up the credit or brought it back. The user's virtual keys are then blocked or unblocked
    /// (R20).
    /// </summary>
    public bool HasCrossedZero => LoadedBalanceCents is { } before && before > 0 != BalanceCents > 0;

    /// <summary>Whether spending is this commit's only change to the row.</summary>
    public bool HasOnlySpent =>
        AddedCents == 0 && CreditsCents == 0 && DebitsCents == SpentCents && !Held.HasChanged;

    /// <summary>Resets the amounts of the commit, for a user who exists already.</summary>
    public void BeginCommit()
    {
        LoadedBalanceCents = BalanceCents;
        SpentCents = AddedCents = DebitsCents = CreditsCents = EntryCount = 0;
        SignsUp = false;
        Held.BeginCommit();
    }

    /// <summary>Marks the row as changed by a commit of this time; called only by <see cref="WorkingSet"/>.</summary>
    internal void Touch(DateTimeOffset now)
    {
        UpdatedAt = now;
        Held.SaveCorrection();
    }

    /// <summary>Signs the user up, once (R7).</summary>
    public void SignUp(DateTimeOffset now, DateTimeOffset? promoExpiresAt)
    {
        SignedUpAt = now;
        PromoExpiresAt = promoExpiresAt ?? PromoExpiresAt;
        SignsUp = true;
    }

    /// <summary>Counts a posted amount as spent.</summary>
    public void Spend(decimal cents)
    {
        TotalSpentCents += cents;
        SpentCents += cents;
    }

    /// <summary>Counts a posted amount as added credit.</summary>
    public void AddCredit(decimal cents)
    {
        TotalAddedCents += cents;
        AddedCents += cents;
    }

    /// <summary>Applies an entry of the ledger to the balance; called only by <see cref="WorkingSet.Post"/>.</summary>
    public void Post(Entry entry)
    {
        BalanceCents += entry.CreditCents - entry.DebitCents;
        DebitsCents += entry.DebitCents;
        CreditsCents += entry.CreditCents;
        EntryCount++;
    }

    /// <summary>
    /// Whether the balance stays within numeric(20,7). The lifetime totals need no check: they have room for more than
    /// 10^9 operations of the largest amount.
    /// </summary>
    public bool CanSpend(decimal cents) => BalanceCents - cents >= -Money.BalanceCentsMax;

    /// <summary>Whether the balance stays within numeric(20,7).</summary>
    public bool CanAdd(decimal cents) => BalanceCents + cents <= Money.BalanceCentsMax;

    /// <summary>The budget as it was loaded.</summary>
    internal static UserAccount Of(BudgetRow row) => new()
    {
        UserId = row.UserId,
        BalanceCents = row.BalanceCents,
        TotalSpentCents = row.TotalSpentCents,
        TotalAddedCents = row.TotalAddedCents,
        PromoExpiresAt = row.PromoExpiresAt,
        SignedUpAt = row.SignedUpAt,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        DeletedAt = row.DeletedAt,
        Held = new(row.HeldCents, row.HoldsExpireAt, row.HoldsVersion),
    };

    /// <summary>The row of a budget that this commit opens; of another one, the values that are set.</summary>
    internal BudgetRow ToRow() => new()
    {
        UserId = UserId,
        BalanceCents = BalanceCents,
        TotalSpentCents = TotalSpentCents,
        TotalAddedCents = TotalAddedCents,
        PromoExpiresAt = PromoExpiresAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        DeletedAt = DeletedAt,
        SignedUpAt = SignedUpAt,
        DebitsCents = DebitsCents,
        CreditsCents = CreditsCents,
        EntryCount = EntryCount,
        HeldCents = Held.StoredCents,
        HoldsExpireAt = Held.ExpireAt,
        HoldsVersion = Held.Version,
    };

    /// <summary>The amounts by which this commit changes the row.</summary>
    internal BudgetRow ToChange() => new()
    {
        UserId = UserId,
        BalanceCents = CreditsCents - DebitsCents,
        TotalSpentCents = SpentCents,
        TotalAddedCents = AddedCents,
        DebitsCents = DebitsCents,
        CreditsCents = CreditsCents,
        EntryCount = EntryCount,
        UpdatedAt = UpdatedAt,
        HeldCents = Held.ChangeCents,
        HoldsExpireAt = Held.ExpireAt,
        HoldsVersion = Held.Version,
    };

    public Budget ToBudget() => new()
    {
        UserId = UserId,
        BalanceCents = BalanceCents,
        HeldCents = HeldCents,
        TotalSpentCents = TotalSpentCents,
        TotalAddedCents = TotalAddedCents,
        PromoExpiresAt = PromoExpiresAt,
        SignedUpAt = SignedUpAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        DeletedAt = DeletedAt,
    };
}
