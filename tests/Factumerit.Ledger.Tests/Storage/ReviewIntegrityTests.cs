using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// R16: a usage reviewed after the checkpoint that covers it causes no false fault, and no fault is hidden.
/// </summary>
public sealed class ReviewIntegrityTests
{
    public static TheoryData<string, string> Breaches => new()
    {
        { "", "SELECT 1" },
        { "usage-mismatch", "UPDATE llm_usage SET user_price_cents = 3 WHERE request_id = 'billed'" },
        { "usage-mismatch", "UPDATE llm_usage SET transaction_id = NULL, user_price_cents = 7 "
            + "WHERE request_id = 'free'" },
        { "usage-missing", "UPDATE llm_usage SET billing_status = 'needs_review', user_price_cents = NULL, "
            + "transaction_id = NULL, reviewed_at = NULL WHERE request_id = 'billed'" },
        { "usage-mismatch, usage-missing",
            "UPDATE llm_usage SET transaction_id = gen_random_uuid() WHERE request_id = 'billed'" },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public Task A_usage_reviewed_after_the_checkpoint_is_held_against_its_transaction(string kind, string sql) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(async budgets =>
            {
                (await budgets.GrantAsync(
                    new() { UserId = "alice", AmountCents = 10 }, "root", "g", default)).Answer.ShouldNotBeNull();
                foreach (var requestId in (string[])["billed", "free", "waived", "waiting"])
                    (await budgets.RecordUsageAsync(new() { UserId = "alice", RequestId = requestId, Model = "m" },
                        default)).Answer.ShouldNotBeNull();
                (await budgets.GrantAsync(
                    new() { UserId = "alice", AmountCents = 10 }, "root", "g2", default)).Answer.ShouldNotBeNull();
            });
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();

            await ReviewAsync(database);
            await database.ExecuteAsync(
                $"ALTER TABLE llm_usage DISABLE TRIGGER USER; {sql}; ALTER TABLE llm_usage ENABLE TRIGGER USER");

            foreach (var full in (bool[])[false, true])
            {
                var report = await new IntegrityCheck(database.Ledger).RunAsync(full, CancellationToken.None);
                string.Join(", ", report.Faults.Select(f => f.Kind).Distinct())
                    .ShouldBe(kind, string.Join('\n', report.Faults));
                report.IsBalanced.ShouldBe(kind.Length == 0);
            }
        });

    private static async Task ReviewAsync(TestDatabase database)
    {
        var queries = new UsageQueries(database.Ledger);
        await database.PostAsync(async budgets =>
        {
            var reviews = new ReviewService(
                budgets, queries, new UserQueries(database.Ledger), new CurrentPrices(Markups.None));
            (await reviews.BillAsync(await IdAsync(database, "billed"), new() { AmountCents = 5 }, Actor.Service, null,
                default)).Answer!.BalanceCents.ShouldBe(15);
            (await reviews.BillAsync(await IdAsync(database, "free"), new() { AmountCents = 0 }, Actor.Service, null,
                default)).Answer.ShouldNotBeNull();
            (await reviews.WaiveAsync(await IdAsync(database, "waived"), new() { Reason = "ours" }, Actor.Service, null,
                default)).Answer.ShouldNotBeNull();
        });
    }

    private static Task<Guid> IdAsync(TestDatabase database, string requestId) =>
        database.ScalarAsync<Guid>($"SELECT id FROM llm_usage WHERE request_id = '{requestId}'");
}
