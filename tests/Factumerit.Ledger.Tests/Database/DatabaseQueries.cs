using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>More queries for tests, postings through the service, and a database for a single test.</summary>
internal static class DatabaseQueries
{
    /// <summary>
    /// Returns each row as one line: columns separated by |, amounts without trailing zeros, NULL as an empty text.
    /// </summary>
    public static async Task<List<string>> RowsAsync(this TestDatabase database, string sql)
    {
        await using var command = database.Ledger.Readers.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => Text(reader, column))));
        return rows;
    }

    /// <summary>Queries that wait for a lock: each holds its connection meanwhile.</summary>
    public static Task<long> QueriesThatWaitAsync(this TestDatabase database) =>
        database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");

    public static Task<IntegrityReport> CheckIntegrityAsync(this TestDatabase database) =>
        new IntegrityCheck(database.Ledger).RunAsync(CancellationToken.None);

    /// <summary>Runs postings through a service of their own, as after a start on this database.</summary>
    public static async Task PostAsync(
        this TestDatabase database, Func<BudgetService, Task> post, CurrentPrices? prices = null)
    {
        await using var writer = new LedgerWriter(
            database.Ledger, new WriterOptions(), TimeProvider.System, NullLogger<LedgerWriter>.Instance);
        await post(new BudgetService(writer, prices ?? new CurrentPrices(Markups.None), TimeProvider.System));
    }

    /// <summary>Runs a test on a migrated, empty database that no other test sees.</summary>
    public static async Task WithDatabaseAsync(Func<TestDatabase, Task> test)
    {
        var database = new TestDatabase();
        await database.InitializeAsync();
        try
        {
            await test(database);
        }
        finally
        {
            await database.DisposeAsync();
        }
    }

    private static string Text(NpgsqlDataReader reader, int column) =>
        reader.GetValue(column) is decimal cents ? Money.Format(cents) : $"{reader.GetValue(column)}";
}
