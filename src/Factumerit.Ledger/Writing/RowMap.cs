using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The table of a row class as the EF model describes it, and the set-based statements on it. Each statement takes all
/// of its rows as one array per column, so the number of statements does not grow with the number of rows. Table and
/// column names come from the model. An insert reads, for example:
/// <code>INSERT INTO t (a, created_at) SELECT r.a, r.created_at FROM (SELECT unnest($1) AS a, $2 AS created_at) AS r
/// </code>
/// </summary>
internal sealed class RowMap<TRow>
    where TRow : class
{
    private readonly Func<TRow> _create = Expression.Lambda<Func<TRow>>(Expression.New(typeof(TRow))).Compile();
    private readonly IReadOnlyList<RowColumn<TRow>> _columns;
    private readonly IReadOnlyList<RowColumn<TRow>> _key;

    public RowMap(IModel model)
    {
        var type = model.FindEntityType(typeof(TRow))
            ?? throw new InvalidOperationException($"{typeof(TRow).Name} is not in the EF model.");
        Table = type.GetTableName()!;
        var store = StoreObjectIdentifier.Table(Table, type.GetSchema());
        _columns = [.. type.GetProperties().Select(property => RowColumn<TRow>.Of(property, store))];
        _key = [.. type.FindPrimaryKey()!.Properties.Select(property => Find(property.Name))];
    }

    public string Table { get; }

    /// <summary>The name of a property's column.</summary>
    public string this[string property] => Find(property).Name;

    /// <summary>The columns of a whole row, in the order in which <see cref="Read"/> expects them.</summary>
    public string Columns(string alias) => string.Join(", ", _columns.Select(column => $"{alias}.{column.Name}"));

    /// <summary>Reads the row that <see cref="Columns"/> selected at the start of the result.</summary>
    public TRow Read(NpgsqlDataReader reader)
    {
        var row = _create();
        for (var i = 0; i < _columns.Count; i++)
            _columns[i].Read(reader, i, row);
        return row;
    }

    /// <summary>Inserts rows. Omitted columns get their defaults; the database numbers identity columns.</summary>
    public SetStatement<TRow> Insert(params string[] omitted)
    {
        RowColumn<TRow>[] columns = [.. _columns.Where(c => !c.IsIdentity && !omitted.Contains(c.Property))];
        return new(
            $"INSERT INTO {Table} ({Names(columns)}) SELECT {Values(columns)} FROM {Rows(columns)}", columns);
    }

    /// <summary>
    /// Adds to existing rows, or inserts them. Rows of the same key are summed up in the database, because a sum may
    /// have more digits than a decimal.
    /// </summary>
    public SetStatement<TRow> InsertOrAdd(params string[] amounts)
    {
        RowColumn<TRow>[] added = [.. amounts.Select(Find)];
        RowColumn<TRow>[] columns = [.. _key, .. added];
        return new(
            $"""
            INSERT INTO {Table} AS t ({Names(columns)})
            SELECT {Names(_key)}, {List(added, c => $"sum(r.{c.Name})")} FROM {Rows(columns)} GROUP BY {Names(_key)}
            ON CONFLICT ({Names(_key)}) DO UPDATE SET {List(added, c => $"{c.Name} = t.{c.Name} + excluded.{c.Name}")}
            """,
            columns);
    }

    /// <summary>Sets these columns of existing rows, found by primary key. All rows must exist.</summary>
    public SetStatement<TRow> Update(params string[] properties)
    {
        RowColumn<TRow>[] changed = [.. properties.Select(Find)];
        return Update([.. _key, .. changed], List(changed, c => $"{c.Name} = r.{c.Name}"), "");
    }

    /// <summary>
    /// Adds amounts to existing rows and sets other columns, but only of rows that still have the expected value. If a
    /// row does not, the statement fails and aborts the transaction.
    /// </summary>
    /// <param name="amounts">The properties whose values are added.</param>
    /// <param name="set">The properties whose values are set.</param>
    /// <param name="expected">The properties that must still have the values that are sent with the row.</param>
    /// <param name="condition">A further condition on the stored row t, in SQL.</param>
    public SetStatement<TRow> Add(string[] amounts, string[] set, string[] expected, string condition)
    {
        RowColumn<TRow>[] added = [.. amounts.Select(Find)];
        RowColumn<TRow>[] assigned = [.. set.Select(Find)];
        return Update(
            [.. _key, .. added, .. assigned],
            List(added, c => $"{c.Name} = t.{c.Name} + r.{c.Name}")
                + string.Concat(assigned.Select(c => $", {c.Name} = r.{c.Name}")),
            string.Concat(expected.Select(name => $" AND t.{this[name]} = r.expected_{this[name]}"))
                + $" AND {condition}",
            [.. expected.Select(name => $"expected_{this[name]}")]);
    }

    // Casting text that is not a number raises 22P02, which aborts the transaction: nothing is saved.
    private SetStatement<TRow> Update(
        RowColumn<TRow>[] columns, string changes, string condition, string[]? further = null) => new(
        $"""
        WITH changed AS (
            UPDATE {Table} t SET {changes} FROM {Rows(columns, further ?? [])}
            WHERE {string.Join(" AND ", _key.Select(k => $"t.{k.Name} = r.{k.Name}"))}{condition}
            RETURNING 1)
        SELECT CASE WHEN count(*) <> cardinality($1)
                    THEN ('stale: ' || count(*) || ' of ' || cardinality($1) || ' rows of {Table}')::integer END
        FROM changed
        """,
        columns);

    private RowColumn<TRow> Find(string property) => _columns.Single(column => column.Property == property);

    private static string Names(IEnumerable<RowColumn<TRow>> columns) => List(columns, column => column.Name);

    private static string Values(IEnumerable<RowColumn<TRow>> columns) =>
        List(columns, column => $"r.{column.Name}{column.Cast}");

    // The arrays are of the same length, so unnest takes them apart in step and in their order: identity columns follow
    // the order of the decisions (R13). In the select list it passes each row on, whereas in FROM it would first store
    // all of them, which costs about 1.5 µs per row.
    private static string Rows(RowColumn<TRow>[] columns, params string[] further)
    {
        var values = columns.Select((column, i) => (column.IsShared ? $"${i + 1}" : $"unnest(${i + 1})", column.Name))
            .Concat(further.Select((name, i) => ($"unnest(${columns.Length + i + 1})", name)));
        return $"(SELECT {string.Join(", ", values.Select(value => $"{value.Item1} AS {value.Item2}"))}) AS r";
    }

    private static string List(IEnumerable<RowColumn<TRow>> columns, Func<RowColumn<TRow>, string> text) =>
        string.Join(", ", columns.Select(text));
}

/// <summary>A statement on many rows. Its text is fixed, so the server prepares it once.</summary>
internal sealed class SetStatement<TRow>(string sql, IReadOnlyList<RowColumn<TRow>> columns)
{
    public string Sql => sql;

    /// <summary>Adds the statement to the batch; does nothing without rows.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="expected">The values that each stored row must still have, for a statement that checks them: one
    /// array per column.</param>
    public void AddTo(
        NpgsqlBatch batch, IReadOnlyCollection<TRow> rows, params ReadOnlySpan<NpgsqlParameter> expected)
    {
        if (rows.Count == 0)
            return;
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in columns)
            command.Parameters.Add(column.Parameter(rows));
        foreach (var values in expected)
            command.Parameters.Add(values);
        batch.BatchCommands.Add(command);
    }
}
