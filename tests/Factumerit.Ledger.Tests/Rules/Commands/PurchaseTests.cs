using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Purchases: the owner's money becomes provider credit and tax.</summary>
public sealed class PurchaseTests
{
    [Fact]
    public void A_purchase_books_credit_and_tax()
    {
        var books = new Books().WithUser("alice", 100).WithTotals(0);
        var receipt = books.Apply(new Purchase(
            new() { CreditsCents = 2500, SalesTaxCents = 259, Invoice = "INV-7" }, "key-1")).Answer.ShouldNotBeNull();

        receipt.TotalCents.ShouldBe(2759);
        (receipt.Headroom.AssetCents, receipt.Headroom.LiabilityCents, receipt.Headroom.AvailableCents)
            .ShouldBe((2500m, 100m, 2400m));
        books.Entries().ShouldBe(["equity:capital 2759 0", "asset:anthropic 0 2500", "expense:sales_tax 0 259"]);
        var entry = books.State.NewEntries[0];
        (entry.TransactionId, entry.ReferenceType, entry.ReferenceId)
            .ShouldBe((receipt.TransactionId, "purchase", "INV-7"));
        books.State.NewBudgetTransactions.ShouldBeEmpty();
        books.State.ChangedUsers.ShouldBeEmpty();
    }

    [Fact]
    public void A_purchase_without_tax_has_no_tax_entry_R2()
    {
        var books = new Books();
        books.Purchase(2500).Answer.ShouldNotBeNull().TotalCents.ShouldBe(2500);
        books.Entries().ShouldBe(["equity:capital 2500 0", "asset:anthropic 0 2500"]);
    }

    [Fact]
    public void Every_name_of_a_vendor_leads_to_the_vendors_account()
    {
        var books = new Books();
        books.Purchase(10, provider: "bedrock_converse");
        var headroom = books.Purchase(5, provider: "bedrock").Answer.ShouldNotBeNull().Headroom;
        headroom.Providers.ShouldBe([new ProviderBalance("bedrock", 15)]);
    }

    [Fact]
    public void Each_provider_has_its_own_account()
    {
        var books = new Books();
        books.Purchase(10, provider: "openai");
        var headroom = books.Purchase(5).Answer.ShouldNotBeNull().Headroom;
        headroom.Providers.ShouldBe([new ProviderBalance("anthropic", 5), new ProviderBalance("openai", 10)]);
        headroom.AvailableCents.ShouldBe(15);
    }

    [Fact]
    public void Credit_and_tax_together_end_at_ten_to_the_twelfth()
    {
        Books.ErrorsOf(new Purchase(new() { CreditsCents = 999_999_999_999m, SalesTaxCents = 1 }, "key-1"))
            .ShouldBeEmpty();
        Books.ErrorsOf(new Purchase(new() { CreditsCents = 999_999_999_999m, SalesTaxCents = 1.0000001m }, "key-1"))
            .Keys.ShouldBe(["sales_tax_cents"]);
    }

    [Fact]
    public void A_purchase_needs_a_key_R9() =>
        Books.ErrorsOf(new Purchase(new() { CreditsCents = 1 }, null)).Keys.ShouldBe(["Idempotency-Key"]);

    [Fact]
    public void Every_wrong_field_is_named() =>
        Books.ErrorsOf(
            new Purchase(new() { CreditsCents = 0, SalesTaxCents = -1, Provider = "api", Invoice = "" }, "key-1")).Keys
            .ShouldBe(["credits_cents", "sales_tax_cents", "provider", "invoice"]);

    [Fact]
    public void The_credit_is_required() =>
        Books.ErrorsOf(new Purchase(new(), "key-1"))["credits_cents"].ShouldBe(["is required"]);
}
