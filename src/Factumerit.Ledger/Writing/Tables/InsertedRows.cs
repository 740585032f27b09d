using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>A table whose rows are only ever added.</summary>
internal abstract class InsertedRows<TRow>(IModel model) : Table
    where TRow : class
{
    private SetStatement<TRow>? _insert;

    protected RowMap<TRow> Rows { get; } = new(model);

    /// <summary>The rows that the commit adds, in the order of the decisions.</summary>
    protected abstract List<TRow> Added(WorkingSet set);

    public sealed override bool HasChanges(WorkingSet set) => Added(set).Count > 0;

    public sealed override void Save(NpgsqlBatch batch, WorkingSet set) =>
        (_insert ??= Rows.Insert()).AddTo(batch, Added(set));
}
