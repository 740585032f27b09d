using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// What an exception says of the database: whether the fault can lie in what was written, or whether the database can't serve anybody now. Used by
/// the writer, by the answers to requests, and by work in the background.
/// </summary>
public static class DatabaseFailure
{
    /// <summary>What is said of a database whose disk has no room.</summary>
    public const string DiskFull = "disk full";

    private const string DataException = "22";
    private const string IntegrityViolation = "23";
    private const string ProgramLimit = "54";

    /// <summary>
    /// The database refused a value: SQLSTATE class 22 (data exception), 23 (integrity constraint violation) or 54 (more than the
    /// database can hold, such as a key too long for an index). Only then may the same work succeed
    /// without one of its items.
    /// </summary>
    public static bool LiesInData(Exception exception) => Find(exception) is PostgresException postgres && LiesInData(postgres);

    /// <summary>
    /// The database can't serve now, whatever is sent: it is away, read-only, refuses the right, or cancelled the statement. False for errors that lie
    /// in the data, and for exceptions that do not come from the database.
    /// </summary>
    public static bool IsUnavailable(Exception exception) => Find(exception) switch
    {
        null => false,
        PostgresException postgres => !LiesInData(postgres),
        _ => true,
    };

    /// <summary>
    /// The server refused work because of a setting, which a session may keep from the time when it was opened: one that began read-only stays so.
    /// </summary>
    public static bool MayLieInSession(Exception exception) =>
        Find(exception) is PostgresException { IsTransient: false } postgres && !LiesInData(postgres);

    /// <summary>The database's disk is full, which trying again in a moment does not change.</summary>
    public static bool IsDiskFull(Exception exception) => Find(exception) is PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    /// <summary>In a few words why the database can't be written to: fit for anyone to read.</summary>
    public static string Describe(Exception exception) => Find(exception) switch
    {
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => "read-only",
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => DiskFull,
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } => "lacks a right",
        PostgresException => "can't be written to",
        _ => "can't be reached",
    };

    private static bool LiesInData(PostgresException postgres) =>
        postgres.SqlState.StartsWith(DataException, StringComparison.Ordinal)
        || postgres.SqlState.StartsWith(IntegrityViolation, StringComparison.Ordinal)
        || postgres.SqlState.StartsWith(ProgramLimit, StringComparison.Ordinal);

    // EF wraps what Npgsql throws, once or twice.
    private static Exception? Find(Exception? exception)
    {
        while (exception is not (null or NpgsqlException or TimeoutException))
            exception = exception.InnerException;
        return exception;
    }
}
