using System.Buffers;

namespace Factumerit.Ledger;

/// <summary>The kinds of accounts, by the word before the colon. A user's account is a liability: what we owe the user.</summary>
public enum AccountType
{
    User,
    Asset,
    Expense,
    Equity,
}

/// <summary>
/// The names of all accounts that may hold entries, and the only place that makes or reads such a name. For every account
/// balance = sum(credits) - sum(debits): see docs/accounting.md for how that compares with ordinary bookkeeping.
/// </summary>
public static class ChartOfAccounts
{
    public const int UserIdLengthMax = 200;
    public const string DefaultProvider = "anthropic";

    /// <summary>API cost attributed to users.</summary>
    public const string ApiExpense = "expense:api";

    /// <summary>Tax on credit purchases.</summary>
    public const string SalesTax = "expense:sales_tax";

    /// <summary>Signup credit given away.</summary>
    public const string InitialEquity = "equity:initial";

    /// <summary>Credit granted by admins.</summary>
    public const string GrantsEquity = "equity:grants";

    /// <summary>Reclaimed from deleted accounts.</summary>
    public const string ForfeitEquity = "equity:forfeit";

    /// <summary>The owner's contributions.</summary>
    public const string CapitalEquity = "equity:capital";

    /// <summary>What reconciliation found above the books.</summary>
    public const string AdjustmentsEquity = "equity:adjustments";

    private const string UserPrefix = "user:";
    private const string AssetPrefix = "asset:";
    private const string ExpensePrefix = "expense:";
    private const string EquityPrefix = "equity:";

    private static readonly SearchValues<char> UserIdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._:+=-");

    private static readonly string[] EquityAccounts = [InitialEquity, GrantsEquity, ForfeitEquity, CapitalEquity, AdjustmentsEquity];

    /// <summary>What we owe the user: the credit balance.</summary>
    public static string User(string userId) => UserPrefix + userId;

    /// <summary>Prepaid API credit held at the provider.</summary>
    public static string Asset(string provider) => AssetPrefix + provider;

    /// <summary>The real cost: what was consumed at the provider.</summary>
    public static string ProviderExpense(string provider) => ExpensePrefix + provider;

    /// <summary>The user of a user's account; null for every other account.</summary>
    public static string? UserOf(string account) =>
        account.StartsWith(UserPrefix, StringComparison.Ordinal) ? account[UserPrefix.Length..] : null;

    /// <summary>The provider of an asset account; null for every other account.</summary>
    public static string? ProviderOf(string account) =>
        account.StartsWith(AssetPrefix, StringComparison.Ordinal) ? account[AssetPrefix.Length..] : null;

    /// <summary>1 to 200 characters of letters, digits and <c>@ . _ : + = -</c>.</summary>
    public static bool IsUserId(string text) =>
        text.Length is > 0 and <= UserIdLengthMax && !text.AsSpan().ContainsAnyExcept(UserIdCharacters);

    /// <summary>A lower-case letter, then up to 39 of <c>a-z 0-9 _ -</c>; not <c>api</c> or <c>sales_tax</c>, whose expense accounts are taken.</summary>
    public static bool IsProvider(string text) =>
        text.Length is > 0 and <= 40 && char.IsAsciiLetterLower(text[0])
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-')
        && ProviderExpense(text) is not (ApiExpense or SalesTax);

    /// <summary>The type of an account of this chart; null when the name is outside of it.</summary>
    public static AccountType? TypeOf(string account)
    {
        if (UserOf(account) is { } user)
            return IsUserId(user) ? AccountType.User : null;
        if (ProviderOf(account) is { } provider)
            return IsProvider(provider) ? AccountType.Asset : null;
        if (account is ApiExpense or SalesTax)
            return AccountType.Expense;
        if (account.StartsWith(ExpensePrefix, StringComparison.Ordinal))
            return IsProvider(account[ExpensePrefix.Length..]) ? AccountType.Expense : null;
        return EquityAccounts.Contains(account) ? AccountType.Equity : null;
    }

    /// <summary>The prefix that all accounts of a type share, such as <c>asset:</c>.</summary>
    public static string PrefixOf(AccountType type) => type switch
    {
        AccountType.User => UserPrefix,
        AccountType.Asset => AssetPrefix,
        AccountType.Expense => ExpensePrefix,
        AccountType.Equity => EquityPrefix,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "is no account type"),
    };
}
