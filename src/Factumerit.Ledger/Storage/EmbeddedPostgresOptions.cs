namespace Factumerit.Ledger.Storage;

/// <summary>Where the private PostgreSQL of the service keeps its files, and which programs it runs.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>The directory of the cluster, its password, log and lock, such as <c>./.factumerit</c>; made when missing.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The directory of initdb, pg_ctl and postgres; null looks in PATH, then in /usr/lib/postgresql.</summary>
    public string? BinDirectory { get; init; }
}
