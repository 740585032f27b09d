using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// What usages leave in the tables, however they are saved. If a commit posts nothing else, entries and history are
/// made from the rows of the usages. Among other postings each usage is saved by itself.
/// </summary>
public sealed class SavedUsageTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Usages_leave_entries_and_history_in_the_order_of_the_decisions_R5_R13_R14(bool isAmongOthers)
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var (ann, bob, tag) = (await ledger.UserAsync(100), await ledger.UserAsync(100), WriterUnderTest.NewId("call"));
        List<UsageRequest> calls =
        [
            new()
            {
                UserId = ann,
                AmountCents = 5,
                RequestId = $"{tag}-3",
                Description = "Summary",
                ReferenceId = "task 17"
            },
            new() { UserId = bob, AmountCents = 7.5m, RequestId = $"{tag}-1" },
            new() { UserId = ann, AmountCents = 0.0000001m, RequestId = $"{tag}-2" },
        ];
        // A usage that moves nothing has no entries to be made of its row.
        if (isAmongOthers)
            calls.Add(new() { UserId = bob, AmountCents = 0, RequestId = $"{tag}-4" });

        (await ledger.Budgets.RecordUsagesAsync(calls, CancellationToken.None))
            .ShouldAllBe(outcome => outcome.Refusal == null);

        (await RowsAsync($"""
            SELECT e.account, e.debit_cents, e.credit_cents, e.description, e.reference_type, e.reference_id
            FROM ledger_entries e JOIN llm_usage u USING (transaction_id)
            WHERE u.request_id LIKE '{tag}%' AND e.created_at = u.created_at ORDER BY e.id
            """)).ShouldBe(
        [
            "user:ann|5|0|Summary|llm_call|call-3", "expense:api|0|5|Summary|llm_call|call-3",
            "user:bob|7.5|0||llm_call|call-1", "expense:api|0|7.5||llm_call|call-1",
            "user:ann|0.0000001|0||llm_call|call-2", "expense:api|0|0.0000001||llm_call|call-2",
        ]);
        (await RowsAsync($"""
            SELECT user_id, amount_cents, balance_after, transaction_type, description
            FROM budget_transactions
            WHERE user_id IN ('{ann}', '{bob}') AND transaction_type <> 'admin_credit' ORDER BY id
            """)).ShouldBe([
                "ann|-5|95|llm_call|Summary", "bob|-7.5|92.5|llm_call|", "ann|-0.0000001|94.9999999|llm_call|"]);
        (await RowsAsync($"""
            SELECT user_id, balance_cents, total_spent_cents, debits_cents, entry_count
            FROM user_budgets WHERE user_id IN ('{ann}', '{bob}') ORDER BY balance_cents
            """)).ShouldBe(["bob|92.5|7.5|7.5|2", "ann|94.9999999|5.0000001|5.0000001|3"]);
        await database.AssertIntegrityAsync();

        async Task<List<string>> RowsAsync(string sql) =>
            [.. (await database.RowsAsync(sql)).Select(row =>
                row.Replace(ann, "ann").Replace(bob, "bob").Replace(tag, "call"))];
    }

    [Fact]
    public async Task As_many_usages_as_other_postings_are_told_apart()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var (ann, bob) = (await ledger.UserAsync(100), await ledger.UserAsync(100));
        var (free, grant) = (
            new RecordUsage(new() { UserId = ann, AmountCents = 0, RequestId = "free" }),
            new Grant(new() { UserId = bob, AmountCents = 3 }, "granted"));

        await ledger.Writer.WriteAsync([free, grant], CancellationToken.None);

        (free.Outcome.Answer!.BalanceCents, grant.Outcome.Answer!.Budget.BalanceCents).ShouldBe((100, 103));
        (await database.ScalarAsync<long>(
            $"SELECT count(*) FROM ledger_entries WHERE transaction_id = '{grant.Outcome.Answer.TransactionId}'"))
            .ShouldBe(2);
        await database.AssertIntegrityAsync();
    }
}
