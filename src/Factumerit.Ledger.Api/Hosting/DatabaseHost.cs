using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Provides the database: the one that <c>ConnectionStrings:Ledger</c> names, otherwise a private PostgreSQL that
/// starts and stops with the service. The host is created before all services that use the database, so it is disposed
/// after them.
/// </summary>
public sealed class DatabaseHost(
    IConfiguration configuration, IOptions<EmbeddedOptions> embedded, IOptions<DatabaseOptions> options,
    IOptions<AuthOptions> auth, ILogger<DatabaseHost> logger) : IAsyncDisposable
{
    private PrivatePostgres? _postgres;
    private string? _connectionString;
    private bool _hasKeyFile;

    public string ConnectionString =>
        _connectionString ?? throw new InvalidOperationException("The database has not been opened yet.");

    /// <summary>The data directory of the embedded database; null if the service uses an external database.</summary>
    public string? DataDirectory => _postgres is null ? null : Path.GetFullPath(embedded.Value.DataDirectory);

    /// <summary>Whether the disk of the embedded database is full. PostgreSQL can't even start then.</summary>
    public bool IsDiskFull => DataDirectory is { } directory && DiskSpace.IsFull(directory);

    /// <summary>Creates the access to the database for serving requests.</summary>
    public LedgerDatabase CreateDatabase() => new(ConnectionString, options.Value.PoolSize)
    {
        ClockSkewMax = TimeSpan.FromSeconds(options.Value.ClockSkewSecondsMax),
    };

    /// <summary>
    /// Starts the private PostgreSQL if no other database is configured, and ensures that it has an admin key.
    /// </summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        _connectionString = LedgerConnectionString.Read(configuration);
        if (_connectionString is not null)
            return;
        if (LedgerConnectionString.FindUnread() is { Count: > 0 } unread)
            LogUnread(logger, unread);
        _postgres = await PrivatePostgres.StartAsync(
            new EmbeddedPostgresOptions
            {
                DataDirectory = embedded.Value.DataDirectory,
                BinDirectory = embedded.Value.BinDirectory,
            },
            logger,
            cancellationToken);
        _connectionString = _postgres.ServingConnectionString;
        if (auth.Value.BootstrapAdminKey is null)
        {
            auth.Value.BootstrapAdminKey = AdminKeyFile.ReadOrMake(DataDirectory!);
            _hasKeyFile = true;
        }
    }

    /// <summary>
    /// Brings the schema up to date and checks that the service has the rights it needs. Waits for a database that is
    /// still starting.
    /// </summary>
    public async Task MigrateAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        var deadline = TimeProvider.System.GetTimestamp()
            + (options.Value.StartTimeoutSeconds * TimeProvider.System.TimestampFrequency);
        while (true)
        {
            try
            {
                var limit = TimeSpan.FromSeconds(options.Value.MigrationLockTimeoutSeconds);
                var facts = await MigrateAsync(database, limit, cancellationToken);
                await RequireRightsAsync(database, facts, cancellationToken);
                return;
            }
            // With several hosts Npgsql throws an AggregateException that holds the failure of each host.
            catch (NpgsqlException exception)
                when ((exception.IsTransient || exception.InnerException is AggregateException)
                    && TimeProvider.System.GetTimestamp() < deadline)
            {
                logger.LogWarning("The database can't be reached yet: {Reason}", exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }

    /// <summary>
    /// Checks that the service can work on a database that someone else migrates. An unreachable database does not stop
    /// the start: requests report it.
    /// </summary>
    public async Task CheckAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        try
        {
            await GiveRightsAsync(cancellationToken);
            var facts = await DatabaseInspection.InspectAsync(database, logger, cancellationToken);
            await RequireRightsAsync(database, facts, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            logger.LogWarning("The database can't be reached yet: {Reason}", exception.Message);
        }
    }

    // The owner role migrates the embedded database and another role serves it, so that a vulnerability in the service
    // can't disable a trigger.
    private async Task<DatabaseFacts> MigrateAsync(
        LedgerDatabase database, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (_postgres is null)
            return await Migrator.MigrateAsync(database, limit, logger, cancellationToken);
        await using (var owner = new LedgerDatabase(_postgres.ConnectionString))
            await Migrator.MigrateAsync(owner, limit, logger, cancellationToken);
        await GiveRightsAsync(cancellationToken);
        return await DatabaseInspection.InspectAsync(database, logger, cancellationToken);
    }

    private async Task GiveRightsAsync(CancellationToken cancellationToken)
    {
        if (_postgres is null)
            return;
        await using var owner = new LedgerDatabase(_postgres.ConnectionString);
        await ServingRights.GiveAsync(owner, PrivatePostgres.ServingRole, cancellationToken);
    }

    private async Task RequireRightsAsync(
        LedgerDatabase database, DatabaseFacts facts, CancellationToken cancellationToken)
    {
        await DatabaseInspection.RequireServingRightsAsync(database, facts, cancellationToken);
        if (facts.IsReadOnly)
            LogReadOnly(logger, facts.Name);
    }

    /// <summary>
    /// Logs the address and the locations of data and key file, but never the key. Writes the file url, by which
    /// <c>fa</c> finds an embedded service on the same machine.
    /// </summary>
    public void Announce(string address)
    {
        var url = address.Replace("[::]", "localhost", StringComparison.Ordinal)
            .Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        LogListening(logger, address, url.TrimEnd('/'));
        if (DataDirectory is not { } directory)
            return;
        WriteUrl(directory, url);
        if (_hasKeyFile)
            LogKeyFile(logger, directory, AdminKeyFile.PathIn(directory));
    }

    public void AnnounceStop() => LogStopping(logger);

    public ValueTask DisposeAsync() => _postgres?.DisposeAsync() ?? ValueTask.CompletedTask;

    // A failure is not fatal: without the file fa must be given the address.
    private void WriteUrl(string directory, string url)
    {
        try
        {
            File.WriteAllText(Path.Combine(directory, "url"), url);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNoUrl(logger, exception.Message);
        }
    }

    private static void LogListening(ILogger logger, string address, string url) =>
        logger.LogInformation("The ledger listens on {Address}; its API page is {Url}/swagger", address, url);

    private static void LogKeyFile(ILogger logger, string directory, string keyFile) =>
        logger.LogInformation("Its data is in {Directory}, its first admin key in {KeyFile}", directory, keyFile);

    private static void LogStopping(ILogger logger) =>
        logger.LogInformation("The ledger is stopping: it accepts no new requests and writes the waiting ones");

    private static void LogReadOnly(ILogger logger, string database) =>
        logger.LogWarning(
            "The database {Database} is read-only (a standby, or configured so): reads work, writes return 503",
            database);

    private static void LogUnread(ILogger logger, IReadOnlyList<string> variables) =>
        logger.LogWarning(
            "{Variables} in the environment {Are} ignored: name the database in ConnectionStrings__Ledger. "
            + "Without it the embedded database is used",
            string.Join(", ", variables),
            variables.Count == 1 ? "is" : "are");

    private static void LogNoUrl(ILogger logger, string reason) =>
        logger.LogWarning(
            "The address file for fa could not be written, so fa needs --url or FACTUMERIT_URL: {Reason}",
            reason);
}

/// <summary>The free space of a disk.</summary>
internal static class DiskSpace
{
    // PostgreSQL stops if it can't create the next segment of its write-ahead log.
    private const long SegmentBytes = 4 * 1024 * 1024;

    public static bool IsFull(string directory)
    {
        try
        {
            return new DriveInfo(directory).AvailableFreeSpace < SegmentBytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>
/// The admin key of an embedded database: created at the first start, and stored for <c>fa</c> and the owner to read.
/// </summary>
internal static class AdminKeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static string PathIn(string directory) => Path.Combine(directory, "admin-key");

    public static string ReadOrMake(string directory)
    {
        var path = PathIn(directory);
        try
        {
            return Read(path) ?? Make(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(
                $"the admin key in '{path}' can't be read or made: {exception.Message} "
                + "Change its owner to this user, or set Auth:BootstrapAdminKey.");
        }
    }

    private static string? Read(string path) =>
        File.Exists(path) && File.ReadAllText(path).Trim() is { Length: >= 32 } existing ? existing : null;

    private static string Make(string path)
    {
        var key = "fa_admin_embedded_"
            + System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        });
        using var writer = new StreamWriter(file);
        writer.Write(key);
        return key;
    }
}

/// <summary>
/// A configuration that the service can't start with. The message names the key and the value it needs.
/// </summary>
public sealed class ConfigurationException(string message) : Exception(message);
