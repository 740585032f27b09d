using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>A migrated database for one test class, with the few SQL queries that tests need.</summary>
public sealed class TestDatabase : IAsyncLifetime
{
    public string ConnectionString { get; private set; } = "";

    public LedgerDatabase Ledger { get; private set; } = null!;

    /// <summary>A database with nothing in it, not even the schema.</summary>
    public static async Task<TestDatabase> CreateEmptyAsync()
    {
        var connectionString = await TestServer.CreateEmptyDatabaseAsync();
        return new TestDatabase { ConnectionString = connectionString, Ledger = new LedgerDatabase(connectionString) };
    }

    public async Task InitializeAsync()
    {
        ConnectionString = await TestServer.CreateDatabaseAsync();
        Ledger = new LedgerDatabase(ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await Ledger.DisposeAsync();
        await TestServer.DropDatabaseAsync(ConnectionString);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Ledger.Readers.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Ledger.Readers.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Checks R1, R2, R3, R11, R13 and R14 against the stored data. Fails with the list of faults.</summary>
    public async Task AssertIntegrityAsync()
    {
        var report = await new IntegrityCheck(Ledger).ReportAsync(full: true, CancellationToken.None);
        report.Faults.ShouldBeEmpty();
        report.IsBalanced.ShouldBeTrue();
        report.Imbalance.ShouldBe(0);
    }

    /// <summary>The SQLSTATE with which the database refuses a statement; null when it takes it.</summary>
    public async Task<string?> RefusalOfAsync(string sql)
    {
        try
        {
            await ExecuteAsync(sql);
            return null;
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }
}
