using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// R7 on an upgraded ledger: users who signed up, or may have, stay signed up. Users who only called or were granted
/// credit can still sign up.
/// </summary>
public sealed class SignupUpgradeTests
{
    // Each opened in a commit of its own, at a time of its own. Alice was opened by a grant.
    private const string Rows = """
        INSERT INTO user_budgets (user_id, balance_cents, total_spent_cents, total_added_cents, opening_cents,
            debits_cents, credits_cents, entry_count, created_at)
        VALUES ('signed', 0, 0, 0, 0, 0, 0, 0, '2026-01-01'), ('gifted', 100, 0, 100, 0, 0, 100, 1, '2026-01-02'),
               ('both', 95, 5, 100, 0, 5, 100, 2, '2026-01-03'), ('called', 0, 0, 0, 0, 0, 0, 0, '2026-01-04'),
               ('billed', -5, 5, 0, 0, 5, 0, 1, '2026-01-05'), ('waived', 0, 0, 0, 0, 0, 0, 0, '2026-01-06'),
               ('adopted', 40, 0, 40, 40, 0, 0, 0, '2025-01-01');
        INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, reference_type, created_at)
            VALUES
            ('01900000-0000-7000-8000-000000000012', 'equity:initial', 100, 0, 'initial', '2026-01-02'),
            ('01900000-0000-7000-8000-000000000012', 'user:gifted', 0, 100, 'initial', '2026-01-02'),
            ('01900000-0000-7000-8000-000000000013', 'equity:initial', 100, 0, 'initial', '2026-01-03'),
            ('01900000-0000-7000-8000-000000000013', 'user:both', 0, 100, 'initial', '2026-01-03'),
            ('01900000-0000-7000-8000-000000000014', 'user:both', 5, 0, 'llm_call', '2026-01-03'),
            ('01900000-0000-7000-8000-000000000014', 'expense:api', 0, 5, 'llm_call', '2026-01-03'),
            ('01900000-0000-7000-8000-000000000015', 'user:billed', 5, 0, 'llm_call', '2026-01-05'),
            ('01900000-0000-7000-8000-000000000015', 'expense:api', 0, 5, 'llm_call', '2026-01-05');
        INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, created_at) VALUES
            ('gifted', 100, 100, 'initial', '2026-01-02'), ('both', 100, 100, 'initial', '2026-01-03'),
            ('both', -5, 95, 'llm_call', '2026-01-03'),
            ('billed', -5, -5, 'llm_call', '2026-01-05');
        INSERT INTO llm_usage (id, user_id, request_id, user_price_cents, billing_status, review_reason, occurred_at,
            created_at, reviewed_at, reviewed_by,
                               review_balance_cents, transaction_id, balance_after_cents, request_hash) VALUES
            (gen_random_uuid(), 'called', 'free', 0, 'billed', NULL, '2026-01-04', '2026-01-04', NULL, NULL, NULL, NULL,
                0, 1),
            (gen_random_uuid(), 'waived', 'r', 0, 'billed', 'no-tokens', '2026-01-01', '2026-01-01', '2026-01-06',
                'root', 0, NULL, NULL, 1);
        INSERT INTO account_totals AS t (account, debits_cents, credits_cents, entry_count) VALUES
            ('equity:initial', 200, 0, 2), ('expense:api', 0, 10, 2), ('user:*', 10, 200, 4)
        ON CONFLICT (account) DO UPDATE SET debits_cents = t.debits_cents + excluded.debits_cents,
            credits_cents = t.credits_cents + excluded.credits_cents,
            entry_count = t.entry_count + excluded.entry_count;
        UPDATE ledger_origin SET opening_cents = opening_cents + 40;
        """;

    [Fact]
    public Task Only_budgets_that_a_call_a_grant_or_a_bill_opened_are_not_signed_up_R7() =>
        WithLedgerOfBeforeAsync(async database =>
        {
            await database.MigrateAsync();
            (await database.RowsAsync(
                "SELECT user_id, signed_up_at = created_at FROM user_budgets ORDER BY user_id")).ShouldBe(
                ["adopted|True", "alice|", "billed|", "both|True", "called|", "gifted|True", "signed|True", "waived|"]);
        });

    [Fact]
    public Task The_first_signup_after_the_upgrade_gives_credit_to_those_alone_R7() =>
        WithLedgerOfBeforeAsync(async database =>
        {
            await database.MigrateAsync();
            await database.PostAsync(async service =>
            {
                foreach (var user in (string[])["alice", "called", "gifted", "signed", "adopted"])
                {
                    var request =
                        new SignupRequest { UserId = user, InitialCreditCents = 10, OverrideHeadroomCheck = true };
                    (await service.SignUpAsync(request, CancellationToken.None)).Answer
                        .ShouldNotBeNull().Existed.ShouldBe(user is not ("alice" or "called"), user);
                }
            });
            (await database.RowsAsync("SELECT user_id FROM user_budgets WHERE signed_up_at > created_at "
                + "ORDER BY user_id")).ShouldBe(["alice", "called"]);
            (await database.RowsAsync("SELECT account FROM ledger_entries WHERE credit_cents = 10 ORDER BY id"))
                .ShouldBe(["user:alice", "user:called"]);
        });

    private static Task WithLedgerOfBeforeAsync(Func<TestDatabase, Task> test) =>
        EarlierLedger.WithAsync("KeepCheckSnapshot", Rows, test);
}
