using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Detects poolers that share sessions between transactions or statements, such as PgBouncer with pool_mode =
/// transaction or statement. The ledger can't work behind them: its prepared statements would fail, and the session
/// lock of a migration would outlive the migration. A pooler that gives each connection its own session works.
/// </summary>
internal static class SessionPooling
{
    private const int BackgroundJobs = 5;

    private const string Shared =
        "ConnectionStrings:Ledger leads to PgBouncer (or a pooler like it) in transaction or statement pooling, but " +
        "the ledger needs a session for each connection: connect to PostgreSQL directly, or set pool_mode = session " +
        "for this database.";

    /// <summary>Explains an error that only a pooler causes; null for other errors.</summary>
    public static string? Explain(PostgresException exception) => exception switch
    {
        { MessageText: var text } when text.Contains("startup parameter", StringComparison.OrdinalIgnoreCase) =>
            $"ConnectionStrings:Ledger leads to PgBouncer (or a pooler like it), which says: {text}. Connect to "
            + "PostgreSQL directly, or use pool_mode = session with ignore_startup_parameters = "
            + "extra_float_digits,options in pgbouncer.ini.",
        { MessageText: var text } when text.Contains("statement pooling", StringComparison.OrdinalIgnoreCase) => Shared,
        // The statement was prepared in another session, or by another client in this session.
        { SqlState: PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.DuplicatePreparedStatement } =>
            Shared,
        _ => null,
    };

    /// <summary>
    /// Refuses shared sessions. A connection goes through a pooler if its server process differs from the process id
    /// reported to the client. In that case a second connection repeatedly opens and ends a transaction. If sessions
    /// are shared, the second connection gets the session of the first, or the first gets another session during or
    /// after the transaction.
    /// </summary>
    /// <exception cref="UnusableDatabaseException">Sessions are shared.</exception>
    public static async Task RequireAsync(
        LedgerDatabase database, NpgsqlConnection first, int processId, string role, ILogger logger,
        CancellationToken cancellationToken)
    {
        await using var second = await database.OpenWriterAsync();
        for (var round = 0; round < BackgroundJobs; round++)
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
