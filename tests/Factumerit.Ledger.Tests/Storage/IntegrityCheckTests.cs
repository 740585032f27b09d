using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// What a superuser can break with the triggers off, one fault at a time: the integrity report names exactly that kind, and nothing on a
/// healthy ledger.
/// </summary>
public sealed class IntegrityCheckTests
{
    private const string AliceId = "(SELECT max(id) FROM ledger_entries WHERE account = 'user:alice')";

    [Fact]
    public Task An_empty_ledger_is_balanced() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        var report = await database.CheckIntegrityAsync();
        (report.IsBalanced, report.TotalDebits, report.TotalCredits, report.EntryCount, report.TransactionCount).ShouldBe((true, 0m, 0m, 0L, 0L));
        report.Faults.ShouldBeEmpty();
    });

    [Fact]
    public Task A_healthy_ledger_has_no_fault() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await database.AssertIntegrityAsync();
        var report = await database.CheckIntegrityAsync();
        (report.TotalDebits, report.TotalCredits, report.EntryCount, report.TransactionCount).ShouldBe((3877m, 3877m, 15L, 7L));
    });

    // Each leaves everything else in step: what one row loses, another of the same account gets.
    [Theory]
    [InlineData("unbalanced-transaction", """
        UPDATE ledger_entries SET credit_cents = credit_cents + CASE credit_cents WHEN 5 THEN 1 ELSE -1 END WHERE account = 'expense:api'
        """)]
    [InlineData("invalid-entry", """
        ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_one_side;
        UPDATE ledger_entries SET debit_cents = debit_cents + 1, credit_cents = credit_cents + 1 WHERE account = 'expense:anthropic';
        UPDATE account_totals SET debits_cents = debits_cents + 1, credits_cents = credits_cents + 1 WHERE account = 'expense:anthropic'
        """)]
    [InlineData("budget-mismatch", """
        UPDATE user_budgets SET balance_cents = balance_cents + 0.0000001 WHERE user_id = 'alice';
        UPDATE budget_transactions SET balance_after = balance_after + 0.0000001 WHERE user_id = 'alice'
        """)]
    [InlineData("budget-mismatch", """
        UPDATE user_budgets SET opening_cents = 1 WHERE user_id = 'alice'
        """)]
    [InlineData("history-mismatch", """
        UPDATE budget_transactions SET balance_after = balance_after + 1 WHERE id = (SELECT max(id) FROM budget_transactions WHERE user_id = 'alice')
        """)]
    [InlineData("history-missing", """
        DELETE FROM budget_transactions WHERE id = (SELECT min(id) FROM budget_transactions WHERE user_id = 'alice')
        """)]
    [InlineData("history-missing", """
        DELETE FROM budget_transactions WHERE user_id = 'alice'
        """)]
    [InlineData("usage-mismatch", """
        UPDATE llm_usage SET user_price_cents = user_price_cents + 1 WHERE request_id = 'call-1'
        """)]
    [InlineData("usage-mismatch", """
        UPDATE llm_usage SET transaction_id = gen_random_uuid() WHERE request_id = 'call-1'
        """)]
    [InlineData("total-mismatch", """
        UPDATE account_totals SET debits_cents = debits_cents + 1, credits_cents = credits_cents + 1 WHERE account = 'expense:api'
        """)]
    [InlineData("total-mismatch", """
        UPDATE account_totals SET entry_count = entry_count + 1 WHERE account = 'user:*'
        """)]
    [InlineData("total-mismatch", """
        DELETE FROM account_totals WHERE account = 'asset:anthropic'
        """)]
    [InlineData("total-mismatch", """
        UPDATE user_budgets SET credits_cents = credits_cents + 1 WHERE user_id = 'alice'
        """)]
    [InlineData("time-reversed", $"""
        UPDATE ledger_entries SET created_at = created_at - interval '1 day' WHERE id = {AliceId}
        """)]
    public Task A_broken_rule_is_named_and_no_other(string kind, string sql) => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await BreakAsync(database, sql);
        var report = await database.CheckIntegrityAsync();
        report.IsBalanced.ShouldBeFalse();
        report.Faults.Select(f => f.Kind).Distinct().ShouldBe([kind], string.Join('\n', report.Faults));
        report.Faults.ShouldAllBe(f => f.Id.Length > 0 && f.Detail.Length > 0);
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
        (await database.CheckIntegrityAsync()).Faults.ShouldContain(f => f.Kind == "budget-mismatch" && f.Id == "alice" && f.Detail.Contains("missing"));
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
        await BreakAsync(database, "UPDATE ledger_entries SET credit_cents = credit_cents + 3 WHERE account = 'equity:forfeit'");
        var report = await database.CheckIntegrityAsync();
        (report.IsBalanced, report.Imbalance).ShouldBe((false, 3m));
        report.Faults.Select(f => f.Kind).ShouldBe(["unbalanced-transaction", "total-mismatch"]);
    });

    private static Task BreakAsync(TestDatabase database, string sql) =>
        database.ExecuteAsync($"ALTER TABLE ledger_entries DISABLE TRIGGER USER; {sql}; ALTER TABLE ledger_entries ENABLE TRIGGER USER");

    private static Task FillAsync(TestDatabase database) => database.PostAsync(async service =>
    {
        var none = CancellationToken.None;
        (await service.PurchaseAsync(new() { CreditsCents = 2500, SalesTaxCents = 259 }, "p", none)).Refusal.ShouldBeNull();
        (await service.SignUpAsync(new() { UserId = "alice", InitialCreditCents = 100 }, none)).Refusal.ShouldBeNull();
        (await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 5, RequestId = "call-1" }, none)).Refusal.ShouldBeNull();
        (await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 8, RequestId = "call-2" }, none)).Refusal.ShouldBeNull();
        (await service.GrantAsync(new() { UserId = "bob", AmountCents = 500 }, "root", "g", none)).Refusal.ShouldBeNull();
        (await service.WriteDownAsync(new() { AmountCents = 5 }, "w", none)).Refusal.ShouldBeNull();
        (await service.DeleteUserAsync("bob", none)).Refusal.ShouldBeNull();
    });
}
