using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>A serializable transaction of the writer; what was not committed when it ends is rolled back.</summary>
internal sealed class Turn : IAsyncDisposable
{
    private const string Begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";

    // Writers of all processes take turns. LOCK TABLE takes no snapshot, so the one that a transaction gets next holds
    // all that was committed before its turn: writers don't run into each other's serialization failures, and entry ids
    // become visible in order (R13). The table is never written, so neither vacuum nor readers meet the lock.
    private const string Take = "LOCK TABLE ledger_origin IN EXCLUSIVE MODE";

    private bool _isTaken;

    private Turn(NpgsqlConnection connection) => Connection = connection;

    public NpgsqlConnection Connection { get; }

    /// <summary>A connection to take the turn on, which is done by its first batch.</summary>
    public static async Task<Turn> OpenAsync(LedgerDatabase database) => new(await database.OpenWriterAsync());

    /// <summary>Waits for the turn before anything else is said.</summary>
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

    /// <summary>A batch that first begins the transaction and waits for the turn, unless one before it did: in the same round trip as what follows.</summary>
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

    /// <summary>Gives the connection back, which rolls back what is open on it.</summary>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
