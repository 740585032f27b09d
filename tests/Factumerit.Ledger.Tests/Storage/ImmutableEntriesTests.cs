using Factumerit.Ledger.Tests.Database;
using Npgsql;
using static Factumerit.Ledger.Tests.Storage.LedgerSql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>R2: entries are never updated or deleted, by anyone, however they are asked.</summary>
public sealed class ImmutableEntriesTests : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly TestDatabase _database;

    public ImmutableEntriesTests(TestDatabase database) => _database = database;

    public Task InitializeAsync() => _database.ExecuteAsync(InsertMove("equity:capital", "asset:anthropic", "5"));

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("UPDATE ledger_entries SET description = 'x'")]
    [InlineData("UPDATE ledger_entries SET debit_cents = debit_cents")]
    [InlineData("UPDATE ledger_entries SET description = 'x' WHERE false")]
    [InlineData("DELETE FROM ledger_entries")]
    [InlineData("DELETE FROM ledger_entries WHERE account = 'asset:anthropic'")]
    [InlineData("TRUNCATE ledger_entries")]
    [InlineData("TRUNCATE user_budgets, ledger_entries RESTART IDENTITY CASCADE")]
    [InlineData("INSERT INTO ledger_entries (id, transaction_id, account, debit_cents) SELECT id, transaction_id, "
        + "account, debit_cents FROM ledger_entries ON CONFLICT (id) DO UPDATE SET description = 'x'")]
    [InlineData("MERGE INTO ledger_entries e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE")]
    [InlineData("WITH gone AS (DELETE FROM ledger_entries RETURNING *) SELECT * FROM gone")]
    public async Task Entries_are_neither_updated_nor_deleted_R2(string sql)
    {
        var before = await SnapshotAsync();
        (await _database.RefusalOfAsync(sql)).ShouldBe(PostgresErrorCodes.RestrictViolation);
        (await _database.RefusalOfAsync($"SET session_replication_role = replica; {sql}"))
            .ShouldBe(PostgresErrorCodes.RestrictViolation, "as a replica");
        (await SnapshotAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task The_refusal_says_what_to_do_instead_R2()
    {
        var refusal = await Should.ThrowAsync<PostgresException>(
            () => _database.ExecuteAsync("DELETE FROM ledger_entries"));
        refusal.MessageText.ShouldBe(
            "Entries are never updated or deleted (R2): book a new transaction instead of DELETE on ledger_entries.");
    }

    private Task<string> SnapshotAsync() =>
        _database.ScalarAsync<string>("SELECT string_agg(e::text, ';' ORDER BY id) FROM ledger_entries e");
}
