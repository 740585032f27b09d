using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// What somebody changes who can switch the triggers off, and who leaves every total in step: the next full check names
/// it.
/// </summary>
public sealed class TamperingTests
{
    private const string Off = """
        ALTER TABLE ledger_entries DISABLE TRIGGER USER; ALTER TABLE llm_usage DISABLE TRIGGER USER;
        """;

    public static TheoryData<string, string> Attacks => new()
    {
        { "key-missing", "DELETE FROM idempotency_keys WHERE operation = 'grant'" },
        { "key-missing", "DELETE FROM idempotency_keys WHERE operation = 'purchase'" },
        { "key-missing", "UPDATE idempotency_keys SET answer = '{\"TransactionId\":\"x\"}' "
            + "WHERE operation = 'write-down'" },
        { "history-mismatch", """
            UPDATE budget_transactions SET amount_cents = amount_cents - 1
            WHERE id = (SELECT min(id) FROM budget_transactions WHERE transaction_type = 'llm_call')
            """ },
        { "history-mismatch", """
            UPDATE budget_transactions SET balance_after = balance_after + 1
            WHERE id = (SELECT min(id) FROM budget_transactions WHERE transaction_type = 'llm_call')
            """ },
        { "history-mismatch",
            "UPDATE budget_transactions SET description = 'other' WHERE transaction_type = 'admin_credit'" },
        { "lifetime-mismatch", "UPDATE user_budgets SET total_added_cents = total_added_cents + 1 "
            + "WHERE user_id = 'alice'" },
        { "lifetime-mismatch", "UPDATE user_budgets SET total_spent_cents = total_spent_cents - 1 "
            + "WHERE user_id = 'alice'" },
        { "usage-mismatch", "UPDATE llm_usage SET request_id = 'another' WHERE request_id = 'call-1'" },
        { "usage-mismatch", "UPDATE llm_usage SET description = 'another' WHERE request_id = 'call-1'" },
        { "alias-missing", "DELETE FROM usage_aliases WHERE external_id = 'call-3'" },
        { "usage-missing", "DELETE FROM llm_usage WHERE request_id = 'call-4'" },
        { "entry-changed", """
            UPDATE ledger_entries SET description = 'other' WHERE account = 'expense:api' AND reference_id = 'call-1'
            """ },
        { "entry-changed", "UPDATE ledger_entries SET reference_id = 'other' WHERE account = 'equity:grants'" },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public Task A_full_check_names_it_though_no_check_ran_before(string kind, string attack) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.AssertIntegrityAsync();
            await database.ExecuteAsync("DELETE FROM ledger_entry_digests");
            await database.ExecuteAsync(Off + attack);

            var report = await new IntegrityCheck(database.Ledger).ReportAsync(full: true, default);

            report.Faults.Select(f => f.Kind).Distinct().ShouldBe([kind], string.Join('\n', report.Faults));
        });

    // Stored once only, and the same in all entries of its transaction.
    [Theory]
    [InlineData("UPDATE ledger_entries SET description = 'other' WHERE reference_type = 'purchase'")]
    [InlineData("UPDATE ledger_entries SET reference_id = 'other' WHERE reference_type = 'purchase'")]
    [InlineData("UPDATE ledger_entries SET created_at = created_at + interval '1 microsecond' "
        + "WHERE reference_type = 'purchase'")]
    [InlineData("UPDATE ledger_entries SET account = 'asset:openai' WHERE account = 'asset:anthropic'; "
        + "UPDATE account_totals SET account = 'asset:openai' WHERE account = 'asset:anthropic'")]
    public Task What_an_earlier_check_read_is_compared_with_what_is_there(string attack) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.CheckIntegrityAsync();
            await UseAsync(database, "call-3");
            await database.CheckIntegrityAsync();
            await database.AssertIntegrityAsync();
            await database.ExecuteAsync(Off + attack);
            await UseAsync(database, "call-4");

            var report = await new IntegrityCheck(database.Ledger).ReportAsync(full: true, default);

            var fault = report.Faults.Where(f => f.Kind == "entries-changed").ShouldHaveSingleItem();
            (fault.Id, report.Faults.Count).ShouldBe(("0-65535", 1));
        });

    [Fact]
    public Task Digests_stay_right_over_blocks_and_beside_writers() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.ExecuteAsync("SELECT setval(pg_get_serial_sequence('ledger_entries', 'id'), 65530)");
            for (var n = 0; n < 6; n++)
            {
                await UseAsync(database, $"more-{n}");
                (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
            }
            (await database.RowsAsync(
                "SELECT block, last_entry_id, entry_count FROM ledger_entry_digests ORDER BY block"))
                .ShouldBe(["0|65535|22", "1|65542|7"]);
            await database.AssertIntegrityAsync();
        });

    private static Task FillAsync(TestDatabase database) => database.PostAsync(async service =>
    {
        await service.PurchaseAsync(
            new() { CreditsCents = 2500, SalesTaxCents = 259, Invoice = "INV-1" }, "p", default);
        await service.SignUpAsync(new() { UserId = "alice", InitialCreditCents = 100 }, default);
        await service.RecordUsageAsync(
            new() { UserId = "alice", AmountCents = 5, RequestId = "call-1", Description = "a call" }, default);
        await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 8, RequestId = "call-2" }, default);
        await service.GrantAsync(
            new() { UserId = "alice", AmountCents = 500, Reason = "a gift" }, "root", "g", default);
        await service.WriteDownAsync(new() { AmountCents = 5 }, "w", default);
        await service.GrantAsync(new() { UserId = "alice", AmountCents = 1 }, "root", "g2", default);
        // The second waits for review, as nobody knows what it cost.
        await service.TakeInAsync([Reported("call-3", 0.01m), Reported("call-4", null)], Actor.Service, default);
    });

    private static ReportedCall Reported(string id, decimal? costUsd) => new(
        new() { UserId = "alice", RequestId = id, Model = "m", ProviderCostUsd = costUsd, Provider = "p" },
        new UsageOrigin("litellm", [id], $"derived-{id}"));

    private static Task UseAsync(TestDatabase database, string requestId) => database.PostAsync(service =>
        service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 1, RequestId = requestId }, default));
}
