using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// R12: a review whose COMMIT is cut is looked up, even if it moved no money. The reviewer gets the first answer, never
/// a replay.
/// </summary>
public sealed class ReviewInDoubtTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly Dictionary<string, (decimal BalanceCents, Func<UsageRow, ReviewCommand> Review)>
        Reviews = new()
        {
            ["bill"] = (97, usage =>
                new BillUsage(new() { AmountCents = 3 }, usage, null, new Pricer(PriceBook.Empty, Markups.None))),
            ["bill of 0"] = (100, usage =>
                new BillUsage(new() { AmountCents = 0 }, usage, null, new Pricer(PriceBook.Empty, Markups.None))),
            ["waiver"] = (100, usage => new WaiveUsage(new() { Reason = "ours" }, usage, null)),
        };

    public static TheoryData<string, Cut> ReviewsAndCuts()
    {
        var rows = new TheoryData<string, Cut>();
        foreach (var review in Reviews.Keys)
            foreach (var cut in (Cut[])[Cut.BeforeTheServer, Cut.AfterTheServer])
                rows.Add(review, cut);
        return rows;
    }

    [Theory]
    [MemberData(nameof(ReviewsAndCuts))]
    public async Task R12_a_review_cut_in_two_is_looked_up(string name, Cut cut)
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString);
        var user = await ledger.UserAsync(100);
        var waiting = (await ledger.Budgets.RecordUsageAsync(
            new() { UserId = user, RequestId = "r", BillingStatus = "needs_review" }, default)).Answer!;
        var usage = (await new UsageQueries(database.Ledger).FindAsync(waiting.UsageId, default))!;
        proxy.CutAtNextCommit(cut);

        var outcome = await ledger.Budgets.RunAsync(
            Reviews[name].Review(usage), Actor.Service with { Name = "root" }, default);

        proxy.HasCut.ShouldBeTrue();
        (outcome.Refusal, outcome.Replayed).ShouldBe((null, false));
        outcome.Answer!.ReviewBalanceCents.ShouldBe(Reviews[name].BalanceCents);
        (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
            .ShouldBe(Reviews[name].BalanceCents);
        await database.AssertIntegrityAsync();
    }
}
