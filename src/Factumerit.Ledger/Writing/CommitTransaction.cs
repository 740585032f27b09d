using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// A serializable transaction of the writer, on the connection of an EF Core context. It is rolled back on disposal
/// unless it was committed. The statements of BEGIN, LOCK and COMMIT travel in the batches of the others, so a commit
/// takes one round trip, or two if it reads first.
/// </summary>
internal sealed class CommitTransaction : IAsyncDisposable
{
    private const string Begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";

    // The writers of all processes take turns. LOCK TABLE takes no snapshot, so the transaction's snapshot is taken
    // after it and holds everything that was committed before the turn. So writers don't cause each other serialization
    // failures, and entry ids become visible in order (R13). The lock does not block readers, and the table is never
    // written, so vacuum does not meet the lock either.
    private const string TakeTurn = "LOCK TABLE ledger_origin IN EXCLUSIVE MODE";

    private readonly LedgerDbContext _db;
    private bool _hasBegun;

    private CommitTransaction(LedgerDbContext db) => _db = db;

    public NpgsqlConnection Connection => (NpgsqlConnection)_db.Database.GetDbConnection();

    /// <summary>Opens a connection. The first batch on it begins the transaction and takes the turn.</summary>
    public static async Task<CommitTransaction> OpenAsync(LedgerDatabase database)
    {
        var db = database.CreateWritingContext();
        try
        {
            await db.Database.OpenConnectionAsync();
            return new(db);
        }
        catch
        {
            await db.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a connection, begins the transaction and waits for the turn.</summary>
    public static async Task<CommitTransaction> TakeTurnAsync(LedgerDatabase database)
    {
        var transaction = await OpenAsync(database);
        try
        {
            await using var batch = transaction.NewBatch();
            await batch.ExecuteNonQueryAsync();
            return transaction;
        }
        catch
        {
            await transaction.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates a batch. The first one begins the transaction and waits for the turn.</summary>
    public NpgsqlBatch NewBatch()
    {
        var batch = new NpgsqlBatch(Connection);
        if (_hasBegun)
            return batch;
        batch.BatchCommands.Add(new(Begin));
        batch.BatchCommands.Add(new(TakeTurn));
        _hasBegun = true;
        return batch;
    }

    /// <summary>Returns context and connection to their pools, which rolls back an open transaction.</summary>
    public ValueTask DisposeAsync() => _db.DisposeAsync();
}
