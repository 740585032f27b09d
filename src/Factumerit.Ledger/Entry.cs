namespace Factumerit.Ledger;

/// <summary>
/// One immutable line of the ledger: an account with either a debit or a credit. One of the two is positive, the other
/// is 0 (R2). Entries are created only by <see cref="Debit"/> and <see cref="Credit"/>, which enforce this rule.
/// </summary>
public sealed record Entry
{
    private Entry(string account, decimal debitCents, decimal creditCents)
    {
        if (ChartOfAccounts.TypeOf(account) is null)
            throw new ArgumentException($"'{account}' is not in the chart of accounts.", nameof(account));
        var cents = debitCents + creditCents;
        if (cents <= 0 || !Money.IsExact(cents))
            throw new ArgumentException(
                $"An entry of {cents} cents on {account}: the amount must be positive, "
                + $"with at most {Money.DecimalsMax} decimals (R2).");
        (Account, DebitCents, CreditCents) = (account, debitCents, creditCents);
    }

    public string Account { get; }
    public decimal DebitCents { get; }
    public decimal CreditCents { get; }

    public static Entry Debit(string account, decimal cents) => new(account, cents, 0);

    public static Entry Credit(string account, decimal cents) => new(account, 0, cents);
}
