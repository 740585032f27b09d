namespace Factumerit.Ledger.Tests.Rules;

/// <summary>The worked example of the accounting page in memory, each step as it is decided (R1, R3).</summary>
public sealed class WorkedExampleTests
{
    [Fact]
    public void Six_transactions_leave_the_books_as_the_accountant_works_them_out()
    {
        var books = new Books().WithTotals(0);
        books.Purchase(2500, 259).Answer.ShouldNotBeNull().Headroom.AvailableCents.ShouldBe(2500);
        books.SignUp("U", 100).Answer.ShouldNotBeNull().Budget.BalanceCents.ShouldBe(100);
        books.Use("U", 5).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(95);
        books.Grant("U", 500).Answer.ShouldNotBeNull().Budget.BalanceCents.ShouldBe(595);
        books.WriteDown(amountCents: 5).Answer.ShouldNotBeNull().Headroom.AvailableCents.ShouldBe(1900);
        books.Delete("U").Answer.ShouldNotBeNull().ForfeitedCents.ShouldBe(595);

        books.State.NewEntries.GroupBy(e => e.Account)
            .ToDictionary(a => a.Key, a => a.Sum(e => e.CreditCents - e.DebitCents))
            .ShouldBe(new Dictionary<string, decimal>
            {
                ["equity:capital"] = -2759,
                ["asset:anthropic"] = 2495,
                ["expense:sales_tax"] = 259,
                ["equity:initial"] = -100,
                ["expense:api"] = 5,
                ["equity:grants"] = -500,
                ["expense:anthropic"] = 5,
                ["equity:forfeit"] = 595,
                ["user:U"] = 0,
            }, ignoreOrder: true);
        books.State.NewEntries.Select(e => e.TransactionId).Distinct().Count().ShouldBe(6);
        books.State.NewEntries.Count.ShouldBe(13);
        books.State.NewEntries.Sum(e => e.CreditCents - e.DebitCents).ShouldBe(0);
        books.State.NewBudgetTransactions.Select(r => (r.TransactionType, r.AmountCents, r.BalanceAfter)).ShouldBe(
            [("initial", 100m, 100m), ("llm_call", -5m, 95m), ("admin_credit", 500m, 595m), ("forfeit", -595m, 0m)]);
    }
}
