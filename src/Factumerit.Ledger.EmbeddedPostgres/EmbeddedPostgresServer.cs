using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// Controls the PostgreSQL server of a directory: starts it, or takes over a running one, and stops it. The server is a
/// daemon started by pg_ctl, so it survives a kill of the service. Its port is chosen at the first start and then stays
/// the same.
/// </summary>
internal sealed class EmbeddedPostgresServer(
    EmbeddedPostgresDirectory directory, EmbeddedPostgresBinaries binaries, EmbeddedPostgresCommands commands,
    string password)
{
    private const int StartAttemptsMax = 20;
    private const int PortMin = 20_000;
    private const int PortMax = 32_000;
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // Generated at each start, set on the role and stored nowhere.
    private readonly string _servingPassword = RandomNumberGenerator.GetHexString(48, lowercase: true);
    private bool _hasStarted;
    private bool _portIsKept;

    public int Port { get; private set; }
    public int ProcessId { get; private set; }
    public bool IsAlive => EmbeddedPostgresPidFile.IsPostgres(ProcessId);

    /// <summary>True while this object has not started the server itself.</summary>
    public bool WasTakenOver => !_hasStarted;

    public string ConnectionString(string database) => ConnectionString(database, Port);

    public string ServingConnectionString() => new NpgsqlConnectionStringBuilder(
        ConnectionString(PrivatePostgres.Database))
    {
        Username = PrivatePostgres.ServingRole,
        Password = _servingPassword,
    }.ConnectionString;

    private string ConnectionString(string database, int port) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port,
        Database = database,
        Username = PrivatePostgres.User,
        Password = password,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    /// <summary>
    /// Starts the server unless it runs already, and returns when it accepts connections. Waits for the recovery after
    /// a crash.
    /// </summary>
    public async Task BringUpAsync(CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var startAttempts = 0;
        while (true)
        {
            var running = EmbeddedPostgresPidFile.ReadRunning(directory.Cluster);
            if (running is null)
            {
                var failure = await TryStartAsync(cancellationToken).ConfigureAwait(false);
                startAttempts++;
                // Retry: backends of a dead server hold its shared memory for a moment, and the port may be in use.
                if (failure is not null && startAttempts >= StartAttemptsMax)
                    throw new EmbeddedPostgresException(
                        $"PostgreSQL does not start: {failure} "
                        + $"The end of '{directory.LogFile}': {directory.LogTail()}");
                running = EmbeddedPostgresPidFile.ReadRunning(directory.Cluster);
            }
            if (running?.Port is { } port && await AnswersAsync(port, cancellationToken).ConfigureAwait(false))
            {
                (Port, ProcessId, _portIsKept) = (port, running.ProcessId, true);
                return;
            }
            if (TimeProvider.System.GetElapsedTime(began) > ReadyTimeout)
                throw new EmbeddedPostgresException(
                    $"PostgreSQL does not answer after {ReadyTimeout.TotalMinutes:0} minutes: "
                    + $"see '{directory.LogFile}'.");
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Creates the ledger's database and the serving role if missing, and returns the server's version.
    /// </summary>
    public async Task<string> PrepareDatabaseAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(MaintenanceConnectionString(Port));
        await using var _ = connection.ConfigureAwait(false);
        await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        var command = connection.CreateCommand();
        await using var __ = command.ConfigureAwait(false);
        command.CommandText = $"SELECT 1 FROM pg_database WHERE datname = '{PrivatePostgres.Database}'";
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is null)
        {
            command.CommandText = $"CREATE DATABASE {PrivatePostgres.Database}";
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        command.CommandText = $"SELECT 1 FROM pg_roles WHERE rolname = '{PrivatePostgres.ServingRole}'";
        var isThere = await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not null;
        // The role can't create temporary tables, which would hide tables of the ledger from its session.
        command.CommandText = $"""
            {(isThere ? "ALTER" : "CREATE")} ROLE {PrivatePostgres.ServingRole} LOGIN
                NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '{_servingPassword}';
            REVOKE TEMPORARY ON DATABASE {PrivatePostgres.Database} FROM PUBLIC
            """;
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return connection.PostgreSqlVersion.ToString();
    }

    /// <summary>
    /// Stops the server and waits for it. Returns null, or the reason if the fast shutdown failed and an immediate one
    /// was needed.
    /// </summary>
    public async Task<string?> StopAsync()
    {
        if (EmbeddedPostgresPidFile.ReadRunning(directory.Cluster) is null)
            return null;
        var orderly = await StopAsync("fast").ConfigureAwait(false);
        if (orderly.Succeeded || EmbeddedPostgresPidFile.ReadRunning(directory.Cluster) is null)
            return null;
        await StopAsync("immediate").ConfigureAwait(false);
        return orderly.Message;
    }

    private Task<EmbeddedPostgresCommands.Outcome> StopAsync(string mode) =>
        commands.TryRunAsync(StopTimeout + StopTimeout, CancellationToken.None,
            binaries.PgCtl, "stop", "-D", directory.Cluster, "-m", mode, "-w", "-t", Seconds(StopTimeout));

    private async Task<string?> TryStartAsync(CancellationToken cancellationToken)
    {
        _hasStarted = true;
        EmbeddedPostgresPidFile.DisownStale(directory.Cluster);
        directory.RotateLog();
        await commands.GiveAsync(cancellationToken, directory.Cluster, directory.LogFile).ConfigureAwait(false);
        if (!_portIsKept)
            Port = FreePort();
        // No unix socket: its possible directories are shared, or their paths exceed the limit of 107 characters.
        var settings = $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=";
        var outcome = await commands.TryRunAsync(ReadyTimeout, cancellationToken,
            binaries.PgCtl, "start", "-D", directory.Cluster, "-l", directory.LogFile, "-o", settings, "-w",
            "-t", Seconds(StopTimeout)).ConfigureAwait(false);
        return outcome.Succeeded ? null : outcome.Message;
    }

    private async Task<bool> AnswersAsync(int port, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(MaintenanceConnectionString(port));
        await using var _ = connection.ConfigureAwait(false);
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (PostgresException failure) when (failure.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new EmbeddedPostgresException(
                $"The PostgreSQL of '{directory.Cluster}' refuses the password in '{directory.PasswordFile}': "
                + "restore that file from a backup.");
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
        {
            return false;
        }
    }

    private string MaintenanceConnectionString(int port) => new NpgsqlConnectionStringBuilder(
        ConnectionString("postgres", port))
    {
        Pooling = false,
        Timeout = 5,
        CommandTimeout = 60,
        ApplicationName = "factumerit-embedded",
    }.ConnectionString;

    /// <summary>
    /// Finds a free port below the system's range for outgoing connections. So no outgoing connection can take the port
    /// while the server restarts.
    /// </summary>
    private static int FreePort()
    {
        for (var attempt = 0; attempt < PortMax - PortMin; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(PortMin, PortMax);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // In use: try another one.
            }
        }
        throw new EmbeddedPostgresException($"No port between {PortMin} and {PortMax} is free on 127.0.0.1.");
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
}
