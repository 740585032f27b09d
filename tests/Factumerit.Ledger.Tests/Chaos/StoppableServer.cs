using System.Globalization;
using Factumerit.Ledger.EmbeddedPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// A PostgreSQL without a supervisor: once stopped, it stays down until it is started again, on the same port.
/// </summary>
internal sealed class StoppableServer : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);
    private readonly string _directory;
    private readonly EmbeddedPostgresBinaries _binaries;
    private readonly EmbeddedPostgresCommands _commands;

    private StoppableServer(
        string directory, EmbeddedPostgresBinaries binaries, EmbeddedPostgresCommands commands,
        string connectionString) =>
        (_directory, _binaries, _commands, ConnectionString) = (directory, binaries, commands, connectionString);

    public string ConnectionString { get; }

    private string Cluster => Path.Combine(_directory, "postgres");

    public static async Task<StoppableServer> StartAsync(string directory)
    {
        var embedded = await PrivatePostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = directory }, NullLogger.Instance, CancellationToken.None);
        await embedded.AbandonAsync();
        var binaries = await EmbeddedPostgresBinaries.FindAsync(null, clusterMajor: null, CancellationToken.None);
        var commands = await EmbeddedPostgresCommands.ChooseAsync(directory, binaries, CancellationToken.None);
        return new StoppableServer(directory, binaries, commands, embedded.ConnectionString);
    }

    /// <param name="mode">fast or immediate, as pg_ctl has it.</param>
    public Task StopAsync(string mode) =>
        _commands.RunAsync(Timeout, CancellationToken.None, _binaries.PgCtl, "stop", "-D", Cluster, "-m", mode, "-w");

    public Task StartAgainAsync()
    {
        var port = new NpgsqlConnectionStringBuilder(ConnectionString).Port.ToString(CultureInfo.InvariantCulture);
        return _commands.RunAsync(Timeout, CancellationToken.None,
            _binaries.PgCtl, "start", "-D", Cluster, "-l", Path.Combine(_directory, "postgres.log"), "-w",
            "-o", $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=");
    }

    public async ValueTask DisposeAsync()
    {
        if (ServiceProcess.PostmasterOf(_directory) is not null)
            await StopAsync("immediate");
    }
}
