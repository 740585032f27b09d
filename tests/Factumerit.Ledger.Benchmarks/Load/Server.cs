using System.Globalization;
using Factumerit.Ledger.EmbeddedPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>The PostgreSQL of one run: embedded, fresh, as durable as it comes, and gone with the run.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly string[] SettingsThatMatter =
    [
        "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size",
        "checkpoint_timeout", "max_connections", "data_checksums",
    ];

    private readonly PrivatePostgres _postgres;
    private readonly string _directory;

    private Server(PrivatePostgres postgres, string directory, string binaries) =>
        (_postgres, _directory, Binaries) = (postgres, directory, binaries);

    /// <summary>Where the server's programs are.</summary>
    public string Binaries { get; }
    public string Version => _postgres.Version;

    /// <summary>Where the server keeps its data.</summary>
    public string Directory => _directory;

    public static async Task<Server> StartAsync(string directory, CancellationToken cancellationToken)
    {
        var bin = Environment.GetEnvironmentVariable("Embedded__BinDirectory");
        var binaries = await EmbeddedPostgresBinaries.FindAsync(bin, null, cancellationToken);
        if (!File.Exists(Path.Combine(binaries.Directory, "pgbench")))
            throw new InvalidOperationException("pgbench is missing beside the programs of PostgreSQL in "
                + $"'{binaries.Directory}': install it (Debian: postgresql-contrib or postgresql).");
        var options = new EmbeddedPostgresOptions { DataDirectory = directory, BinDirectory = binaries.Directory };
        return new Server(
            await PrivatePostgres.StartAsync(options, NullLogger.Instance, cancellationToken),
            directory, binaries.Directory);
    }

    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(_postgres.ConnectionString) { Database = database }.ConnectionString;

    /// <summary>Creates a database: a copy of a template that nobody is connected to, or an empty one.</summary>
    public async Task<string> CreateDatabaseAsync(string name, string? template, CancellationToken cancellationToken)
    {
        await DropDatabaseAsync(name, cancellationToken);
        await ExecuteAsync("postgres", $"CREATE DATABASE {name} TEMPLATE {template ?? "template0"}", cancellationToken);
        return ConnectionString(name);
    }

    public async Task DropDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync("postgres", $"DROP DATABASE IF EXISTS {name} WITH (FORCE)", cancellationToken);
    }

    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(database, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<T> ScalarAsync<T>(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(database, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Runs pgbench against a database and returns what it printed.</summary>
    public Task<string> PgBenchAsync(string database, CancellationToken cancellationToken, params string[] arguments)
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionString(database));
        var environment = new Dictionary<string, string>
        {
            ["PGHOST"] = settings.Host!,
            ["PGPORT"] = settings.Port.ToString(CultureInfo.InvariantCulture),
            ["PGUSER"] = settings.Username!,
            ["PGPASSWORD"] = settings.Password!,
        };
        return Child.RunAsync(
            Path.Combine(Binaries, "pgbench"), [.. arguments, database], environment, cancellationToken);
    }

    /// <summary>The settings that decide how fast and how safe a commit is.</summary>
    public async Task<string> SettingsAsync(CancellationToken cancellationToken)
    {
        var settings = new List<string>();
        foreach (var name in SettingsThatMatter)
            settings.Add($"{name}={await ScalarAsync<string>("postgres", $"SHOW {name}", cancellationToken)}");
        return string.Join(", ", settings);
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _postgres.DisposeAsync();
        System.IO.Directory.Delete(_directory, recursive: true);
    }

    private async Task<NpgsqlConnection> OpenAsync(string database, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ConnectionString(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }
}
