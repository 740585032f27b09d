using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The users' budgets (<c>user_budgets</c>). Their rows are locked in the order of the user ids. Postings add to a
/// budget only while it has the balance and the holds on which the commands decided, and while no entry is younger than
/// the commit.
/// </summary>
internal sealed class Budgets : Table
{
    private readonly RowMap<BudgetRow> _rows;
    private readonly string _query;
    private readonly SetStatement<BudgetRow> _insert;
    private readonly SetStatement<BudgetRow> _spend;
    private readonly SetStatement<BudgetRow> _move;
    private readonly SetStatement<BudgetRow> _change;

    public Budgets(IModel model)
    {
        _rows = new(model);
        var userId = _rows[nameof(BudgetRow.UserId)];
        _query = $"""
            SELECT {_rows.Columns("b")} FROM {_rows.Table} b WHERE b.{userId} = ANY ($1)
            ORDER BY b.{userId} FOR NO KEY UPDATE
            """;
        _insert = _rows.Insert();
        // Nearly all users of a commit only spend, so most commits send fewer columns.
        string[] spent =
        [
            nameof(BudgetRow.BalanceCents), nameof(BudgetRow.TotalSpentCents), nameof(BudgetRow.DebitsCents),
            nameof(BudgetRow.EntryCount),
        ];
        _spend = Add(spent, nameof(BudgetRow.UpdatedAt));
        _move = Add(
            [
                .. spent, nameof(BudgetRow.TotalAddedCents), nameof(BudgetRow.CreditsCents),
                nameof(BudgetRow.HeldCents),
            ],
            nameof(BudgetRow.UpdatedAt), nameof(BudgetRow.HoldsExpireAt), nameof(BudgetRow.HoldsVersion));
        _change = _rows.Update(
            nameof(BudgetRow.PromoExpiresAt), nameof(BudgetRow.SignedUpAt), nameof(BudgetRow.DeletedAt),
            nameof(BudgetRow.UpdatedAt));
    }

    public override IEnumerable<RowQuery> Load(Needs needs) => needs.Users.Count == 0
        ? []
        : [RowQuery.Of(_query, (set, reader) => set.Load(UserAccount.Of(_rows.Read(reader))), needs.Users.ToArray())];

    public override bool HasChanges(WorkingSet set) => set.ChangedUsers.Count > 0;

    public override void Save(NpgsqlBatch batch, WorkingSet set)
    {
        var (opened, moved, changed) = (new List<BudgetRow>(), new List<UserAccount>(), new List<BudgetRow>());
        foreach (var user in set.ChangedUsers)
        {
            if (user.IsNew)
                opened.Add(user.ToRow());
            else if (user.EntryCount > 0 || user.Held.HasChanged)
                moved.Add(user);
            if (!user.IsNew && (user.IsDeleted || user.SignsUp))
                changed.Add(user.ToRow());
        }
        (moved.TrueForAll(user => user.HasOnlySpent) ? _spend : _move).AddTo(
            batch, moved.ConvertAll(user => user.ToChange()),
            Expected(moved, user => user.LoadedBalanceCents!.Value), Expected(moved, user => user.Held.LoadedVersion));
        _insert.AddTo(batch, opened);
        _change.AddTo(batch, changed);
    }

    // Signing up and deleting happen once.
    public override Proof? ProofOf(WorkingSet set) =>
        set.ChangedUsers.FirstOrDefault(u => u.SignsUp || u.DeletedAt == set.Now) is { } user
            ? Proof.ByTime(
                _rows.Table,
                $"{_rows[nameof(BudgetRow.UserId)]} = $1 AND $2 IN "
                + $"({_rows[nameof(BudgetRow.SignedUpAt)]}, {_rows[nameof(BudgetRow.DeletedAt)]})",
                user.UserId, set.Now)
            : null;

    private static NpgsqlParameter<T[]> Expected<T>(List<UserAccount> users, Func<UserAccount, T> value) =>
        new() { TypedValue = [.. users.Select(value)] };

    private SetStatement<BudgetRow> Add(string[] amounts, params string[] set) => _rows.Add(
        amounts, set, expected: [nameof(BudgetRow.BalanceCents), nameof(BudgetRow.HoldsVersion)],
        // The estimated time of a commit on remembered budgets must not be before that of the newest entry (R13).
        $"t.{_rows[nameof(BudgetRow.DeletedAt)]} IS NULL "
        + $"AND r.{_rows[nameof(BudgetRow.UpdatedAt)]} >= {LedgerOrigin.NewestEntryTime}");
}
