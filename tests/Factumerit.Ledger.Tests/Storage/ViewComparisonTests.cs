using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>A full check compares every stored total and budget with the three views.</summary>
public sealed class ViewComparisonTests
{
    // The entries and the stored sums agree; only the view differs. So only a comparison with the view can find it.
    [Theory]
    [InlineData("total-mismatch", "expense:api", "account_balances", """
        SELECT account, sum(credit_cents) - sum(debit_cents) AS balance_cents, sum(debit_cents) AS total_debits,
               sum(credit_cents) + CASE account WHEN 'expense:api' THEN 0.0000001 ELSE 0 END AS total_credits,
               count(*) AS entry_count
        FROM ledger_entries GROUP BY account
        """)]
    [InlineData("total-mismatch", "alice", "account_balances", """
        SELECT account, sum(credit_cents) - sum(debit_cents) AS balance_cents, sum(debit_cents) AS total_debits,
               sum(credit_cents) AS total_credits, count(*) AS entry_count
        FROM ledger_entries WHERE account <> 'user:alice' GROUP BY account
        """)]
    [InlineData("budget-mismatch", "alice", "user_ledger_balances", """
        SELECT substr(account, 6) AS user_id,
               sum(credit_cents) - sum(debit_cents)
               - CASE account WHEN 'user:alice' THEN 0.0000001 ELSE 0 END AS balance_cents
        FROM ledger_entries WHERE account >= 'user:' AND account < 'user;' GROUP BY account
        """)]
    [InlineData("total-mismatch", "ledger", "ledger_integrity", """
        SELECT sum(debit_cents) AS total_debits, sum(credit_cents) AS total_credits, 0.0000001 AS imbalance
        FROM ledger_entries
        """)]
    [InlineData("total-mismatch", "ledger", "ledger_integrity", """
        SELECT 0::numeric AS total_debits, 0::numeric AS total_credits, 0::numeric AS imbalance WHERE false
        """)]
    [InlineData("total-mismatch", "ledger", "ledger_integrity", """
        SELECT sum(debit_cents) AS total_debits, sum(credit_cents) AS total_credits, 0::numeric AS imbalance
        FROM ledger_entries, generate_series(1, 2) copy GROUP BY copy
        """)]
    [InlineData("total-mismatch", "expense:api", "account_balances", """
        SELECT account, sum(credit_cents) - sum(debit_cents) AS balance_cents, sum(debit_cents) AS total_debits,
               sum(credit_cents) AS total_credits, count(*) AS entry_count
        FROM ledger_entries, generate_series(1, 2) copy WHERE account = 'expense:api' OR copy = 1
        GROUP BY account, copy
        """)]
    [InlineData("total-mismatch", "equity:expired", "account_balances", """
        SELECT account, sum(credit_cents) - sum(debit_cents) AS balance_cents, sum(debit_cents) AS total_debits,
               sum(credit_cents) AS total_credits, count(*) AS entry_count
        FROM ledger_entries GROUP BY account
        UNION ALL SELECT 'equity:expired', 0, 0, 0, 0
        """)]
    [InlineData("budget-mismatch", "alice", "user_ledger_balances", """
        SELECT substr(account, 6) AS user_id, sum(credit_cents) - sum(debit_cents) AS balance_cents
        FROM ledger_entries, generate_series(1, 2) copy
        WHERE account >= 'user:' AND account < 'user;' AND (account = 'user:alice' OR copy = 1) GROUP BY account, copy
        """)]
    [InlineData("budget-mismatch", "(none)", "user_ledger_balances", """
        SELECT substr(account, 6) AS user_id, sum(credit_cents) - sum(debit_cents) AS balance_cents
        FROM ledger_entries WHERE account >= 'user:' AND account < 'user;' GROUP BY account
        UNION ALL SELECT NULL, 0
        """)]
    [InlineData("budget-mismatch", "ghost", "user_ledger_balances", """
        SELECT substr(account, 6) AS user_id, sum(credit_cents) - sum(debit_cents) AS balance_cents
        FROM ledger_entries WHERE account >= 'user:' AND account < 'user;' GROUP BY account
        UNION ALL SELECT 'ghost', 0
        """)]
    public Task A_view_that_differs_is_named_by_a_full_check(string kind, string id, string view, string sql) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await IntegrityCheckTests.FillAsync(database);
            await database.ExecuteAsync($"CREATE OR REPLACE VIEW {view} AS {sql}");
            var report = await new IntegrityCheck(database.Ledger).ReportAsync(full: true, CancellationToken.None);
            var fault = report.Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id).ShouldBe((kind, id));
            fault.Detail.ShouldContain($"the view {view} says");
            report.IsBalanced.ShouldBeFalse();
        });

    // The comparison with the views alone finds each stored figure that is changed.
    [Theory]
    [InlineData("UPDATE account_totals SET debits_cents = debits_cents + 1 WHERE account = 'expense:api'", 0)]
    [InlineData("DELETE FROM account_totals WHERE account = 'asset:anthropic'", 0)]
    [InlineData("UPDATE user_budgets SET entry_count = entry_count + 1 WHERE user_id = 'alice'", 0)]
    [InlineData("UPDATE user_budgets SET balance_cents = balance_cents + 0.0000001 WHERE user_id = 'alice'", 1)]
    [InlineData("UPDATE user_budgets SET opening_cents = opening_cents - 1 WHERE user_id = 'bob'", 1)]
    [InlineData("DELETE FROM user_budgets WHERE user_id = 'alice'", 1)]
    [InlineData("UPDATE account_totals SET credits_cents = credits_cents + 1 WHERE account = 'user:*'", 2)]
    public Task A_stored_figure_differs_from_its_view(string sql, int check) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await IntegrityCheckTests.FillAsync(database);
            for (var i = 0; i < ViewSql.Checks.Length; i++)
                (await database.ScalarAsync<long>($"SELECT count(*) FROM ({ViewSql.Checks[i]}) f")).ShouldBe(0);
            await database.ExecuteAsync(sql);
            (await database.ScalarAsync<long>($"SELECT count(*) FROM ({ViewSql.Checks[check]}) f")).ShouldBe(1);
        });

    [Theory]
    [InlineData("account_balances", "ALTER VIEW account_balances RENAME TO gone", "does not exist")]
    [InlineData(
        "user_ledger_balances", "ALTER VIEW user_ledger_balances RENAME COLUMN user_id TO id", "lacks user_id")]
    [InlineData("ledger_integrity", "DROP VIEW ledger_integrity", "does not exist")]
    public Task A_view_that_is_missing_or_lacks_a_column_is_named(string view, string sql, string detail) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await IntegrityCheckTests.FillAsync(database);
            await database.ExecuteAsync(sql);
            var report = await new IntegrityCheck(database.Ledger).ReportAsync(full: true, CancellationToken.None);
            var fault = report.Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id).ShouldBe(("view-damaged", view));
            fault.Detail.ShouldContain(detail);
            report.IsBalanced.ShouldBeFalse();
        });
}
