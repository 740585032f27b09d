namespace Factumerit.Ledger.Tests.Rules;

/// <summary>R2 in code: an entry with no side, two sides or a wrong amount can't be built.</summary>
public sealed class EntryTests
{
    [Fact]
    public void A_debit_has_no_credit_R2()
    {
        var entry = Entry.Debit("user:alice", 5);
        (entry.Account, entry.DebitCents, entry.CreditCents).ShouldBe(("user:alice", 5m, 0m));
    }

    [Fact]
    public void A_credit_has_no_debit_R2()
    {
        var entry = Entry.Credit("expense:api", 0.0000001m);
        (entry.Account, entry.DebitCents, entry.CreditCents).ShouldBe(("expense:api", 0m, 0.0000001m));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("0.00000001")]
    [InlineData("5.00000001")]
    public void An_amount_that_is_not_positive_or_not_exact_makes_no_entry_R2(string text)
    {
        var cents = decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        Should.Throw<ArgumentException>(() => Entry.Debit("user:alice", cents)).Message.ShouldContain("R2");
        Should.Throw<ArgumentException>(() => Entry.Credit("user:alice", cents)).Message.ShouldContain("R2");
    }

    [Theory]
    [InlineData("")]
    [InlineData("user:")]
    [InlineData("asset:api")]
    [InlineData("equity:other")]
    [InlineData("cash")]
    public void An_account_outside_the_chart_makes_no_entry(string account) =>
        Should.Throw<ArgumentException>(() => Entry.Debit(account, 1)).Message.ShouldContain("chart of accounts");
}
