using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// R13: created_at never decreases with increasing entry ids, even if the server's clock is set back.
/// </summary>
public sealed class CommitTimeTests
{
    [Fact]
    public Task A_clock_that_was_set_back_does_not_turn_the_order_R13() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            // Seen from an entry of next week, the clock now stands a week too early.
            await database.ExecuteAsync($"""
                INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, created_at) VALUES
                    ('{Guid.Empty}', 'equity:capital', 5, 0, now() + interval '7 days'),
                    ('{Guid.Empty}', 'asset:anthropic', 0, 5, now() + interval '7 days')
                """);
            await database.PostAsync(async service =>
            {
                await service.GrantAsync(
                    new() { UserId = "alice", AmountCents = 10 }, "root", "g", CancellationToken.None);
                await service.RecordUsageAsync(
                    new() { UserId = "alice", AmountCents = 1, RequestId = "call-1" }, CancellationToken.None);
            });
            (await database.ScalarAsync<long>("""
                SELECT count(*)
                FROM (SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM ledger_entries) e
                WHERE created_at < before
                """)).ShouldBe(0);
            (await database.ScalarAsync<bool>(
                "SELECT bool_and(created_at > now() + interval '6 days') FROM ledger_entries")).ShouldBeTrue();
        });

    [Fact]
    public Task Every_row_of_a_commit_carries_the_time_of_its_entries_R13() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(async service =>
            {
                await service.GrantAsync(
                    new() { UserId = "alice", AmountCents = 10 }, "root", "g", CancellationToken.None);
                await service.RecordUsageAsync(
                    new() { UserId = "alice", AmountCents = 1, RequestId = "call-1" }, CancellationToken.None);
            });
            (await database.RowsAsync("""
                SELECT count(DISTINCT t) FROM (
                    SELECT created_at AS t FROM ledger_entries WHERE reference_type = 'llm_call' UNION ALL
                    SELECT created_at FROM budget_transactions WHERE transaction_type = 'llm_call' UNION ALL
                    SELECT created_at FROM llm_usage UNION ALL SELECT occurred_at FROM llm_usage UNION ALL
                    SELECT updated_at FROM user_budgets) times
                """)).ShouldBe(["1"]);
        });
}
