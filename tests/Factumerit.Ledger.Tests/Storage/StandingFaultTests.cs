using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>A fault is stored and reported until it is resolved. It comes back if it is still true.</summary>
public sealed class StandingFaultTests
{
    [Fact]
    public Task A_report_changes_nothing() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await database.ExecuteAsync(
            "UPDATE user_budgets SET balance_cents = balance_cents + 1 WHERE user_id = 'alice'");

        foreach (var full in (bool[])[false, true])
            (await new IntegrityCheck(database.Ledger).ReportAsync(full, default)).Faults
                .ShouldContain(f => f.Kind == "budget-mismatch" && f.FaultId == null);

        foreach (var table in (string[])[
            "ledger_checkpoint", "ledger_checkpoint_accounts", "ledger_faults", "ledger_entry_digests"])
            (await database.ScalarAsync<long>($"SELECT count(*) FROM {table}")).ShouldBe(0, table);
    });

    [Fact]
    public Task After_a_fault_a_check_reads_no_more_than_what_is_new() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.CheckIntegrityAsync();
            await database.ExecuteAsync(
                "UPDATE account_totals SET debits_cents = debits_cents + 1 WHERE account = 'expense:api'");
            for (var n = 0; n < 3; n++)
            {
                await UseAsync(database, $"more-{n}");
                var report = await database.CheckIntegrityAsync();

                var fault = report.Faults.ShouldHaveSingleItem();
                (fault.Kind, fault.Id, fault.IsNew).ShouldBe(("total-mismatch", "expense:api", n == 0));
                (await database.RowsAsync("""
                    SELECT c.entry_id = (SELECT max(id) FROM ledger_entries),
                        c.entry_count = (SELECT count(*) FROM ledger_entries)
                    FROM ledger_checkpoint c
                    """)).ShouldBe(["True|True"]);
                // What the checkpoint holds is what the entries say, whatever is kept elsewhere.
                (await database.RowsAsync("""
                    SELECT c.account FROM ledger_checkpoint_accounts c
                    JOIN account_balances b ON b.account = c.account
                    WHERE (c.debits_cents, c.credits_cents, c.entry_count) IS DISTINCT FROM
                        (b.total_debits, b.total_credits, b.entry_count)
                    """)).ShouldBeEmpty();
            }
            (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_faults")).ShouldBe(1);
        });

    [Fact]
    public Task A_fault_behind_the_checkpoint_stands_until_it_is_resolved() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await FillAsync(database);
            await database.CheckIntegrityAsync();
            await UseAsync(database, "charged");
            await database.ExecuteAsync(
                "ALTER TABLE llm_usage DISABLE TRIGGER USER; DELETE FROM llm_usage WHERE request_id = 'charged'");
            (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem().Kind.ShouldBe("usage-missing");
            await UseAsync(database, "later");

            var stands = (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();
            (await new IntegrityCheck(database.Ledger).ReportAsync(false, default)).Faults.ShouldHaveSingleItem()
                .ShouldBe(stands);
            stands.IsNew.ShouldBeFalse();

            await ResolveAsync(database, stands.FaultId);
            (await new IntegrityCheck(database.Ledger).ReportAsync(false, default)).IsBalanced.ShouldBeTrue();
            // Still true, so that it is back, as another one.
            var back = (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();
            (back.Kind, back.Id, back.IsNew).ShouldBe((stands.Kind, stands.Id, true));
            back.FaultId.ShouldNotBe(stands.FaultId);
        });

    [Fact]
    public Task A_fault_that_was_repaired_and_resolved_is_gone() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await database.ExecuteAsync("UPDATE user_budgets SET total_added_cents = total_added_cents + 1");
        await new IntegrityCheck(database.Ledger).RunAsync(full: true, default);
        await database.ExecuteAsync("UPDATE user_budgets SET total_added_cents = total_added_cents - 1");
        var stands = (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();

        await ResolveAsync(database, stands.FaultId);

        for (var n = 0; n < 2; n++)
            (await database.CheckIntegrityAsync()).IsBalanced.ShouldBeTrue();
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task Checks_at_the_same_time_keep_a_fault_once() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await FillAsync(database);
        await database.ExecuteAsync(
            "UPDATE account_totals SET debits_cents = debits_cents + 1 WHERE account = 'expense:api'");

        var reports = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => database.CheckIntegrityAsync()));

        reports.ShouldAllBe(r => r.Faults.Count == 1);
        reports.Count(r => r.Faults[0].IsNew).ShouldBe(1);
        (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_faults")).ShouldBe(1);
    });

    private static async Task ResolveAsync(TestDatabase database, long? faultId) =>
        (await new FaultStore(database.Ledger)
            .ResolveAsync(faultId!.Value, new() { Reason = "looked into" }, Actor.Bootstrap, default))
            .Answer.ShouldNotBeNull().ResolvedBy.ShouldBe("bootstrap");

    private static Task FillAsync(TestDatabase database) => database.PostAsync(async service =>
    {
        await service.GrantAsync(new() { UserId = "alice", AmountCents = 500 }, "root", "g", default);
        await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 5, RequestId = "call-1" }, default);
    });

    private static Task UseAsync(TestDatabase database, string requestId) => database.PostAsync(service =>
        service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 1, RequestId = requestId }, default));
}
