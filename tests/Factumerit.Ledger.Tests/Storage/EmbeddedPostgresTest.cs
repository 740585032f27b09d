using System.Diagnostics;
using Factumerit.Ledger.EmbeddedPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>A directory of its own for each test of the embedded PostgreSQL, and no server left behind.</summary>
public abstract class EmbeddedPostgresTest : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly List<PrivatePostgres> _started = [];

    /// <summary>Under a parent that only its owner may enter, and with a name that needs quoting.</summary>
    protected string DataDirectory { get; } = Path.Combine(
        Directory.CreateTempSubdirectory("ledger-").FullName, "bücher 2026", ".factumerit");

    protected string Cluster => Path.Combine(DataDirectory, "postgres");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var postgres in _started)
            await postgres.DisposeAsync();
        Directory.Delete(Path.GetFullPath(Path.Combine(DataDirectory, "../..")), recursive: true);
    }

    protected async Task<PrivatePostgres> StartAsync(string? binDirectory = null, string? dataDirectory = null)
    {
        var options =
            new EmbeddedPostgresOptions { DataDirectory = dataDirectory ?? DataDirectory, BinDirectory = binDirectory };
        using var deadline = new CancellationTokenSource(Deadline);
        var postgres = await PrivatePostgres.StartAsync(options, NullLogger.Instance, deadline.Token);
        _started.Add(postgres);
        return postgres;
    }

    protected static async Task<string?> QueryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (await command.ExecuteScalarAsync())?.ToString();
    }

    /// <summary>Asks until the server answers again.</summary>
    protected static async Task<string?> QueryOnceBackAsync(string connectionString, string sql)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return await QueryAsync(connectionString, sql);
            }
            catch (NpgsqlException) when (TimeProvider.System.GetElapsedTime(began) < Deadline)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    /// <summary>kill -9, and waits until the process is gone.</summary>
    protected static async Task KillAsync(int processId)
    {
        using (var victim = Process.GetProcessById(processId))
            victim.Kill();
        var began = TimeProvider.System.GetTimestamp();
        while (EmbeddedPostgresPidFile.IsPostgres(processId))
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(Deadline);
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }
}
