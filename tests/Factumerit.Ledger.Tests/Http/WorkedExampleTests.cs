namespace Factumerit.Ledger.Tests.Http;

/// <summary>The worked example of docs/accounting.md, over HTTP from the purchase to the last balance.</summary>
public sealed class WorkedExampleTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task Six_transactions_leave_the_books_as_the_accountant_works_them_out()
    {
        (await service.PostAsync("/purchases", new { credits_cents = 2500, sales_tax_cents = 259 }, "purchase-1"))
            .Expect(201);
        (await service.PostAsync("/users", new { user_id = "U", initial_credit_cents = 100 })).Expect(201);
        (await service.PostAsync("/usage", new { user_id = "U", amount_cents = 5, request_id = "call-1" })).Expect(201);
        (await service.PostAsync("/grants", new { user_id = "U", amount_cents = 500 }, "grant-1")).Expect(201);
        (await service.PostAsync("/write-downs", new { amount_cents = 5 }, "write-down-1")).Expect(201);
        (await service.DeleteAsync("/users/U")).Expect(200).Amount("forfeited_cents").ShouldBe(595);

        var accounts = (await service.GetAsync("/ledger/balances"))
            .Expect(200).Json.GetProperty("accounts").EnumerateArray()
            .ToDictionary(a => a.GetProperty("account").GetString()!, a => a.GetProperty("balance_cents").GetDecimal());
        accounts.ShouldBe(new Dictionary<string, decimal>
        {
            ["asset:anthropic"] = 2495,
            ["equity:capital"] = -2759,
            ["equity:forfeit"] = 595,
            ["equity:grants"] = -500,
            ["equity:initial"] = -100,
            ["expense:anthropic"] = 5,
            ["expense:api"] = 5,
            ["expense:sales_tax"] = 259,
            ["user:U"] = 0,
        }, ignoreOrder: true);

        var integrity = (await service.GetAsync("/ledger/integrity")).Expect(200);
        integrity.Json.GetProperty("is_balanced").GetBoolean().ShouldBeTrue(integrity.Body);
        integrity.Amount("transaction_count").ShouldBe(6);
        integrity.Amount("entry_count").ShouldBe(13);
        integrity.Amount("imbalance").ShouldBe(0);
    }
}
