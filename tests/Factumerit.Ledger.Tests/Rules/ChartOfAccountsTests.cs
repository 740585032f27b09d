namespace Factumerit.Ledger.Tests.Rules;

/// <summary>The names that may hold entries, and their types. A name outside the chart has none.</summary>
public sealed class ChartOfAccountsTests
{
    private static readonly string Long200 = new('a', 200);
    private static readonly string Long40 = new('a', 40);

    [Theory]
    [InlineData("user:vikunja:alice", AccountType.User)]
    [InlineData("user:@bob:matrix.org", AccountType.User)]
    [InlineData("user:U02ABC", AccountType.User)]
    [InlineData("user:a+b=c-d_e.f@g", AccountType.User)]
    [InlineData("user:user:x", AccountType.User)]
    [InlineData("asset:anthropic", AccountType.Asset)]
    [InlineData("asset:open-ai_2", AccountType.Asset)]
    [InlineData("expense:api", AccountType.Expense)]
    [InlineData("expense:sales_tax", AccountType.Expense)]
    [InlineData("expense:anthropic", AccountType.Expense)]
    [InlineData("equity:initial", AccountType.Equity)]
    [InlineData("equity:grants", AccountType.Equity)]
    [InlineData("equity:forfeit", AccountType.Equity)]
    [InlineData("equity:capital", AccountType.Equity)]
    [InlineData("equity:adjustments", AccountType.Equity)]
    public void Each_account_of_the_chart_has_its_type(string account, AccountType type) =>
        ChartOfAccounts.TypeOf(account).ShouldBe(type);

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    [InlineData("user:")]
    [InlineData("user:al ice")]
    [InlineData("user:alice\n")]
    [InlineData("user:älice")]
    [InlineData("user:a/b")]
    [InlineData("user:*")]
    [InlineData("User:alice")]
    [InlineData("asset:")]
    [InlineData("asset:api")]
    [InlineData("asset:sales_tax")]
    [InlineData("asset:Anthropic")]
    [InlineData("asset:1st")]
    [InlineData("asset:_x")]
    [InlineData("asset:an.thropic")]
    [InlineData("expense:")]
    [InlineData("expense:Sales")]
    [InlineData("equity:")]
    [InlineData("equity:other")]
    [InlineData("equity:Initial")]
    [InlineData("liability:alice")]
    [InlineData(" asset:anthropic")]
    public void A_name_outside_the_chart_has_no_type(string account) => ChartOfAccounts.TypeOf(account).ShouldBeNull();

    [Fact]
    public void A_user_id_has_at_most_200_characters()
    {
        ChartOfAccounts.IsUserId(Long200).ShouldBeTrue();
        ChartOfAccounts.IsUserId(Long200 + "a").ShouldBeFalse();
        ChartOfAccounts.IsUserId("").ShouldBeFalse();
    }

    [Fact]
    public void A_provider_has_at_most_40_characters()
    {
        ChartOfAccounts.IsProvider(Long40).ShouldBeTrue();
        ChartOfAccounts.IsProvider(Long40 + "a").ShouldBeFalse();
        ChartOfAccounts.IsProvider("").ShouldBeFalse();
    }

    [Fact]
    public void Names_are_made_and_read_in_one_place()
    {
        ChartOfAccounts.UserOf(ChartOfAccounts.User("vikunja:alice")).ShouldBe("vikunja:alice");
        ChartOfAccounts.ProviderOf(ChartOfAccounts.Asset("openai")).ShouldBe("openai");
        ChartOfAccounts.ProviderExpense("openai").ShouldBe("expense:openai");
        ChartOfAccounts.UserOf("asset:openai").ShouldBeNull();
        ChartOfAccounts.ProviderOf("expense:openai").ShouldBeNull();
        Enum.GetValues<AccountType>().Select(ChartOfAccounts.PrefixOf)
            .ShouldBe(["user:", "asset:", "expense:", "equity:"]);
    }
}
