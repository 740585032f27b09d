using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>R3: a check reads every budget that changed since the last clean check, however it changed.</summary>
public sealed class ChangedBudgetTests
{
    // What a check compares bob with. Nobody else's budget shows that it is wrong.
    private const string SpoilCheckpointOfBob =
        "UPDATE ledger_checkpoint_accounts SET debits_cents = debits_cents + 1 WHERE account = 'user:bob'";

    [Fact]
    public Task A_budget_that_did_not_change_is_not_looked_at_again() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAndCheckAsync(database);
            await database.ExecuteAsync(SpoilCheckpointOfBob);

            await UseAsync(database, "alice");
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
            await UseAsync(database, "bob");
            (await FaultsAsync(database)).ShouldBe(["budget-mismatch bob", "total-mismatch bob"]);
        });

    [Theory]
    [InlineData("UPDATE ledger_checkpoint SET checked_at = checked_at",
        "it was written by another transaction than it says, as after a restore")]
    [InlineData("UPDATE ledger_checkpoint SET unseen_from = NULL, written_by = NULL", "it is of before it said so")]
    [InlineData("UPDATE ledger_checkpoint SET unseen_from = (unseen_from::text::bigint + 1000000)::text::xid8, "
        + "written_by = pg_current_xact_id()", "it is from the future")]
    public Task Where_transactions_of_the_checkpoint_mean_nothing_all_budgets_are_looked_at(
        string sql, string reason) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAndCheckAsync(database);
            await database.ExecuteAsync(SpoilCheckpointOfBob);

            await database.ExecuteAsync(sql);

            (await FaultsAsync(database)).ShouldBe(["budget-mismatch bob", "total-mismatch bob"], reason);
        });

    [Theory]
    [InlineData(
        "UPDATE user_budgets SET balance_cents = balance_cents + 1 WHERE user_id = 'bob'", "budget-mismatch bob")]
    [InlineData("UPDATE user_budgets SET debits_cents = debits_cents + 1, credits_cents = credits_cents + 1 "
        + "WHERE user_id = 'bob'", "total-mismatch bob")]
    [InlineData("UPDATE user_budgets SET entry_count = entry_count + CASE user_id WHEN 'bob' THEN 1 ELSE -1 END",
        "total-mismatch alice, total-mismatch bob, total-mismatch carol")]
    [InlineData("DELETE FROM user_budgets WHERE user_id = 'bob'", "budget-mismatch bob")]
    [InlineData("WITH gone AS (DELETE FROM user_budgets WHERE user_id = 'bob' RETURNING entry_count) "
        + "UPDATE user_budgets u SET entry_count = u.entry_count + gone.entry_count FROM gone WHERE user_id = 'alice'",
        "budget-mismatch bob, total-mismatch alice")]
    [InlineData("INSERT INTO user_budgets (user_id, balance_cents) VALUES ('dave', 1)", "budget-mismatch dave")]
    public Task A_budget_that_was_changed_by_hand_is_named_whoever_else_changed(string sql, string faults) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAndCheckAsync(database);
            await UseAsync(database, "carol");

            await database.ExecuteAsync(sql);

            string.Join(", ", await FaultsAsync(database)).ShouldBe(faults);
            (await database.CheckIntegrityAsync()).Faults.ShouldNotBeEmpty("a check with a fault leaves no checkpoint");
        });

    // Its transaction is older than others that the check saw, and newer than none of the next one.
    [Fact]
    public Task A_change_that_was_not_over_when_a_check_looked_is_looked_at_by_the_next() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAndCheckAsync(database);
            await using (var connection = await database.Ledger.Readers.OpenConnectionAsync())
            {
                await using var change = await connection.BeginTransactionAsync();
                await using var command = connection.CreateCommand();
                command.CommandText = "UPDATE user_budgets SET balance_cents = balance_cents + 1 WHERE user_id = 'bob'";
                await command.ExecuteNonQueryAsync();
                for (var check = 0; check < 2; check++)
                {
                    await UseAsync(database, "alice");
                    (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
                }
                await change.CommitAsync();
            }
            await UseAsync(database, "alice");

            (await FaultsAsync(database)).ShouldBe(["budget-mismatch bob"]);
        });

    [Fact]
    public Task Checks_among_all_kinds_of_postings_find_the_books_balanced_and_leave_the_sums_of_the_entries() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAndCheckAsync(database);
            foreach (var user in new[] { "alice", "bob", "carol", "alice" })
            {
                await UseAsync(database, user);
                (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
            }
            await database.PostAsync(
                async service => (await service.DeleteUserAsync("bob", CancellationToken.None)).Refusal.ShouldBeNull());
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();

            (await database.RowsAsync("""
                SELECT account FROM (SELECT account, sum(debit_cents) AS debits, sum(credit_cents) AS credits,
                    count(*) AS entries FROM ledger_entries GROUP BY account) e
                FULL JOIN (SELECT * FROM ledger_checkpoint_accounts WHERE account <> 'user:*') c USING (account)
                WHERE (debits, credits, entries) IS DISTINCT FROM (debits_cents, credits_cents, entry_count)
                """)).ShouldBeEmpty();
            await database.AssertIntegrityAsync();
        });

    private static async Task<string[]> FaultsAsync(TestDatabase database) =>
        [.. (await database.CheckIntegrityAsync()).Faults.Select(f => $"{f.Kind} {f.Id}")
            .Order(StringComparer.Ordinal)];

    private static async Task FillAndCheckAsync(TestDatabase database)
    {
        await database.PostAsync(async service => (await service.PurchaseAsync(
            new() { CreditsCents = 1000 }, "p", CancellationToken.None)).Refusal.ShouldBeNull());
        foreach (var user in new[] { "alice", "bob", "carol" })
            await database.PostAsync(async service =>
                (await service.SignUpAsync(
                    new() { UserId = user, InitialCreditCents = 100 }, CancellationToken.None)).Refusal.ShouldBeNull());
        // Transactions of other databases on the same server hold back what a check counts as seen.
        var began = TimeProvider.System.GetTimestamp();
        do
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromMinutes(2));
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
        }
        while (!await database.ScalarAsync<bool>(
            "SELECT bool_and(age(b.xmin) > age(c.unseen_from::xid)) FROM user_budgets b, ledger_checkpoint c"));
    }

    private static Task UseAsync(TestDatabase database, string user) => database.PostAsync(async service =>
        (await service.RecordUsageAsync(new() { UserId = user, AmountCents = 1, RequestId = Guid.NewGuid().ToString() },
            CancellationToken.None)).Refusal.ShouldBeNull());
}
