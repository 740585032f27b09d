using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>
/// The PostgreSQL of one test run: the server in ConnectionStrings__Ledger (its user must be allowed to create
/// databases), else a container if a Docker engine answers, else an embedded server. The schema is migrated once into
/// a template, which each test class copies.
/// </summary>
internal static class TestServer
{
    private const string DirectoryPrefix = "factumerit-tests-";
    private const string Template = "factumerit_test_template";
    private static readonly Lazy<Task<string>> Started = new(StartAsync);

    /// <summary>A migrated, empty database of its own.</summary>
    public static Task<string> CreateDatabaseAsync() => CreateAsync($"TEMPLATE {Template}");

    /// <summary>A database with nothing in it, not even the schema.</summary>
    public static async Task<string> CreateEmptyDatabaseAsync() => await CreateAsync("TEMPLATE template0");

    public static async Task DropDatabaseAsync(string connectionString)
    {
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await ExecuteAsync(await Started.Value, $"DROP DATABASE {name} WITH (FORCE)");
    }

    /// <summary>An empty database of an encoding that goes with the collation C.</summary>
    public static Task<string> CreateDatabaseOfEncodingAsync(string encoding) =>
        CreateAsync($"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");

    /// <summary>Runs a statement that concerns the whole server, such as one on roles.</summary>
    public static async Task ExecuteAsync(string sql) => await ExecuteAsync(await Started.Value, sql);

    private static async Task<string> CreateAsync(string clause)
    {
        var server = await Started.Value;
        var name = $"test_{Guid.NewGuid():N}";
        await ExecuteAsync(server, $"CREATE DATABASE {name} {clause}");
        return new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    private static async Task<string> StartAsync()
    {
        var server = new NpgsqlConnectionStringBuilder(await FindServerAsync()) { Pooling = false }.ConnectionString;
        await ExecuteAsync(server, $"DROP DATABASE IF EXISTS {Template}");
        await ExecuteAsync(server, $"CREATE DATABASE {Template} TEMPLATE template0");
        await using (var template = new LedgerDatabase(
            new NpgsqlConnectionStringBuilder(server) { Database = Template }.ConnectionString))
            await Migrator.MigrateAsync(template, CancellationToken.None);
        return server;
    }

    private static async Task<string> FindServerAsync()
    {
        if (Environment.GetEnvironmentVariable("ConnectionStrings__Ledger") is { Length: > 0 } given)
            return given;
        if (await ContainerPostgres.IsPossibleAsync())
            return await WithoutFsyncAsync(await ContainerPostgres.StartAsync());
        RemoveLeftovers();
        var directory = Path.Combine(Path.GetTempPath(), $"{DirectoryPrefix}{Environment.ProcessId}");
        var server = await PrivatePostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = directory }, NullLogger.Instance, CancellationToken.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Directory.Delete(directory, recursive: true);
        };
        return await WithoutFsyncAsync(server.ConnectionString);
    }

    // A test's database need not survive a crash of the machine, and dropping one waits for the disk. Tests of crashes
    // start their own servers.
    private static async Task<string> WithoutFsyncAsync(string server)
    {
        await ExecuteAsync(server, "ALTER SYSTEM SET fsync = off");
        await ExecuteAsync(server, "SELECT pg_reload_conf()");
        return server;
    }

    // Of runs that were ended from outside.
    private static void RemoveLeftovers()
    {
        foreach (var directory in Directory.GetDirectories(Path.GetTempPath(), $"{DirectoryPrefix}*"))
            if (!Directory.Exists($"/proc/{directory[(directory.LastIndexOf('-') + 1)..]}"))
                Directory.Delete(directory, recursive: true);
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
