using Factumerit.Ledger.Tests.Database;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>A ledger at an earlier migration, with a grant of 100 cents to alice and her call for 5 cents.</summary>
internal static class EarlierLedger
{
    private const string Books = """
        INSERT INTO user_budgets (user_id, balance_cents, total_spent_cents, total_added_cents, opening_cents,
            debits_cents, credits_cents, entry_count)
        VALUES ('alice', 95, 5, 100, 0, 5, 100, 2);
        INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, reference_type, reference_id)
            VALUES
            ('01900000-0000-7000-8000-000000000001', 'equity:grants', 100, 0, 'admin_credit', 'root'),
            ('01900000-0000-7000-8000-000000000001', 'user:alice', 0, 100, 'admin_credit', 'root'),
            ('01900000-0000-7000-8000-000000000002', 'user:alice', 5, 0, 'llm_call', 'call-1'),
            ('01900000-0000-7000-8000-000000000002', 'expense:api', 0, 5, 'llm_call', 'call-1');
        INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type)
            VALUES ('alice', 100, 100, 'admin_credit'), ('alice', -5, 95, 'llm_call');
        INSERT INTO account_totals (account, debits_cents, credits_cents, entry_count) VALUES
            ('equity:grants', 100, 0, 1), ('expense:api', 0, 5, 1), ('user:*', 5, 100, 2);
        INSERT INTO idempotency_keys (operation, key, request_hash, answer, created_at)
        VALUES ('grant', 'g', 0, '{"TransactionId":"01900000-0000-7000-8000-000000000001"}', now());
        """;

    /// <summary>A new database at that migration, with the books and the rows that a test adds to them.</summary>
    public static Task WithAsync(string migration, string moreRows, Func<TestDatabase, Task> test) =>
        OldDatabase.WithAsync("SELECT", async database =>
        {
            await using (var context = database.Ledger.CreateContext())
                await context.GetService<IMigrator>().MigrateAsync(migration);
            await database.ExecuteAsync(Books);
            await database.ExecuteAsync(moreRows);
            await test(database);
        });
}
