using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The way to PostgreSQL: one pool for the writer and one for everything that reads, so that a crowd of reports can't keep the writer waiting
/// for a connection.
/// </summary>
public sealed class LedgerDatabase : IAsyncDisposable
{
    private readonly string _connectionString;
    private readonly NpgsqlDataSource _writers;
    private readonly PooledDbContextFactory<LedgerDbContext> _contexts;

    /// <exception cref="UnusableDatabaseException">The connection string holds a setting that can't work; the message
    /// says which.</exception>
    public LedgerDatabase(string connectionString, int readerPoolSize = 20)
    {
        _connectionString = connectionString;
        Readers = ConnectionSettings.ForReading(connectionString, readerPoolSize);
        _writers = ConnectionSettings.ForWriting(connectionString);
        _contexts = new(Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(Readers, Plainly)));
    }

    /// <summary>Connections for reading and for everything that is not a posting.</summary>
    public NpgsqlDataSource Readers { get; }

    /// <summary>How far its clock may be ahead of the service's: no commit is made with a later time.</summary>
    public TimeSpan ClockSkewMax { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>A context that tracks nothing, for queries.</summary>
    public LedgerDbContext CreateContext() => _contexts.CreateDbContext();

    /// <summary>One of the writer's own connections.</summary>
    public ValueTask<NpgsqlConnection> OpenWriterAsync() => _writers.OpenConnectionAsync();

    /// <summary>Opens new sessions from here on: one that was opened while the database was read-only stays read-only.</summary>
    public void RenewSessions()
    {
        _writers.Clear();
        Readers.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await _writers.DisposeAsync();
        await Readers.DisposeAsync();
    }

    /// <summary>A session for migrations, outside both pools: what is left in it ends with it.</summary>
    internal NpgsqlDataSource CreateMigrationSource() => ConnectionSettings.ForMigrating(_connectionString);

    /// <summary>A context on that session.</summary>
    internal static LedgerDbContext CreateContext(NpgsqlConnection connection) =>
        new(Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(connection, Plainly)));

    // Without a wrapper around failures that may pass: all callers look for what the database said.
    private static void Plainly(NpgsqlDbContextOptionsBuilder npgsql) =>
        npgsql.ExecutionStrategy(dependencies => new NonRetryingExecutionStrategy(dependencies));

    private static DbContextOptions<LedgerDbContext> Configure(DbContextOptionsBuilder<LedgerDbContext> options) =>
        options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .ReplaceService<IHistoryRepository, MigrationHistory>().Options;
}
