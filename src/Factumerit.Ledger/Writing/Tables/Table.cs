using Factumerit.Ledger.Commands;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// A table that commits change: how its rows are loaded for a commit, how changes are saved, and which row proves that
/// a doubtful commit happened. The writer goes through <see cref="LedgerTables"/>; a new table is a class here and a
/// line there.
/// </summary>
internal abstract class Table
{
    /// <summary>The queries for the rows that the commands need. All tables share one round trip.</summary>
    public virtual IEnumerable<RowQuery> Load(Needs needs) => [];

    /// <summary>What the loaded rows make necessary in a second round trip.</summary>
    public virtual void AddNeeds(WorkingSet loaded, Needs first, Needs more)
    {
    }

    /// <summary>Whether the commit changes the table.</summary>
    public abstract bool HasChanges(WorkingSet set);

    /// <summary>Adds the statements that save the changes.</summary>
    public abstract void Save(NpgsqlBatch batch, WorkingSet set);

    /// <summary>
    /// A row that only this commit can have written, or null. One row is enough, because a commit is atomic.
    /// </summary>
    public virtual Proof? ProofOf(WorkingSet set) => null;
}

/// <summary>A query of the round trip that loads a commit's rows, and what takes each of its rows.</summary>
internal sealed record RowQuery(NpgsqlBatchCommand Command, Action<WorkingSet, NpgsqlDataReader> Take)
{
    /// <summary>A query whose parameters are arrays of keys.</summary>
    public static RowQuery Of(string sql, Action<WorkingSet, NpgsqlDataReader> take, params Array[] keys)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var array in keys)
            command.Parameters.Add(new() { Value = array });
        return new(command, take);
    }
}

/// <summary>A query that returns whether a row exists which proves a commit.</summary>
internal sealed record Proof(string Sql, params object[] Values)
{
    /// <summary>
    /// Whether another commit could look the same: one with the same time, which is possible while the newest entry is
    /// ahead of the clock, or one that removed the same rows. Such a proof serves only if the commit has no other.
    /// </summary>
    public bool IsIndirect { get; init; }

    /// <summary>A row with an id that only this commit can have made.</summary>
    public static Proof Exists(string table, string condition, params object[] values) =>
        new($"SELECT EXISTS (SELECT FROM {table} WHERE {condition})", values);

    /// <summary>A row that has the time of the commit.</summary>
    public static Proof ByTime(string table, string condition, params object[] values) =>
        Exists(table, condition, values) with { IsIndirect = true };

    public async Task<bool> HoldsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        foreach (var value in Values)
            command.Parameters.Add(new() { Value = value });
        return (bool)(await command.ExecuteScalarAsync())!;
    }
}
