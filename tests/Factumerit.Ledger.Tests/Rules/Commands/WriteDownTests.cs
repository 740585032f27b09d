using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Write-downs: the books follow what the provider says, down or up.</summary>
public sealed class WriteDownTests
{
    [Fact]
    public void An_account_under_an_old_name_can_be_emptied_and_is_then_the_vendors()
    {
        var books = new Books().WithTotals(0).WithProvider("bedrock", 100).WithProvider("bedrock_converse", 30);
        WriteDown("1", 0).AmountCents.ShouldBe(30);
        WriteDown("2", 90).AmountCents.ShouldBe(10);
        books.Entries().ShouldBe([
            "asset:bedrock_converse 30 0", "expense:bedrock_converse 0 30", "asset:bedrock 10 0",
            "expense:bedrock 0 10"]);

        WriteDownReceipt WriteDown(string key, decimal actualCents) =>
            books.Apply(new WriteDown(
                new() { ActualBalanceCents = actualCents, Provider = "bedrock_converse" }, key))
                .Answer.ShouldNotBeNull();
    }

    [Fact]
    public void A_vendor_whose_credit_was_bought_under_an_old_name_is_known()
    {
        var books = new Books().WithTotals(0).WithProvider("bedrock_converse", 30);
        books.WriteDown(actualCents: 0, provider: "bedrock_converse").Answer.ShouldNotBeNull().AmountCents.ShouldBe(30);
        books.WriteDown(actualCents: 30, provider: "bedrock").Answer.ShouldNotBeNull().AmountCents.ShouldBe(-30);
    }

    [Fact]
    public void What_was_consumed_becomes_the_providers_expense()
    {
        var books = new Books().WithTotals(2500);
        var receipt = books.Apply(
            new WriteDown(new() { AmountCents = 5, Reason = "March" }, "key-1")).Answer.ShouldNotBeNull();

        receipt.AmountCents.ShouldBe(5);
        receipt.Headroom.AssetCents.ShouldBe(2495);
        books.Entries().ShouldBe(["asset:anthropic 5 0", "expense:anthropic 0 5"]);
        var entry = books.State.NewEntries[0];
        (entry.TransactionId, entry.ReferenceType, entry.ReferenceId, entry.Description)
            .ShouldBe((receipt.TransactionId!.Value, "write_down", null, "March"));
    }

    [Fact]
    public void An_actual_balance_below_the_books_writes_the_difference_down()
    {
        var books = new Books().WithTotals(2500);
        var receipt = books.WriteDown(actualCents: 2399.5m).Answer.ShouldNotBeNull();
        (receipt.AmountCents, receipt.Headroom.AssetCents).ShouldBe((100.5m, 2399.5m));
        books.Entries().ShouldBe(["asset:anthropic 100.5 0", "expense:anthropic 0 100.5"]);
    }

    [Fact]
    public void An_actual_balance_above_the_books_is_an_adjustment()
    {
        var books = new Books().WithTotals(2500);
        var receipt = books.WriteDown(actualCents: 2600).Answer.ShouldNotBeNull();
        (receipt.AmountCents, receipt.Headroom.AssetCents).ShouldBe((-100m, 2600m));
        books.Entries().ShouldBe(["equity:adjustments 100 0", "asset:anthropic 0 100"]);
        books.State.NewEntries[0].ReferenceType.ShouldBe("write_down");
    }

    [Theory]
    [InlineData(null, 2500)]
    [InlineData(0, null)]
    public void Nothing_to_book_posts_nothing_but_keeps_the_key_R9(int? amountCents, int? actualCents)
    {
        var books = new Books().WithTotals(2500);
        var receipt = books.WriteDown(amountCents, actualCents).Answer.ShouldNotBeNull();
        (receipt.TransactionId, receipt.AmountCents).ShouldBe((null, 0m));
        books.Entries().ShouldBeEmpty();
        books.State.NewAnswers.Count.ShouldBe(1);
    }

    [Fact]
    public void A_provider_that_was_never_bought_from_is_refused_unless_forced_R10()
    {
        var books = new Books().WithTotals(2500);
        books.WriteDown(amountCents: 5, provider: "openai").Refusal
            .ShouldBe(new Refusal.InsufficientProviderCredit("openai", null, 5));
        books.WriteDown(actualCents: 10, provider: "openai").Refusal
            .ShouldBe(new Refusal.InsufficientProviderCredit("openai", null, 10));
        books.WriteDown(actualCents: 0, provider: "openai").Answer.ShouldNotBeNull().TransactionId
            .ShouldBeNull("there is nothing to book");
        books.Entries().ShouldBeEmpty();

        books.WriteDown(actualCents: 10, provider: "openai", isForced: true).Answer.ShouldNotBeNull().AmountCents
            .ShouldBe(-10);
        books.Entries().ShouldBe(["equity:adjustments 10 0", "asset:openai 0 10"]);
    }

    [Fact]
    public void More_than_the_books_hold_is_refused_unless_forced_R10()
    {
        var books = new Books().WithTotals(2);
        books.WriteDown(amountCents: 2.0000001m).Refusal
            .ShouldBe(new Refusal.InsufficientProviderCredit("anthropic", 2, 2.0000001m));
        books.HasChanges.ShouldBeFalse();
        books.WriteDown(amountCents: 5, isForced: true).Answer.ShouldNotBeNull().Headroom.AssetCents.ShouldBe(-3);
        books.WriteDown(actualCents: 0).Answer.ShouldNotBeNull().AmountCents.ShouldBe(-3);
    }

    [Fact]
    public void All_that_the_books_hold_may_be_written_down()
    {
        var books = new Books().WithTotals(2);
        books.WriteDown(amountCents: 2).Answer.ShouldNotBeNull().Headroom.AssetCents.ShouldBe(0);
        books.WriteDown(actualCents: 3).Answer.ShouldNotBeNull().AmountCents
            .ShouldBe(-3, "the provider is known, with 0 left");
    }

    [Fact]
    public void The_write_down_of_one_commit_sees_the_purchase_before_it()
    {
        var books = new Books().WithTotals(0);
        books.Purchase(100);
        books.WriteDown(actualCents: 90).Answer.ShouldNotBeNull().AmountCents.ShouldBe(10);
    }

    [Fact]
    public void A_difference_beyond_one_operation_is_refused_R10()
    {
        var books = new Books().WithTotals(1_000_000_000_001m);
        books.WriteDown(actualCents: 0).Refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys
            .ShouldBe(["actual_balance_cents"]);
        books.HasChanges.ShouldBeFalse();
        books.WriteDown(actualCents: 1).Answer.ShouldNotBeNull().AmountCents.ShouldBe(1_000_000_000_000m);
    }

    [Fact]
    public void Exactly_one_of_the_amounts_is_given()
    {
        Books.ErrorsOf(new WriteDown(new(), "key-1")).Keys.ShouldBe(["amount_cents"]);
        Books.ErrorsOf(new WriteDown(new() { AmountCents = 1, ActualBalanceCents = 1 }, "key-1")).Keys
            .ShouldBe(["actual_balance_cents"]);
    }

    [Fact]
    public void Every_wrong_field_is_named()
    {
        Books.ErrorsOf(new WriteDown(new() { AmountCents = -1, Provider = "API", Reason = "\0" }, null)).Keys
            .ShouldBe(["Idempotency-Key", "amount_cents", "provider", "reason"]);
        Books.ErrorsOf(new WriteDown(new() { ActualBalanceCents = 0.00000001m }, "key-1")).Keys
            .ShouldBe(["actual_balance_cents"]);
    }
}
