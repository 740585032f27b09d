using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The running totals of the system accounts and of all users together (<c>account_totals</c>). Postings add to them
/// without reading them. Each change goes with entries, which prove the commit.
/// </summary>
internal sealed class AccountTotals : Table
{
    private readonly RowMap<AccountTotalRow> _rows;
    private readonly SetStatement<AccountTotalRow> _add;

    public AccountTotals(IModel model)
    {
        _rows = new(model);
        _add = _rows.InsertOrAdd(
            nameof(AccountTotalRow.DebitsCents), nameof(AccountTotalRow.CreditsCents),
            nameof(AccountTotalRow.EntryCount));
    }

    public override IEnumerable<RowQuery> Load(Needs needs) => needs.Totals
        ? [RowQuery.Of(
            $"SELECT {_rows.Columns("t")} FROM {_rows.Table} t", (set, reader) => set.Load(_rows.Read(reader)))]
        : [];

    public override bool HasChanges(WorkingSet set) => set.TotalChanges.Count > 0;

    public override void Save(NpgsqlBatch batch, WorkingSet set) => _add.AddTo(batch, set.TotalChanges.Values);
}
