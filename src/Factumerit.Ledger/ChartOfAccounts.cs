using System.Buffers;

namespace Factumerit.Ledger;

/// <summary>
/// Account types; the word before the colon gives the type. A user's account is a liability: what we owe the user.
/// </summary>
public enum AccountType
{
    User,
    Asset,
    Expense,
    Equity,
}

/// <summary>
/// The names of all accounts that may hold entries. Only this class builds or parses account names. For every account
/// balance = sum(credits) - sum(debits); docs/accounting.md compares this with ordinary bookkeeping.
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

    /// <summary>Balances of deleted users: credit reclaimed, debt written off.</summary>
    public const string ForfeitEquity = "equity:forfeit";

    /// <summary>The owner's contributions.</summary>
    public const string CapitalEquity = "equity:capital";

    /// <summary>Provider credit found in excess of the books.</summary>
    public const string AdjustmentsEquity = "equity:adjustments";

    private const string UserPrefix = "user:";
    private const string AssetPrefix = "asset:";
    private const string ExpensePrefix = "expense:";
    private const string EquityPrefix = "equity:";

    private static readonly SearchValues<char> UserIdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._:+=-");

    private static readonly string[] EquityAccounts =
        [InitialEquity, GrantsEquity, ForfeitEquity, CapitalEquity, AdjustmentsEquity];

    /// <summary>What we owe the user: the credit balance.</summary>
    public static string User(string userId) => UserPrefix + userId;

    /// <summary>Prepaid API credit held at the provider.</summary>
    public static string Asset(string provider) => AssetPrefix + provider;

    /// <summary>The real cost: credit consumed at the provider.</summary>
    public static string ProviderExpense(string provider) => ExpensePrefix + provider;

    /// <summary>The user id of a user's account; null for every other account.</summary>
    public static string? UserOf(string account) =>
        account.StartsWith(UserPrefix, StringComparison.Ordinal) ? account[UserPrefix.Length..] : null;

    /// <summary>The provider of an asset account; null for every other account.</summary>
    public static string? ProviderOf(string account) =>
        account.StartsWith(AssetPrefix, StringComparison.Ordinal) ? account[AssetPrefix.Length..] : null;

    /// <summary>1 to 200 characters of letters, digits and <c>@ . _ : + = -</c>.</summary>
    public static bool IsUserId(string text) =>
        text.Length is > 0 and <= UserIdLengthMax && !text.AsSpan().ContainsAnyExcept(UserIdCharacters);

    /// <summary>
    /// A lower-case letter, then up to 39 of <c>a-z 0-9 _ -</c>. The names <c>api</c> and <c>sales_tax</c> are
    /// reserved: their expense accounts have another purpose.
    /// </summary>
    public static bool IsProvider(string text) =>
        text.Length is > 0 and <= 40 && char.IsAsciiLetterLower(text[0])
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-')
        && ProviderExpense(text) is not (ApiExpense or SalesTax);

    /// <summary>The type of an account in this chart; null when the name is not part of it.</summary>
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
