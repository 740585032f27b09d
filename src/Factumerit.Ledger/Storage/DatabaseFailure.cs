using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Classifies database exceptions: either the written data may be at fault, or the database is unavailable to everyone.
/// Used by the writer, by the responses to requests, and by background work.
/// </summary>
public static class DatabaseFailure
{
    /// <summary>The description of a database whose disk is full.</summary>
    public const string DiskFull = "disk full";

    private const string DataException = "22";
    private const string IntegrityViolation = "23";
    private const string ProgramLimit = "54";

    /// <summary>
    /// The database refused a value: SQLSTATE class 22 (data exception), 23 (integrity constraint violation) or 54
    /// (a limit of the database, such as a key too long for an index). Only in these cases may the same work succeed
    /// without one of its items.
    /// </summary>
    public static bool LiesInData(Exception exception) =>
        Find(exception) is PostgresException postgres && LiesInData(postgres);

    /// <summary>
    /// The database can't serve any request now: it is unreachable or read-only, denies a right, or cancelled the
    /// statement. False for errors that lie in the data, and for exceptions that do not come from the database.
    /// </summary>
    public static bool IsUnavailable(Exception exception) => Find(exception) switch
    {
        null => false,
        PostgresException postgres => !LiesInData(postgres),
        _ => true,
    };

    /// <summary>
    /// The server refused work because of a setting. A session may keep a setting from when it was opened: a session
    /// that began read-only stays read-only.
    /// </summary>
    public static bool MayLieInSession(Exception exception) =>
        Find(exception) is PostgresException { IsTransient: false } postgres && !LiesInData(postgres);

    /// <summary>The database's disk is full. An immediate retry does not help.</summary>
    public static bool IsDiskFull(Exception exception) =>
        Find(exception) is PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    /// <summary>
    /// Describes in a few words why a database that answers can't be written to. The text holds nothing confidential.
    /// </summary>
    public static string Describe(Exception exception) => Find(exception) switch
    {
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => "read-only",
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => DiskFull,
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } => "lacks a right",
        _ => "can't be written to",
    };

    private static bool LiesInData(PostgresException postgres) =>
        postgres.SqlState.StartsWith(DataException, StringComparison.Ordinal)
        || postgres.SqlState.StartsWith(IntegrityViolation, StringComparison.Ordinal)
        || postgres.SqlState.StartsWith(ProgramLimit, StringComparison.Ordinal);

    // EF wraps Npgsql's exceptions, once or twice.
    private static Exception? Find(Exception? exception)
    {
        while (exception is not (null or NpgsqlException or TimeoutException))
            exception = exception.InnerException;
        return exception;
    }
}
