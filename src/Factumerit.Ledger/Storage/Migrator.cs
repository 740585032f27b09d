using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Brings the schema up to date. Processes that start together take turns, so each migration runs once. A migration
/// waits for each lock only briefly, gives up, and retries. So other users of the tables never queue behind it for
/// long.
/// </summary>
public static class Migrator
{
    /// <summary>The default limit for how long a migration tries to get its locks.</summary>
    public static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Applies the missing migrations, each in one transaction, and returns facts about the database.
    /// </summary>
    public static Task<DatabaseFacts> MigrateAsync(LedgerDatabase database, CancellationToken cancellationToken) =>
        MigrateAsync(database, LockLimit, NullLogger.Instance, cancellationToken);

    /// <summary>Does the same with the given limit for waiting, and logs the sessions it waits for.</summary>
    /// <exception cref="UnusableDatabaseException">
    /// The database is not fit, may not be changed, or its locks were not granted; the message says which.
    /// </exception>
    public static async Task<DatabaseFacts> MigrateAsync(
        LedgerDatabase database, TimeSpan lockLimit, ILogger logger, CancellationToken cancellationToken)
    {
        // Check first: behind a pooler that shares sessions, the lock taken below would outlive this process.
        var facts = await DatabaseInspection.InspectAsync(database, logger, cancellationToken);
        try
        {
            if (await IsMigratedAsync(database, cancellationToken))
                return facts;
            if (facts.IsReadOnly)
                throw new UnusableDatabaseException(
                    $"the database {facts.Name} is read-only (a standby, or configured so), and its schema is not up "
                    + "to " +
                    "date: migrate on the server that takes writes.");
            await using var source = database.CreateMigrationSource();
            await using var session = await source.OpenConnectionAsync(cancellationToken);
            await new MigrationLocks(database, session, lockLimit, logger).MigrateAsync(cancellationToken);
            return facts;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new UnusableDatabaseException(
                $"the role {facts.Role} may not bring the schema up to date ({exception.MessageText}): run the verb " +
                "migrate as the role that owns the tables, and start the service with Database:MigrateAtStart=false.",
                exception);
        }
    }

    /// <summary>Whether every migration that this version knows has been applied.</summary>
    public static async Task<bool> IsMigratedAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        await using var context = database.CreateContext();
        return !(await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }
}
