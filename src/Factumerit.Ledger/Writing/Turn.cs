using System.Data;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>A serializable transaction of the writer; what was not committed when it ends is rolled back.</summary>
internal sealed class Turn : IAsyncDisposable
{
    /// <summary>
    /// Writers of all processes take turns. LOCK TABLE takes no snapshot, so the one that a transaction gets next holds all that was committed before its
    /// turn: writers don't run into each other's serialization failures, and entry ids become visible in order (R13). The table is never written, so
    /// neither vacuum nor readers meet the lock. Whoever has the turn may take it again.
    /// </summary>
    public const string Take = "LOCK TABLE ledger_origin IN EXCLUSIVE MODE";

    private readonly LedgerDbContext _context;
    private IDbContextTransaction? _transaction;

    private Turn(LedgerDbContext context) => _context = context;

    public NpgsqlConnection Connection => (NpgsqlConnection)_context.Database.GetDbConnection();

    /// <summary>Begins the transaction. The turn itself is taken by the first statement, <see cref="Take"/>, together with those that follow.</summary>
    public static async Task<Turn> BeginAsync(LedgerDatabase database)
    {
        var turn = new Turn(database.CreateWriterContext());
        try
        {
            turn._transaction = await turn._context.Database.BeginTransactionAsync(IsolationLevel.Serializable);
            return turn;
        }
        catch
        {
            await turn.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the turn before anything else is said.</summary>
    public static async Task<Turn> TakeAsync(LedgerDatabase database)
    {
        var turn = await BeginAsync(database);
        try
        {
            await using var command = new NpgsqlCommand(Take, turn.Connection);
            await command.ExecuteNonQueryAsync();
            return turn;
        }
        catch
        {
            await turn.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_transaction is not null)
            await _transaction.DisposeAsync();
        await _context.DisposeAsync();
    }
}
