using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>A serializable transaction of the writer. It is rolled back on disposal unless it was committed.</summary>
internal sealed class Turn : IAsyncDisposable
{
    private const string Begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";

    // The writers of all processes take turns. LOCK TABLE takes no snapshot, so the transaction's snapshot is taken
    // after it and holds everything that was committed before the turn. So writers don't cause each other serialization
    // failures, and entry ids become visible in order (R13). The lock does not block readers, and the table is never
    // written, so vacuum does not meet the lock either.
    private const string Take = "LOCK TABLE ledger_origin IN EXCLUSIVE MODE";

    private bool _isTaken;

    private Turn(NpgsqlConnection connection) => Connection = connection;

    public NpgsqlConnection Connection { get; }

    /// <summary>Opens a connection. The first batch on it takes the turn.</summary>
    public static async Task<Turn> OpenAsync(LedgerDatabase database) => new(await database.OpenWriterAsync());

    /// <summary>Opens a connection and waits for the turn.</summary>
    public static async Task<Turn> TakeAsync(LedgerDatabase database)
    {
        var turn = await OpenAsync(database);
        try
        {
            await using var batch = turn.NewBatch();
            await batch.ExecuteNonQueryAsync();
            return turn;
        }
        catch
        {
            await turn.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Creates a batch. The first batch also begins the transaction and waits for the turn, in the same round trip as
    /// its other statements.
    /// </summary>
    public NpgsqlBatch NewBatch()
    {
        var batch = new NpgsqlBatch(Connection);
        if (!_isTaken)
        {
            batch.BatchCommands.Add(new(Begin));
            batch.BatchCommands.Add(new(Take));
            _isTaken = true;
        }
        return batch;
    }

    /// <summary>Returns the connection to the pool, which rolls back an open transaction.</summary>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
