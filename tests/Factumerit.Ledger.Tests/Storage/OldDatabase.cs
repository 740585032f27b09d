using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// A database with rows from the system before the ledger: integer cents, and other choices of its owners. The
/// service's own migrator upgrades it.
/// </summary>
internal static class OldDatabase
{
    /// <summary>Serial ids, varchar names, times without a zone, a foreign key between the tables.</summary>
    public const string Serial = """
        CREATE TABLE user_budgets (
            user_id varchar(255) PRIMARY KEY, balance_cents integer NOT NULL DEFAULT 0,
            total_spent_cents integer NOT NULL DEFAULT 0,
            total_added_cents integer DEFAULT 0, promo_expires_at timestamp, created_at timestamp DEFAULT now(),
            updated_at timestamp DEFAULT now());
        CREATE TABLE budget_transactions (
            id serial PRIMARY KEY, user_id varchar(255) NOT NULL REFERENCES user_budgets (user_id),
            amount_cents integer NOT NULL,
            balance_after integer NOT NULL, transaction_type varchar(50) NOT NULL, description varchar(500),
            created_at timestamp DEFAULT now());
        CREATE INDEX idx_old_user ON budget_transactions (user_id, created_at DESC);
        """;

    /// <summary>Identity ids, text, times with a zone.</summary>
    public const string Identity = """
        CREATE TABLE user_budgets (
            user_id text PRIMARY KEY, balance_cents bigint NOT NULL, total_spent_cents bigint NOT NULL DEFAULT 0,
            total_added_cents bigint NOT NULL DEFAULT 0, promo_expires_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE budget_transactions (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id text NOT NULL REFERENCES user_budgets,
            amount_cents bigint NOT NULL,
            balance_after bigint NOT NULL, transaction_type text NOT NULL, description text,
            created_at timestamptz NOT NULL DEFAULT now());
        """;

    /// <summary>A user with debt, one without rows, one with a fine history and an empty description.</summary>
    public const string Rows = """
        INSERT INTO user_budgets (user_id, balance_cents, total_spent_cents, total_added_cents, promo_expires_at,
            created_at, updated_at) VALUES
            ('vikunja:alice', 450, 50, 500, '2025-06-01 12:00:00', '2025-01-02 03:04:05.678901', '2025-01-03 00:00:00'),
            ('bob', -7, 107, 100, NULL, '2025-01-02 03:04:06', '2025-01-04 00:00:00'),
            ('carol', 100, 0, 100, NULL, '2025-01-02 03:04:07', '2025-01-02 03:04:07');
        INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, description,
            created_at) VALUES
            ('vikunja:alice', 500, 500, 'initial', 'welcome', '2025-01-02 03:04:05.678901'),
            ('vikunja:alice', -50, 450, 'llm_call', NULL, '2025-01-03 00:00:00'),
            ('bob', 100, 100, 'initial', '', '2025-01-02 03:04:06'),
            ('bob', -107, -7, 'llm_call', NULL, '2025-01-04 00:00:00');
        """;

    /// <summary>
    /// A ledger of integer cents that the earlier system began, with views under the names that the ledger uses.
    /// </summary>
    public const string Ledger = """
        CREATE TABLE ledger_entries (
            id serial PRIMARY KEY, transaction_id uuid NOT NULL, account varchar(255) NOT NULL,
            debit_cents integer NOT NULL DEFAULT 0,
            credit_cents integer NOT NULL DEFAULT 0, description text, reference_type varchar(50),
            reference_id varchar(255),
            created_at timestamp NOT NULL DEFAULT now(),
            CONSTRAINT one_side CHECK (debit_cents >= 0 AND credit_cents >= 0));
        CREATE INDEX idx_ledger_account ON ledger_entries (account);
        INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, description, reference_type,
            reference_id, created_at) VALUES
            ('00000000-0000-7000-8000-000000000001', 'equity:capital', 2759, 0, 'bought', 'purchase', 'INV-1',
                '2025-01-01 00:00:00'),
            ('00000000-0000-7000-8000-000000000001', 'asset:anthropic', 0, 2500, 'bought', 'purchase', 'INV-1',
                '2025-01-01 00:00:00'),
            ('00000000-0000-7000-8000-000000000001', 'expense:sales_tax', 0, 259, 'bought', 'purchase', 'INV-1',
                '2025-01-01 00:00:00'),
            ('00000000-0000-7000-8000-000000000002', 'user:vikunja:alice', 50, 0, NULL, 'llm_call', NULL,
                '2025-01-03 00:00:00'),
            ('00000000-0000-7000-8000-000000000002', 'expense:api', 0, 50, NULL, 'llm_call', NULL,
                '2025-01-03 00:00:00'),
            ('00000000-0000-7000-8000-000000000003', 'equity:grants', 30, 0, NULL, 'admin_credit', 'root',
                '2025-01-05 00:00:00'),
            ('00000000-0000-7000-8000-000000000003', 'user:dave', 0, 30, NULL, 'admin_credit', 'root',
                '2025-01-05 00:00:00');
        CREATE VIEW account_balances AS SELECT account, sum(credit_cents - debit_cents) AS balance_cents
            FROM ledger_entries GROUP BY account;
        CREATE VIEW user_ledger_balances AS SELECT account AS user_id, balance_cents FROM account_balances
            WHERE account LIKE 'user:%';
        CREATE VIEW ledger_integrity AS SELECT sum(debit_cents) AS total_debits FROM ledger_entries;
        """;

    /// <summary>An empty database with these tables and rows, not migrated yet.</summary>
    public static async Task WithAsync(string sql, Func<TestDatabase, Task> test)
    {
        var database = await TestDatabase.CreateEmptyAsync();
        try
        {
            await database.ExecuteAsync(sql);
            await test(database);
        }
        finally
        {
            await database.DisposeAsync();
        }
    }

    public static Task MigrateAsync(this TestDatabase database) =>
        Migrator.MigrateAsync(database.Ledger, CancellationToken.None);
}
