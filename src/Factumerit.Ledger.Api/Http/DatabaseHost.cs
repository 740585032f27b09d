using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Finds the database: the one that <c>ConnectionStrings:Ledger</c> names, or else a private PostgreSQL of our own, which starts and stops with
/// the service. Made before everything that uses the database, and so disposed after it.
/// </summary>
public sealed class DatabaseHost(
    IConfiguration configuration, IOptions<EmbeddedOptions> embedded, IOptions<DatabaseOptions> options, IOptions<AuthOptions> auth,
    ILogger<DatabaseHost> logger) : IAsyncDisposable
{
    private EmbeddedPostgres? _postgres;
    private string? _connectionString;
    private bool _hasKeyFile;

    public string ConnectionString => _connectionString ?? throw new InvalidOperationException("The database has not been opened yet.");

    /// <summary>Where an embedded database keeps its data; null when the database is somebody else's.</summary>
    public string? DataDirectory => _postgres is null ? null : Path.GetFullPath(embedded.Value.DataDirectory);

    /// <summary>Whether the disk of an embedded database has no room: then PostgreSQL can't even start.</summary>
    public bool IsDiskFull => DataDirectory is { } directory && DiskSpace.IsFull(directory);

    /// <summary>The way to the database that serves.</summary>
    public LedgerDatabase CreateDatabase() => new(ConnectionString, options.Value.PoolSize)
    {
        ClockSkewMax = TimeSpan.FromSeconds(options.Value.ClockSkewSecondsMax),
    };

    /// <summary>Starts the private PostgreSQL if there is no other, and sees to an admin key on it.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        _connectionString = LedgerConnectionString.Read(configuration);
        if (_connectionString is not null)
            return;
        if (LedgerConnectionString.FindUnread() is { Count: > 0 } unread)
            LogUnread(logger, string.Join(", ", unread));
        _postgres = await EmbeddedPostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = embedded.Value.DataDirectory, BinDirectory = embedded.Value.BinDirectory }, logger, cancellationToken);
        _connectionString = _postgres.ServingConnectionString;
        if (auth.Value.BootstrapAdminKey is null)
        {
            auth.Value.BootstrapAdminKey = AdminKeyFile.ReadOrMake(DataDirectory!);
            _hasKeyFile = true;
        }
    }

    /// <summary>
    /// Brings the schema up to date, waiting for a database that is still starting, and sees that the service may do
    /// its work there.
    /// </summary>
    public async Task MigrateAsync(LedgerDatabase database, CancellationToken cancellationToken)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (options.Value.StartTimeoutSeconds * TimeProvider.System.TimestampFrequency);
        while (true)
        {
            try
            {
                var limit = TimeSpan.FromSeconds(options.Value.MigrationLockTimeoutSeconds);
                var facts = await MigrateAsync(database, limit, cancellationToken);
                await RequireRightsAsync(database, facts, cancellationToken);
                return;
            }
            // Of several hosts each failed for a reason of its own.
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
    /// Sees whether the service can do its work on a database that is migrated by somebody else. One that can't be
    /// reached now is met by the requests.
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

    // On the embedded database the owner migrates, and another role serves: a hole in the service can't switch off a
    // trigger.
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
        await ServingRights.GiveAsync(owner, EmbeddedPostgres.ServingRole, cancellationToken);
    }

    private async Task RequireRightsAsync(
        LedgerDatabase database, DatabaseFacts facts, CancellationToken cancellationToken)
    {
        await DatabaseInspection.RequireServingRightsAsync(database, facts, cancellationToken);
        if (facts.IsReadOnly)
            LogReadOnly(logger, facts.Name);
    }

    /// <summary>Says where the service is and what lies where, never the key itself; <c>fa</c>, run beside an embedded service, finds it by the file url.</summary>
    public void Announce(string address)
    {
        var url = address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        LogListening(logger, address, url.TrimEnd('/'));
        if (DataDirectory is not { } directory)
            return;
        WriteUrl(directory, url);
        if (_hasKeyFile)
            LogKeyFile(logger, directory, AdminKeyFile.PathIn(directory));
    }

    public void AnnounceStop() => LogStopping(logger);

    public ValueTask DisposeAsync() => _postgres?.DisposeAsync() ?? ValueTask.CompletedTask;

    // The service works without it; fa then has to be given the address.
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
        logger.LogInformation("The ledger stops: it takes nothing new and writes what waits");

    private static void LogReadOnly(ILogger logger, string database) =>
        logger.LogWarning(
            "The database {Database} is read only (a standby, or set so): reads are served, writes are answered 503",
            database);

    private static void LogUnread(ILogger logger, string variables) =>
        logger.LogWarning(
            "{Variables} in the environment are not read: a database is named by ConnectionStrings__Ledger. Without it the embedded database is used",
            variables);

    private static void LogNoUrl(ILogger logger, string reason) =>
        logger.LogWarning(
            "The address could not be left for fa, which needs --url or FACTUMERIT_URL now: {Reason}",
            reason);
}

/// <summary>The room that is left on a disk.</summary>
internal static class DiskSpace
{
    // PostgreSQL stops when it can't make the next segment of its write-ahead log.
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

/// <summary>The admin key of an embedded database: made at the first start, and left for <c>fa</c> and the owner to read.</summary>
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
                $"the admin key in '{path}' can't be read or made: {exception.Message} Give the file to this user, or set Auth:BootstrapAdminKey.");
        }
    }

    private static string? Read(string path) =>
        File.Exists(path) && File.ReadAllText(path).Trim() is { Length: >= 32 } existing ? existing : null;

    private static string Make(string path)
    {
        var key = $"fa_admin_embedded_{System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true)}";
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        using var writer = new StreamWriter(file);
        writer.Write(key);
        return key;
    }
}

/// <summary>A configuration that the service can't start with. The message names the key and says what would be right.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
