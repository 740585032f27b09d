using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>The entries of the ledger (<c>ledger_entries</c>), never changed (R2).</summary>
internal sealed class Entries(IModel model) : InsertedRows<EntryRow>(model)
{
    protected override List<EntryRow> Added(WorkingSet set) => set.NewEntries;

    public override Proof? ProofOf(WorkingSet set) => set.NewEntries is [var entry, ..]
        ? Proof.Exists(Rows.Table, $"{Rows[nameof(EntryRow.TransactionId)]} = $1", entry.TransactionId)
        : null;
}
