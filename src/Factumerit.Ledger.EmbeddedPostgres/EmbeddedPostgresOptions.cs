namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>The directories of the embedded PostgreSQL: its files and its programs.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>
    /// The directory of the cluster, its password, log and lock, such as <c>./.factumerit</c>. Created if missing.
    /// </summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// The directory of initdb, pg_ctl and postgres; null searches PATH, then /usr/lib/postgresql.
    /// </summary>
    public string? BinDirectory { get; init; }
}
