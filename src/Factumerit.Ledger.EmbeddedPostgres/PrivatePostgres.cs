using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// A private PostgreSQL that the service runs when no database is configured: a real, durable server from the binaries
/// installed on the machine. If the service dies, the server runs on, and the next start takes it over. If the server
/// dies, the service restarts it on the same port.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    internal const string User = "factumerit";
    internal const string Database = "ledger";

    /// <summary>The role that serves. It owns nothing and therefore can't disable a trigger.</summary>
    public const string ServingRole = "factumerit_app";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private readonly EmbeddedPostgresDirectory _directory;
    private readonly EmbeddedPostgresServer _server;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;
    private int _disposed;

    private PrivatePostgres(
        EmbeddedPostgresDirectory directory, EmbeddedPostgresServer server, string version, ILogger logger)
    {
        _directory = directory;
        _server = server;
        _logger = logger;
        Version = version;
        ConnectionString = server.ConnectionString(Database);
        ServingConnectionString = server.ServingConnectionString();
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>
    /// Connects to the database <c>ledger</c> on 127.0.0.1 as its owner. It never changes during the life of this
    /// object.
    /// </summary>
    public string ConnectionString { get; }

    /// <summary>Connects to the same database as <see cref="ServingRole"/>.</summary>
    public string ServingConnectionString { get; }

    /// <summary>The version of the server, such as 17.5.</summary>
    public string Version { get; }

    internal int ProcessId => _server.ProcessId;

    /// <summary>
    /// Starts the server or takes over a running one, and returns when it accepts connections. If the server recovers
    /// from a crash, this waits for the recovery.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">It can't run here; the message says what to do.</exception>
    public static async Task<PrivatePostgres> StartAsync(
        EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            throw new EmbeddedPostgresException(
                "The embedded PostgreSQL runs on Linux only: use a server through ConnectionStrings__Ledger.");
        var directory = EmbeddedPostgresDirectory.Open(options.DataDirectory);
        EmbeddedPostgresServer? server = null;
        try
        {
            var clusterMajor = directory.ClusterMajor();
            var binaries = await EmbeddedPostgresBinaries
                .FindAsync(options.BinDirectory, clusterMajor, cancellationToken).ConfigureAwait(false);
            RefuseOtherMajor(directory, clusterMajor, binaries);
            var commands = await EmbeddedPostgresCommands
                .ChooseAsync(directory.Root, binaries, cancellationToken).ConfigureAwait(false);
            if (await directory.MakeClusterAsync(commands, binaries, cancellationToken).ConfigureAwait(false))
                EmbeddedPostgresLog.ClusterMade(logger, binaries.Version, directory.Cluster);

            server = new(directory, binaries, commands, directory.Password());
            await server.BringUpAsync(cancellationToken).ConfigureAwait(false);
            var version = await server.PrepareDatabaseAsync(cancellationToken).ConfigureAwait(false);
            if (server.WasTakenOver)
                EmbeddedPostgresLog.TookOver(logger, server.ProcessId);
            EmbeddedPostgresLog.Serving(logger, version, server.Port, directory.Cluster);
            return new(directory, server, version, logger);
        }
        catch
        {
            if (server is { WasTakenOver: false })
                await server.StopAsync().ConfigureAwait(false);
            directory.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Shuts the server down cleanly, waits for it, and releases the directory for another service.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (!await StopWatchingAsync().ConfigureAwait(false))
            return;
        try
        {
            if (await _server.StopAsync().ConfigureAwait(false) is { } reason)
                EmbeddedPostgresLog.StoppedAtOnce(_logger, reason);
            else
                EmbeddedPostgresLog.Stopped(_logger);
        }
        finally
        {
            _directory.Dispose();
        }
    }

    /// <summary>
    /// Simulates a kill of the service: the server runs on, and no process holds the lock on the directory.
    /// </summary>
    internal async Task AbandonAsync()
    {
        if (await StopWatchingAsync().ConfigureAwait(false))
            _directory.Dispose();
    }

    private async Task<bool> StopWatchingAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return false;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _stopping.Dispose();
        return true;
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(LookEvery, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
                if (!_server.IsAlive)
                    await BringBackAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // Shutdown: the server is not restarted any more, and an error of a restart in progress doesn't prevent the
            // shutdown.
        }
    }

    private async Task BringBackAsync(CancellationToken cancellationToken)
    {
        EmbeddedPostgresLog.Died(_logger, _server.ProcessId, _server.Port);
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await _server.BringUpAsync(cancellationToken).ConfigureAwait(false);
                var elapsedMs = (long)TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
                EmbeddedPostgresLog.CameBack(_logger, _server.ProcessId, elapsedMs);
                return;
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                // Any cause, such as a full disk or a port in use, may go away, so the watch retries without limit.
                EmbeddedPostgresLog.StillDown(_logger, failure.Message);
            }
            await Task.Delay(RetryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void RefuseOtherMajor(
        EmbeddedPostgresDirectory directory, int? clusterMajor, EmbeddedPostgresBinaries binaries)
    {
        if (clusterMajor is { } major && major != binaries.Major)
            throw new EmbeddedPostgresException(
                $"'{directory.Cluster}' was made by PostgreSQL {major}, but the programs in '{binaries.Directory}' are "
                + $"version {binaries.Version}: install PostgreSQL {major}, or move the database over with pg_upgrade, "
                + $"or with pg_dump from a PostgreSQL {major} and a restore into a new directory.");
    }
}
