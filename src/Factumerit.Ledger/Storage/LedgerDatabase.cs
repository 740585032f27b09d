using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The connections to PostgreSQL. The writer and the readers have separate pools, so reports never make the writer wait
/// for a connection.
/// </summary>
public sealed class LedgerDatabase : IAsyncDisposable
{
    private readonly string _connectionString;
    private readonly NpgsqlDataSource _writers;
    private readonly PooledDbContextFactory<LedgerDbContext> _contexts;
    private readonly PooledDbContextFactory<LedgerDbContext> _writingContexts;

    /// <exception cref="UnusableDatabaseException">
    /// The connection string has a setting that can't work; the message names it.
    /// </exception>
    public LedgerDatabase(string connectionString, int readerPoolSize = 20)
    {
        _connectionString = connectionString;
        Readers = ConnectionSettings.ForReading(connectionString, readerPoolSize);
        _writers = ConnectionSettings.ForWriting(connectionString);
        _contexts = new(Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(Readers, Plainly)));
        _writingContexts = new(Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(_writers, Plainly)));
    }

    /// <summary>Connections for reading and for everything that is not a posting.</summary>
    public NpgsqlDataSource Readers { get; }

    /// <summary>
    /// How far the database's clock may be ahead of the service's clock. No commit is made with a later time.
    /// </summary>
    public TimeSpan ClockSkewMax { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The tables and columns as EF Core maps them.</summary>
    internal IModel Model
    {
        get
        {
            using var db = CreateContext();
            return db.Model;
        }
    }

    /// <summary>Creates a context without change tracking, for queries.</summary>
    public LedgerDbContext CreateContext() => _contexts.CreateDbContext();

    /// <summary>Creates a context on a connection of the writer's pool, for the writer's transactions.</summary>
    public LedgerDbContext CreateWritingContext() => _writingContexts.CreateDbContext();

    /// <summary>Opens a connection from the writer's pool.</summary>
    public ValueTask<NpgsqlConnection> OpenWriterAsync() => _writers.OpenConnectionAsync();

    /// <summary>
    /// Clears both pools, so that later work gets new sessions. A session that was opened while the database was
    /// read-only stays read-only.
    /// </summary>
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

    /// <summary>Creates a session for migrations outside both pools. Its session state ends with it.</summary>
    internal NpgsqlDataSource CreateMigrationSource() => ConnectionSettings.ForMigrating(_connectionString);

    /// <summary>Creates a context on that session.</summary>
    internal static LedgerDbContext CreateContext(NpgsqlConnection connection) =>
        new(Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(connection, Plainly)));

    // Don't wrap transient failures in another exception: all callers inspect the database's own exception.
    private static void Plainly(NpgsqlDbContextOptionsBuilder npgsql) =>
        npgsql.ExecutionStrategy(dependencies => new NonRetryingExecutionStrategy(dependencies));

    internal static DbContextOptions<LedgerDbContext> Configure(DbContextOptionsBuilder<LedgerDbContext> options) =>
        options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking).UseSnakeCaseNamingConvention()
            .ReplaceService<IHistoryRepository, MigrationHistory>().Options;
}
