using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// Breaks one rule at a time, as a superuser can with the triggers off: the report names exactly that kind of fault. A
/// healthy ledger has no fault.
/// </summary>
public sealed class IntegrityCheckTests
{
    private const string AliceId = "(SELECT max(id) FROM ledger_entries WHERE account = 'user:alice')";

    [Fact]
    public Task An_empty_ledger_is_balanced() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        var report = await database.CheckIntegrityAsync();
        (report.IsBalanced, report.TotalDebits, report.TotalCredits, report.EntryCount, report.TransactionCount)
            .ShouldBe((true, 0m, 0m, 0L, 0L));
        report.Faults.ShouldBeEmpty();
    });

    [Fact]
    public Task A_healthy_ledger_has_no_fault() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await database.AssertIntegrityAsync();
        var report = await database.CheckIntegrityAsync();
        (report.TotalDebits, report.TotalCredits, report.EntryCount, report.TransactionCount)
            .ShouldBe((3877m, 3877m, 15L, 7L));
    });

    // Each leaves everything else in step: what one row loses, another of the same account gets.
    public static TheoryData<string, string> Breaches => new()
    {
        { "unbalanced-transaction", """
            UPDATE ledger_entries e SET credit_cents = credit_cents + CASE age WHEN 1 THEN 0.5 ELSE -0.5 END
            FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS age FROM ledger_entries
                WHERE account = 'expense:api') newest
            WHERE newest.id = e.id AND age <= 2
            """ },
        { "unbalanced-transaction", """
            UPDATE ledger_entries SET credit_cents = credit_cents + 1
                WHERE id = (SELECT max(id) FROM ledger_entries WHERE account = 'expense:api');
            UPDATE account_totals SET credits_cents = credits_cents + 1 WHERE account = 'expense:api'
            """ },
        { "unbalanced-transaction, total-mismatch", """
            INSERT INTO ledger_entries (transaction_id, account, debit_cents, created_at, description, reference_type,
                reference_id)
            SELECT transaction_id, 'equity:adjustments', 1, created_at, description, reference_type, reference_id
                FROM ledger_entries ORDER BY id DESC LIMIT 1
            """ },
        { "unbalanced-transaction, invalid-entry, total-mismatch", """
            ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_one_side;
            UPDATE ledger_entries SET debit_cents = credit_cents
                WHERE id = (SELECT max(id) FROM ledger_entries WHERE account = 'expense:api')
            """ },
        { "usage-missing", """
            DELETE FROM llm_usage WHERE request_id = 'call-1'
            """ },
        { "invalid-entry", """
            ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_one_side;
            UPDATE ledger_entries SET debit_cents = debit_cents + 1, credit_cents = credit_cents + 1
                WHERE id = (SELECT max(id) FROM ledger_entries WHERE account = 'expense:api');
            UPDATE account_totals SET debits_cents = debits_cents + 1, credits_cents = credits_cents + 1
                WHERE account = 'expense:api'
            """ },
        { "budget-mismatch", """
            UPDATE user_budgets SET balance_cents = balance_cents + 0.0000001 WHERE user_id = 'alice';
            UPDATE budget_transactions SET balance_after = balance_after + 0.0000001 WHERE user_id = 'alice'
            """ },
        { "budget-mismatch, opening-mismatch", """
            UPDATE user_budgets SET opening_cents = 1 WHERE user_id = 'alice'
            """ },
        { "opening-mismatch", """
            UPDATE ledger_origin SET opening_cents = opening_cents + 0.0000001
            """ },
        { "history-mismatch", """
            UPDATE budget_transactions SET balance_after = balance_after + 1
                WHERE id = (SELECT max(id) FROM budget_transactions WHERE user_id = 'alice')
            """ },
        { "history-missing", """
            DELETE FROM budget_transactions
                WHERE id = (SELECT id FROM budget_transactions WHERE user_id = 'alice'
                    ORDER BY id DESC OFFSET 1 LIMIT 1)
            """ },
        { "history-missing", """
            DELETE FROM budget_transactions WHERE user_id = 'alice'
            """ },
        { "usage-mismatch", """
            UPDATE llm_usage SET user_price_cents = user_price_cents + 1 WHERE request_id = 'call-1'
            """ },
        { "usage-mismatch, usage-missing", """
            UPDATE llm_usage SET transaction_id = gen_random_uuid() WHERE request_id = 'call-1'
            """ },
        { "total-mismatch", """
            UPDATE account_totals SET debits_cents = debits_cents + 1, credits_cents = credits_cents + 1
                WHERE account = 'expense:api'
            """ },
        { "total-mismatch", """
            UPDATE account_totals SET entry_count = entry_count + 1 WHERE account = 'user:*'
            """ },
        { "total-mismatch", """
            DELETE FROM account_totals WHERE account = 'asset:anthropic'
            """ },
        { "total-mismatch", """
            UPDATE user_budgets SET credits_cents = credits_cents + 1 WHERE user_id = 'alice'
            """ },
        { "time-reversed", $"""
            UPDATE ledger_entries SET created_at = created_at - interval '1 day'
            WHERE transaction_id = (SELECT transaction_id FROM ledger_entries WHERE id = {AliceId});
            UPDATE budget_transactions SET created_at = created_at - interval '1 day'
            WHERE id = (SELECT max(id) FROM budget_transactions WHERE user_id = 'alice')
            """ },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public Task A_broken_rule_is_named_and_no_other(string kind, string sql) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await BreakAsync(database, sql);
            await ShouldNameAsync(database, kind);
        });

    [Theory]
    [MemberData(nameof(Breaches))]
    public Task A_rule_broken_after_a_clean_check_is_named_too(string kind, string sql) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            (await database.CheckIntegrityAsync()).IsBalanced.ShouldBeTrue();
            await FillMoreAsync(database, "call-3");
            await FillMoreAsync(database, "call-4");
            await BreakAsync(database, sql.Replace("call-1", "call-3", StringComparison.Ordinal));
            await ShouldNameAsync(database, kind);
        });

    [Fact]
    public Task A_check_goes_on_from_the_last_clean_one_and_a_full_one_reads_everything() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            (await database.CheckIntegrityAsync()).EntryCount.ShouldBe(15);
            await BreakAsync(database, "UPDATE ledger_entries "
                + "SET debit_cents = debit_cents * 2, credit_cents = credit_cents * 2 WHERE reference_id = 'call-1'");
            await FillMoreAsync(database, "call-3");

            var later = await database.CheckIntegrityAsync();
            (later.IsBalanced, later.EntryCount, later.TransactionCount, later.TotalDebits)
                .ShouldBe((true, 17L, 8L, 3878m));
            var full = await new IntegrityCheck(database.Ledger).RunAsync(full: true, CancellationToken.None);
            full.Faults.Select(f => f.Kind).Distinct().ShouldBe(
                ["total-mismatch", "budget-mismatch", "usage-mismatch", "entries-changed", "history-mismatch",
                    "lifetime-mismatch"]);
            full.FullyCheckedAt!.Value.ShouldBeGreaterThan(later.FullyCheckedAt!.Value);
        });

    [Fact]
    public Task A_fault_stays_reported_though_the_checkpoint_moves_on() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.CheckIntegrityAsync();
            await FillMoreAsync(database, "call-3");
            await BreakAsync(database,
                $"UPDATE ledger_entries SET credit_cents = credit_cents + 1, debit_cents = 0 WHERE id = {AliceId}");
            var found = (await database.CheckIntegrityAsync()).Faults;
            found.ShouldContain(f => f.Kind == "unbalanced-transaction");
            await FillMoreAsync(database, "call-4");
            (await database.CheckIntegrityAsync()).Faults.ShouldContain(
                found.Single(f => f.Kind == "unbalanced-transaction") with { IsNew = false });
        });

    [Fact]
    public Task Checks_at_the_same_time_agree_and_leave_one_checkpoint() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            var reports = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => database.CheckIntegrityAsync()));
            reports.ShouldAllBe(r => r.IsBalanced && r.EntryCount == 15);
            await FillMoreAsync(database, "call-3");
            (await database.CheckIntegrityAsync()).EntryCount.ShouldBe(17);
            (await database.RowsAsync("""
                SELECT sum(entry_count) FILTER (WHERE account <> 'user:*'),
                       sum(entry_count) FILTER (WHERE account LIKE 'user:%' AND account <> 'user:*')
                           = sum(entry_count) FILTER (WHERE account = 'user:*')
                FROM ledger_checkpoint_accounts
                """)).ShouldBe(["17|True"]);
        });

    [Fact]
    public Task A_checkpoint_of_before_it_held_the_sum_over_all_users_is_not_gone_on_from() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            var before = await database.CheckIntegrityAsync();
            await database.ExecuteAsync("DELETE FROM ledger_checkpoint_accounts WHERE account = 'user:*'");
            var after = await database.CheckIntegrityAsync();
            (after.IsBalanced, after.EntryCount).ShouldBe((true, 15L));
            after.FullyCheckedAt!.Value.ShouldBeGreaterThan(before.FullyCheckedAt!.Value);
            (await database.CheckIntegrityAsync()).FullyCheckedAt.ShouldBe(after.FullyCheckedAt);
        });

    // The planner has no statistics of tables that are filled as quickly as this.
    [Fact]
    public Task A_check_reads_nothing_that_was_found_right_before() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            // Summing new rows up for such an index, in the background, counts as reading a table from its beginning.
            // Vacuum does it, too.
            foreach (var table in (string[])["ledger_entries", "llm_usage", "budget_transactions"])
                await database.ExecuteAsync($"ALTER TABLE {table} SET (autovacuum_enabled = off)");
            foreach (var index in await database.RowsAsync("SELECT c.relname FROM pg_class c JOIN pg_am a "
                + "ON a.oid = c.relam WHERE a.amname = 'brin' AND c.relkind = 'i'"))
                await database.ExecuteAsync($"ALTER INDEX {index} SET (autosummarize = off)");
            await FillAsync(database);
            for (var batch = 0; batch < 3; batch++)
                await database.PostAsync(service => service.RecordUsagesAsync(
                    [.. Enumerable.Range(batch * 1000, 1000).Select(n => new UsageRequest { UserId = "alice",
                        AmountCents = 0.01m, RequestId = $"filling-{n}" })], CancellationToken.None));
            await database.CheckIntegrityAsync();
            await FillMoreAsync(database, "call-3");
            var before = await CountRowsReadAsync(database);

            (await database.CheckIntegrityAsync()).EntryCount.ShouldBe(6017);

            (await CountRowsReadAsync(database)).ShouldBe(before);
        });

    // Rows of the tables that only ever grow, read from their beginnings. Sessions tell what they read when they end.
    private static async Task<long> CountRowsReadAsync(TestDatabase database)
    {
        const string others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            + "AND backend_type = 'client backend'";
        await database.ExecuteAsync($"SELECT pg_terminate_backend(pid) {others}");
        while (await database.ScalarAsync<long>($"SELECT count(*) {others}") > 0)
            await Task.Delay(10);
        database.Ledger.Readers.Clear();
        return await database.ScalarAsync<long>(
            "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables "
            + "WHERE relname IN ('ledger_entries', 'llm_usage', 'budget_transactions')");
    }

    private static async Task ShouldNameAsync(TestDatabase database, string kind)
    {
        var report = await database.CheckIntegrityAsync();
        report.IsBalanced.ShouldBeFalse();
        string.Join(", ", report.Faults.Select(f => f.Kind).Distinct())
            .ShouldBe(kind, string.Join('\n', report.Faults));
        report.Faults.ShouldAllBe(f => f.Id.Length > 0 && f.Detail.Length > 0);
    }

    [Fact]
    public Task At_most_a_hundred_faults_of_a_kind_are_listed() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await BreakAsync(database, """
            INSERT INTO ledger_entries (transaction_id, account, debit_cents)
                SELECT gen_random_uuid(), 'equity:grants', 1 FROM generate_series(1, 101);
            INSERT INTO account_totals VALUES ('equity:grants', 101, 0, 101)
            """);
        var report = await database.CheckIntegrityAsync();
        report.Faults.Select(f => f.Kind)
            .ShouldBe(Enumerable.Repeat("unbalanced-transaction", IntegrityCheck.FaultsMaxPerKind));
        (report.TotalDebits, report.EntryCount, report.TransactionCount).ShouldBe((101m, 101L, 101L));
    });

    [Fact]
    public Task A_deleted_user_with_a_balance_is_named_R11() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await BreakAsync(database, """
            ALTER TABLE user_budgets DROP CONSTRAINT ck_user_budgets_deleted;
            UPDATE user_budgets SET deleted_at = now() WHERE user_id = 'alice'
            """);
        var fault = (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();
        (fault.Kind, fault.Id).ShouldBe(("deleted-with-balance", "alice"));
    });

    [Fact]
    public Task A_budget_that_is_gone_is_named_R3() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await BreakAsync(database, "DELETE FROM user_budgets WHERE user_id = 'alice'");
        (await database.CheckIntegrityAsync()).Faults.ShouldContain(
            f => f.Kind == "budget-mismatch" && f.Id == "alice" && f.Detail.Contains("missing"));
    });

    [Fact]
    public Task An_amount_that_is_no_number_is_named_R2() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await BreakAsync(database, $"""
            ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_one_side;
            UPDATE ledger_entries SET debit_cents = 'NaN' WHERE id = {AliceId}
            """);
        var report = await database.CheckIntegrityAsync();
        report.IsBalanced.ShouldBeFalse();
        report.Faults.ShouldContain(f => f.Kind == "invalid-entry" && f.Detail.Contains("NaN"));
        report.Faults.ShouldContain(f => f.Kind == "unbalanced-transaction");
    });

    [Fact]
    public Task A_books_wide_imbalance_is_told_in_cents_R1() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await BreakAsync(
            database, "UPDATE ledger_entries SET credit_cents = credit_cents + 3 WHERE account = 'equity:forfeit'");
        var report = await database.CheckIntegrityAsync();
        (report.IsBalanced, report.Imbalance).ShouldBe((false, 3m));
        report.Faults.Select(f => f.Kind).ShouldBe(["unbalanced-transaction", "total-mismatch"]);
    });

    private static Task BreakAsync(TestDatabase database, string sql) =>
        database.ExecuteAsync($"""
            ALTER TABLE ledger_entries DISABLE TRIGGER USER; ALTER TABLE llm_usage DISABLE TRIGGER USER;
            {sql};
            ALTER TABLE ledger_entries ENABLE TRIGGER USER; ALTER TABLE llm_usage ENABLE TRIGGER USER
            """);

    internal static Task FillAsync(TestDatabase database) => database.PostAsync(async service =>
    {
        var none = CancellationToken.None;
        (await service.PurchaseAsync(
            new() { CreditsCents = 2500, SalesTaxCents = 259 }, "p", none)).Refusal.ShouldBeNull();
        (await service.SignUpAsync(new() { UserId = "alice", InitialCreditCents = 100 }, none)).Refusal.ShouldBeNull();
        (await service.RecordUsageAsync(
            new() { UserId = "alice", AmountCents = 5, RequestId = "call-1" }, none)).Refusal.ShouldBeNull();
        (await service.RecordUsageAsync(
            new() { UserId = "alice", AmountCents = 8, RequestId = "call-2" }, none)).Refusal.ShouldBeNull();
        (await service.GrantAsync(
            new() { UserId = "bob", AmountCents = 500 }, "root", "g", none)).Refusal.ShouldBeNull();
        (await service.WriteDownAsync(new() { AmountCents = 5 }, "w", none)).Refusal.ShouldBeNull();
        (await service.DeleteUserAsync("bob", none)).Refusal.ShouldBeNull();
    });

    private static Task FillMoreAsync(TestDatabase database, string requestId) => database.PostAsync(async service =>
        (await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 1, RequestId = requestId },
            CancellationToken.None)).Refusal.ShouldBeNull());
}
