using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Tells a pooler that gives each connection a session of its own, which works, from one that shares sessions between
/// transactions or statements, as PgBouncer does by pool_mode = transaction or statement. The ledger prepares
/// statements, and migrations hold a lock as long as their session lasts: behind shared sessions the former fail and
/// the latter stays behind.
/// </summary>
internal static class SessionPooling
{
    private const int Rounds = 5;

    private const string Shared =
        "ConnectionStrings:Ledger leads to PgBouncer (or a pooler like it) in transaction or statement pooling, but " +
        "the ledger needs a session for each connection: connect to PostgreSQL directly, or set pool_mode = session " +
        "for this database.";

    /// <summary>The sentence for an error that only a pooler gives; null for others.</summary>
    public static string? Explain(PostgresException exception) => exception switch
    {
        { MessageText: var text } when text.Contains("startup parameter", StringComparison.OrdinalIgnoreCase) =>
            $"ConnectionStrings:Ledger leads to PgBouncer (or a pooler like it), which says: {text}. Connect to " +
            "PostgreSQL directly, or use pool_mode = session with ignore_startup_parameters = extra_float_digits,options in " +
            "pgbouncer.ini.",
        { MessageText: var text } when text.Contains("statement pooling", StringComparison.OrdinalIgnoreCase) => Shared,
        // A statement that was prepared in another session, or in this one by somebody else.
        { SqlState: PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.DuplicatePreparedStatement } =>
            Shared,
        _ => null,
    };

    /// <summary>
    /// Refuses shared sessions. A connection whose process at the server is not the one reported to it goes through a
    /// pooler. Beside it a second connection holds a transaction open and ends it, again and again. If sessions are
    /// shared, that one gets the session of the first, or the first gets another session meanwhile or afterwards.
    /// </summary>
    /// <exception cref="UnusableDatabaseException">Sessions are shared.</exception>
    public static async Task RequireAsync(
        LedgerDatabase database, NpgsqlConnection first, int processId, string role, ILogger logger,
        CancellationToken cancellationToken)
    {
        await using var second = await database.OpenWriterAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var isShared = false;
            await using (await second.BeginTransactionAsync(cancellationToken))
                isShared = await ProcessOfAsync(second) == processId || await ProcessOfAsync(first) != processId;
            if (isShared || await ProcessOfAsync(first) != processId)
                throw new UnusableDatabaseException(Shared);
        }
        const string BoundTurn = "SELECT current_setting('idle_in_transaction_session_timeout')";
        if (await ReadAsync<string>(second, BoundTurn, cancellationToken) == "0")
            LogOptionsLost(logger, ServingRights.Quote(role));

        Task<int> ProcessOfAsync(NpgsqlConnection connection) =>
            ReadAsync<int>(connection, "SELECT pg_backend_pid()", cancellationToken);
    }

    private static async Task<T> ReadAsync<T>(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static void LogOptionsLost(ILogger logger, string role) => logger.LogWarning(
        "The pooler before the database drops the settings that the service sends "
        + "with each connection. So that a service that dies in the middle of a commit holds nobody up: "
        + "ALTER ROLE {Role} SET idle_in_transaction_session_timeout = '5s'",
        role);
}
