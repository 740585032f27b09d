using Factumerit.Ledger.Tests.Database;
using static Factumerit.Ledger.Tests.Storage.LedgerSql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// The three views for other readers compute their figures from the entries, correct when empty and when not.
/// </summary>
public sealed class ViewTests
{
    [Fact]
    public async Task An_empty_ledger_has_one_row_of_zeros_in_ledger_integrity() =>
        await DatabaseQueries.WithDatabaseAsync(async database =>
        {
            (await database.RowsAsync("SELECT total_debits, total_credits, imbalance FROM ledger_integrity"))
                .ShouldBe(["0|0|0"]);
            (await database.RowsAsync("SELECT * FROM account_balances")).ShouldBeEmpty();
            (await database.RowsAsync("SELECT * FROM user_ledger_balances")).ShouldBeEmpty();
        });

    [Fact]
    public async Task Balances_are_credits_less_debits() =>
        await DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.ExecuteAsync(InsertMove("equity:grants", "user:alice", "500"));
            await database.ExecuteAsync(InsertMove("user:alice", "expense:api", "0.0165"));
            await database.ExecuteAsync(InsertMove("user:alice", "expense:api", "5"));
            await database.ExecuteAsync(InsertMove("user:user:x", "expense:api", "7"));

            (await database.RowsAsync("SELECT account, balance_cents, total_debits, total_credits, entry_count "
                + "FROM account_balances ORDER BY account")).ShouldBe([
                "equity:grants|-500|500|0|1", "expense:api|12.0165|0|12.0165|3", "user:alice|494.9835|5.0165|500|3",
                "user:user:x|-7|7|0|1"]);
            (await database.RowsAsync("SELECT user_id, balance_cents FROM user_ledger_balances ORDER BY user_id"))
                .ShouldBe(["alice|494.9835", "user:x|-7"]);
            (await database.RowsAsync("SELECT total_debits, total_credits, imbalance FROM ledger_integrity"))
                .ShouldBe(["512.0165|512.0165|0"]);
        });

    [Fact]
    public async Task An_imbalance_shows_as_credits_less_debits_R1() =>
        await DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.ExecuteAsync(Commit(
                "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
                Insert(Guid.CreateVersion7(), ("equity:grants", "5", "0"), ("user:alice", "0", "7")),
                "ALTER TABLE ledger_entries ENABLE TRIGGER USER"));
            (await database.RowsAsync("SELECT total_debits, total_credits, imbalance FROM ledger_integrity"))
                .ShouldBe(["5|7|2"]);
        });
}
