using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Commands;

/// <summary>API credit bought from a provider. Request body of POST /purchases.</summary>
public sealed record PurchaseRequest
{
    /// <summary>
    /// The credit bought, without tax, in cents: greater than 0, with at most 7 decimals. Together with the tax at most
    /// 10^12.
    /// </summary>
    public decimal? CreditsCents { get; init; }

    /// <summary>Sales tax paid on the credit, in cents.</summary>
    public decimal SalesTaxCents { get; init; }

    /// <summary>
    /// The seller: a lower-case letter, then up to 39 of a-z, 0-9, _ and -; default: anthropic. An alias of a vendor,
    /// such as bedrock_converse, means that vendor.
    /// </summary>
    public string? Provider { get; init; }

    /// <summary>The invoice, at most 200 characters.</summary>
    public string? Invoice { get; init; }
}

/// <summary>A purchase as it was posted.</summary>
/// <param name="TransactionId">The transaction that booked it.</param>
/// <param name="TotalCents">Credit and tax together, in cents.</param>
/// <param name="Headroom">The headroom after the purchase.</param>
public sealed record PurchaseReceipt(Guid TransactionId, decimal TotalCents, Headroom Headroom);

/// <summary>Books bought credit: debit equity:capital, credit asset:P and expense:sales_tax (R9).</summary>
public sealed class Purchase(PurchaseRequest request, string? idempotencyKey)
    : KeyedCommand<PurchaseReceipt>("purchase", idempotencyKey)
{
    // Kept as sent, so a request that is repeated after an upgrade has the same hash.
    private readonly string _provider = request.Provider ?? ChartOfAccounts.DefaultProvider;

    internal override void Declare(Needs needs)
    {
        base.Declare(needs);
        needs.AllTotals();
    }

    protected override RequestHash Hash =>
        RequestHash.Of(request.CreditsCents, request.SalesTaxCents, _provider, request.Invoice);

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        errors.CheckAmount("credits_cents", request.CreditsCents, zeroAllowed: false);
        errors.CheckAmount("sales_tax_cents", request.SalesTaxCents, zeroAllowed: true);
        errors.CheckProvider("provider", _provider);
        errors.CheckPersonalName("invoice", request.Invoice);
        if (!errors.Any && request.CreditsCents + request.SalesTaxCents > Money.OperationCentsMax)
            errors.Add(
                "sales_tax_cents",
                $"must add up with credits_cents to at most {Money.Format(Money.OperationCentsMax)}");
    }

    protected override Outcome<PurchaseReceipt> DecideFirst(WorkingSet state)
    {
        var (creditsCents, taxCents) = (request.CreditsCents!.Value, request.SalesTaxCents);
        var (totalCents, vendor) = (creditsCents + taxCents, Vendors.Canonical(_provider));
        List<Entry> entries = [
            Entry.Debit(ChartOfAccounts.CapitalEquity, totalCents),
            Entry.Credit(ChartOfAccounts.Asset(vendor), creditsCents),
        ];
        if (taxCents > 0)
            entries.Add(Entry.Credit(ChartOfAccounts.SalesTax, taxCents));
        var transaction = new LedgerTransaction(
            "purchase", request.Invoice, $"Credit bought from {vendor}", [.. entries]);
        state.Post(transaction);
        return new PurchaseReceipt(transaction.Id, totalCents, state.Headroom());
    }
}
