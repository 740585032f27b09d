using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The way to PostgreSQL: one pool for the writer and one for everything that reads, so that a crowd of reports can't keep the writer waiting
/// for a connection.
/// </summary>
public sealed class LedgerDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _writers;
    private readonly DbContextOptions<LedgerDbContext> _writerOptions;
    private readonly DbContextOptions<LedgerDbContext> _readerOptions;

    public LedgerDatabase(string connectionString, int readerPoolSize = 20)
    {
        Readers = Build(connectionString, "factumerit-ledger", readerPoolSize);
        _writers = Build(connectionString, "factumerit-ledger-writer", poolSize: 4, commandTimeoutSecondsMax: 10);
        _readerOptions = Options(Readers);
        _writerOptions = Options(_writers);
    }

    /// <summary>Connections for reading and for everything that is not a posting.</summary>
    public NpgsqlDataSource Readers { get; }

    /// <summary>A context that tracks nothing, for queries.</summary>
    public LedgerDbContext CreateContext() => new(_readerOptions);

    /// <summary>A context on the writer's own connections.</summary>
    public LedgerDbContext CreateWriterContext() => new(_writerOptions);

    public async ValueTask DisposeAsync()
    {
        await _writers.DisposeAsync();
        await Readers.DisposeAsync();
    }

    private static NpgsqlDataSource Build(string connectionString, string applicationName, int poolSize, int commandTimeoutSecondsMax = int.MaxValue)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.ApplicationName ??= applicationName;
        settings.MaxPoolSize = poolSize;
        // A database that is away should be noticed while the caller still waits.
        settings.Timeout = Math.Min(settings.Timeout, 5);
        settings.CommandTimeout = Math.Min(settings.CommandTimeout, commandTimeoutSecondsMax);
        settings.MaxAutoPrepare = 40;
        settings.AutoPrepareMinUsages = 2;
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }

    private static DbContextOptions<LedgerDbContext> Options(NpgsqlDataSource source) =>
        new DbContextOptionsBuilder<LedgerDbContext>()
            .UseNpgsql(source)
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .Options;
}
