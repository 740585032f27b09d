using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// R14: adopts the database of the system before the ledger. Its rows do not change, and its ids and history continue.
/// </summary>
public sealed class UpgradeTests
{
    private const string Budgets = """
        SELECT user_id, balance_cents, total_spent_cents, total_added_cents, promo_expires_at AT TIME ZONE 'UTC',
            created_at AT TIME ZONE 'UTC',
               updated_at AT TIME ZONE 'UTC' FROM user_budgets ORDER BY user_id COLLATE "C"
        """;

    private const string History = """
        SELECT id, user_id, amount_cents, balance_after, transaction_type, description IS NULL, description,
            created_at AT TIME ZONE 'UTC'
        FROM budget_transactions ORDER BY id
        """;

    private const string Entries = """
        SELECT id, transaction_id, account, debit_cents, credit_cents, description IS NULL, description, reference_type,
            reference_id,
               created_at AT TIME ZONE 'UTC' FROM ledger_entries ORDER BY id
        """;

    public static TheoryData<string, bool> OldSchemas => new()
    {
        { OldDatabase.Serial, false },
        { OldDatabase.Identity, false },
        { OldDatabase.Serial, true },
        { OldDatabase.Identity, true },
    };

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task Every_row_survives_unchanged_R14(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            var budgets = await ReadOldTimesAsync(database, Budgets, schema);
            var history = await ReadOldTimesAsync(database, History, schema);
            var entries = hasLedger ? await ReadOldTimesAsync(database, Entries, OldDatabase.Serial) : [];
            await database.MigrateAsync();
            // Dave has entries, but no budget in the old tables: he gets one.
            (await database.RowsAsync(Budgets)).Where(row => !row.StartsWith("dave", StringComparison.Ordinal))
                .ShouldBe(budgets);
            (await database.RowsAsync(History)).ShouldBe(history);
            (await database.RowsAsync(Entries)).ShouldBe(entries);
        });

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task The_books_are_in_order_after_the_upgrade_R3(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            await database.MigrateAsync();
            await database.AssertIntegrityAsync();
        });

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task What_users_had_before_the_ledger_is_their_opening_R3(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            await database.MigrateAsync();
            var openings = await database.RowsAsync("SELECT user_id, opening_cents FROM user_budgets ORDER BY user_id");
            openings.ShouldBe(hasLedger
                ? ["bob|-7", "carol|100", "dave|0", "vikunja:alice|500"]
                : ["bob|-7", "carol|100", "vikunja:alice|450"]);
            (await database.RowsAsync(
                "SELECT opening_cents, last_entry_id, last_budget_transaction_id FROM ledger_origin"))
                .ShouldBe([hasLedger ? "593|7|4" : "543|0|4"]);
        });

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task New_postings_continue_ids_and_history_R14(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            await database.MigrateAsync();
            await database.PostAsync(async service =>
            {
                (await service.RecordUsageAsync(new()
                {
                    UserId = "vikunja:alice",
                    AmountCents = 0.0165m,
                    RequestId = "call-1"
                }, CancellationToken.None))
                    .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(449.9835m);
                (await service.RecordUsageAsync(
                    new() { UserId = "bob", AmountCents = 1, RequestId = "call-1" }, CancellationToken.None))
                    .Refusal.ShouldBeOfType<Refusal.InsufficientCredit>().BalanceCents.ShouldBe(-7);
                (await service.DeleteUserAsync(
                    "bob", CancellationToken.None)).Answer.ShouldNotBeNull().WrittenOffCents.ShouldBe(7);
            });

            (await database.RowsAsync("SELECT id, user_id, amount_cents, balance_after, transaction_type "
                + "FROM budget_transactions WHERE id > 4 ORDER BY id"))
                .ShouldBe(["5|vikunja:alice|-0.0165|449.9835|llm_call", "6|bob|7|0|forfeit"]);
            (await database.RowsAsync($"SELECT id FROM ledger_entries WHERE id > {(hasLedger ? 7 : 0)} ORDER BY id"))
                .ShouldBe(hasLedger ? ["8", "9", "10", "11"] : ["1", "2", "3", "4"]);
            await database.AssertIntegrityAsync();
        });

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task What_is_owed_from_before_counts_against_the_headroom_R8(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            await database.MigrateAsync();
            var headroom = await new LedgerReports(database.Ledger).GetHeadroomAsync(CancellationToken.None);
            (headroom.AssetCents, headroom.LiabilityCents).ShouldBe(hasLedger ? (2500m, 573m) : (0m, 543m));
        });

    [Theory]
    [MemberData(nameof(OldSchemas))]
    public Task Users_of_before_the_ledger_have_signed_up_R7(string schema, bool hasLedger) =>
        WithOldDatabaseAsync(schema, hasLedger, async database =>
        {
            await database.MigrateAsync();
            (await database.ScalarAsync<long>(
                "SELECT count(*) FROM user_budgets WHERE signed_up_at IS DISTINCT FROM created_at")).ShouldBe(0);
            await database.PostAsync(async service =>
                (await service.SignUpAsync(new()
                {
                    UserId = "carol",
                    InitialCreditCents = 5,
                    OverrideHeadroomCheck = true
                }, CancellationToken.None))
                    .Answer.ShouldNotBeNull().Existed.ShouldBeTrue());
        });

    [Fact]
    public Task Whoever_wrote_to_the_old_tables_still_can_R14() =>
        WithOldDatabaseAsync(OldDatabase.Serial, hasLedger: false, async database =>
        {
            await database.MigrateAsync();
            await database.ExecuteAsync("INSERT INTO user_budgets (user_id, balance_cents) VALUES ('erin', 5)");
            await database.ExecuteAsync(
                "INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type) "
                + "VALUES ('erin', 5, 5, 'initial')");
            (await database.ScalarAsync<long>("SELECT id FROM budget_transactions WHERE user_id = 'erin'")).ShouldBe(5);
        });

    [Fact]
    public Task The_old_views_are_replaced() =>
        WithOldDatabaseAsync(OldDatabase.Serial, hasLedger: true, async database =>
        {
            await database.MigrateAsync();
            (await database.RowsAsync("SELECT * FROM ledger_integrity")).ShouldBe(["2839|2839|0"]);
            (await database.RowsAsync("SELECT user_id, balance_cents FROM user_ledger_balances ORDER BY 1"))
                .ShouldBe(["dave|30", "vikunja:alice|-50"]);
        });

    [Fact]
    public Task An_id_that_was_given_and_deleted_is_not_given_again_R14() =>
        WithOldDatabaseAsync(OldDatabase.Serial, hasLedger: false, async database =>
        {
            await database.ExecuteAsync("DELETE FROM budget_transactions WHERE id = 4");
            await database.MigrateAsync();
            await database.PostAsync(async service =>
                (await service.GrantAsync(new() { UserId = "carol", AmountCents = 1 }, "root", "g",
                    CancellationToken.None)).Refusal.ShouldBeNull());
            (await database.ScalarAsync<long>("SELECT max(id) FROM budget_transactions")).ShouldBeGreaterThan(4);
        });

    [Fact]
    public Task A_user_whose_old_rows_disagree_with_the_budget_keeps_both_R14() =>
        WithOldDatabaseAsync(OldDatabase.Serial, hasLedger: false, async database =>
        {
            await database.ExecuteAsync("UPDATE budget_transactions SET balance_after = 1 WHERE id = 2");
            await database.MigrateAsync();
            await database.AssertIntegrityAsync();
            (await database.ScalarAsync<decimal>("SELECT balance_after FROM budget_transactions WHERE id = 2"))
                .ShouldBe(1);
        });

    [Fact]
    public Task Old_entries_that_break_a_rule_are_kept_and_reported_R2() =>
        WithOldDatabaseAsync(OldDatabase.Serial, hasLedger: true, async database =>
        {
            await database.ExecuteAsync("UPDATE ledger_entries SET debit_cents = 50 WHERE account = 'expense:api'");
            await database.MigrateAsync();
            var report = await database.CheckIntegrityAsync();
            report.Faults.Select(f => f.Kind).ShouldBe(["unbalanced-transaction", "invalid-entry"]);
            (await database.RefusalOfAsync(LedgerSql.Insert(Guid.CreateVersion7(), ("expense:api", "1", "1"))))
                .ShouldNotBeNull("new rows are checked");
        });

    private static Task WithOldDatabaseAsync(string schema, bool hasLedger, Func<TestDatabase, Task> test) =>
        OldDatabase.WithAsync(schema + OldDatabase.Rows + (hasLedger ? OldDatabase.Ledger : ""), test);

    // A time without a zone is read as UTC, and so prints as it stands; one with a zone is asked for in UTC.
    private static Task<List<string>> ReadOldTimesAsync(TestDatabase database, string sql, string schema) =>
        database.RowsAsync(
            schema == OldDatabase.Serial ? sql.Replace(" AT TIME ZONE 'UTC'", "", StringComparison.Ordinal) : sql);
}
