using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>Brings the schema up to date. Processes that start together queue at a lock, so each migration runs once.</summary>
public static class Migrator
{
    // Any number will do, as long as nobody else locks it: the letters "fale", for Factumerit Ledger.
    private const long LockKey = 0x66616C65;

    /// <summary>Applies what is missing. Each migration is one transaction.</summary>
    public static async Task MigrateAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var context = database.CreateContext();
        // EF's own lock is taken on the history table, which on a new database two processes would try to create at once.
        await ExecuteAsync(connection, "SELECT pg_advisory_lock($1)", cancellationToken);
        try
        {
            context.Database.SetCommandTimeout(TimeSpan.FromHours(1));
            await context.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            await ExecuteAsync(connection, "SELECT pg_advisory_unlock($1)", CancellationToken.None);
        }
    }

    /// <summary>Whether every migration that this version knows has been applied.</summary>
    public static async Task<bool> IsMigratedAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        await using var context = database.CreateContext();
        return !(await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = LockKey } }, CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
