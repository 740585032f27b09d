using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The way to PostgreSQL: one pool for the writer and one for everything that reads, so that a crowd of reports can't keep the writer waiting
/// for a connection.
/// </summary>
public sealed class LedgerDatabase : IAsyncDisposable
{
    // A writer whose machine or network dies in the middle must not keep its turn until the server's TCP notices, which takes hours: every other
    // writer waits for it, and so does the answer to whether its commit came about (R12). Ours is idle only for as long as commands decide.
    private const string BoundTurn = "-c idle_in_transaction_session_timeout=5s";

    // The writer looks rows up by key and nothing else. A plan made while a table was still empty, which would read all of it, must not outlive that.
    private const string LookUpByKey = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    // Its statements have one good plan whatever they are given. Left to itself, PostgreSQL plans those of a few rows anew each time, as a plan for a few
    // looks cheaper than one for any number; of a commit of one usage that was a quarter of the server's time.
    private const string PlanOnce = "-c plan_cache_mode=force_generic_plan";

    // Compiling a query takes longer than any of ours runs.
    private const string Interpret = "-c jit=off";

    private readonly NpgsqlDataSource _writers;
    private readonly PooledDbContextFactory<LedgerDbContext> _contexts;

    public LedgerDatabase(string connectionString, int readerPoolSize = 20)
    {
        Readers = Build(connectionString, "factumerit-ledger", readerPoolSize);
        _writers = BuildForWriting(connectionString);
        _contexts = new(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql(Readers).UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking).Options);
    }

    /// <summary>Connections for reading and for everything that is not a posting.</summary>
    public NpgsqlDataSource Readers { get; }

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

    private static NpgsqlDataSource BuildForWriting(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.Options = $"{settings.Options} {BoundTurn} {LookUpByKey} {PlanOnce}".Trim();
        settings.CommandTimeout = Math.Min(settings.CommandTimeout, 10);
        return Build(settings.ConnectionString, "factumerit-ledger-writer", poolSize: 4);
    }

    private static NpgsqlDataSource Build(string connectionString, string applicationName, int poolSize)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.Options = $"{settings.Options} {Interpret}".Trim();
        settings.ApplicationName ??= applicationName;
        settings.MaxPoolSize = poolSize;
        // Nobody leaves anything in a session that the next would have to be rid of.
        settings.NoResetOnClose = true;
        // A database that is away should be noticed while the caller still waits.
        settings.Timeout = Math.Min(settings.Timeout, 5);
        settings.MaxAutoPrepare = 40;
        settings.AutoPrepareMinUsages = 2;
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }
}
