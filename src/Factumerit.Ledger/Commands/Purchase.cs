using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Commands;

/// <summary>Books bought credit: debit equity:capital, credit asset:P and expense:sales_tax (R9).</summary>
public sealed class Purchase(PurchaseRequest request, string? idempotencyKey)
    : KeyedCommand<PurchaseReceipt>("purchase", idempotencyKey, LedgerJson.Default.PurchaseReceipt)
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

    protected override Outcome<PurchaseReceipt> DecideNewRequest(WorkingSet state)
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
