using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>The configuration section <c>Database</c>.</summary>
public sealed class DatabaseOptions
{
    /// <summary>Whether the service migrates the schema at its start; otherwise run the verb <c>migrate</c>.</summary>
    public bool MigrateAtStart { get; set; } = true;

    /// <summary>The size of the connection pool for everything but the writer, which has its own connections.</summary>
    [Range(1, 1000, ErrorMessage = "Database:PoolSize must be from {1} to {2}.")]
    public int PoolSize { get; set; } = 20;

    /// <summary>
    /// How far the database's clock may be ahead of the service's, in seconds; beyond that no commit is made.
    /// </summary>
    [Range(1, 86_400, ErrorMessage = "Database:ClockSkewSecondsMax must be from {1} to {2}.")]
    public int ClockSkewSecondsMax { get; set; } = 300;

    /// <summary>How long the start waits for an unreachable database, in seconds.</summary>
    [Range(0, 3600, ErrorMessage = "Database:StartTimeoutSeconds must be from {1} to {2}.")]
    public int StartTimeoutSeconds { get; set; } = 30;

    /// <summary>
    /// How long a migration waits for locks on tables that another session holds, in seconds. It waits for another
    /// process that is migrating as long as that process works.
    /// </summary>
    [Range(1, 86_400, ErrorMessage = "Database:MigrationLockTimeoutSeconds must be from {1} to {2}.")]
    public int MigrationLockTimeoutSeconds { get; set; } = 60;
}

/// <summary>
/// The configuration section <c>Embedded</c>: the private PostgreSQL that is used without a connection string.
/// </summary>
public sealed class EmbeddedOptions
{
    /// <summary>The directory for its data, its password and the first admin key.</summary>
    [Required(ErrorMessage = "Embedded:DataDirectory must name a directory.")]
    public string DataDirectory { get; set; } = ".factumerit";

    /// <summary>
    /// The directory of initdb and postgres, if they are neither on the PATH nor in /usr/lib/postgresql.
    /// </summary>
    public string? BinDirectory { get; set; }
}
