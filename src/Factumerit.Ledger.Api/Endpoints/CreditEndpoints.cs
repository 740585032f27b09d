using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Credit that an admin moves: grants to users, purchases from providers, write-downs.</summary>
public static class CreditEndpoints
{
    public static void MapCredit(this IEndpointRouteBuilder routes)
    {
        var credit = routes.MapGroup("").WithTags("Credit");
        credit.MapPost("/grants", GrantAsync).Allow(Roles.Admin)
            .Describe(
                "Grant credit",
                "An unknown user gets a budget, and the receipt says user_created: true. "
                + "With create_user: false an unknown user is refused with user-not-found, so that a misspelt id "
                + "gets nothing.")
            .Takes<GrantRequest>(keyed: true).Answers<GrantReceipt>(201)
            .Refuses("user-not-found", "user-deleted", "idempotency-key-reused");
        credit.MapPost("/purchases", PurchaseAsync).Allow(Roles.Admin)
            .Describe(
                "Book credit bought from a provider",
                "The credit goes to the provider's asset account, the tax to expense:sales_tax.")
            .Takes<PurchaseRequest>(keyed: true).Answers<PurchaseReceipt>(201).Refuses("idempotency-key-reused");
        credit.MapPost("/write-downs", WriteDownAsync).Allow(Roles.Admin)
            .Describe(
                "Book provider credit that was consumed",
                "Give an amount, the provider's remaining balance, or from_usage to book all usage cost not yet "
                + "written down. When there is nothing to book: 200 and transaction_id null. More than the provider's "
                + "account holds, and a provider from which nothing was ever bought, is refused with "
                + "insufficient-provider-credit, unless force is true.")
            .Takes<WriteDownRequest>(keyed: true).Answers<WriteDownReceipt>(201, 200)
            .Refuses("insufficient-provider-credit", "idempotency-key-reused");
    }

    private static async Task<IResult> GrantAsync(HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.GrantRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, Answers.IdempotencyKey(http));
        var outcome = await budgets.GrantAsync(request, by, key, http.RequestAborted);
        return Answers.Of(http, outcome, grant => Answers.Created(grant, LedgerJson.Default.GrantReceipt));
    }

    private static async Task<IResult> PurchaseAsync(HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.PurchaseRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, Answers.IdempotencyKey(http));
        var outcome = await budgets.PurchaseAsync(request, by, key, http.RequestAborted);
        return Answers.Of(http, outcome, purchase => Answers.Created(purchase, LedgerJson.Default.PurchaseReceipt));
    }

    private static async Task<IResult> WriteDownAsync(HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.WriteDownRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, Answers.IdempotencyKey(http));
        var outcome = await budgets.WriteDownAsync(request, by, key, http.RequestAborted);
        return Answers.Of(http, outcome, writeDown => writeDown.TransactionId is null
            ? Answers.Ok(writeDown, LedgerJson.Default.WriteDownReceipt)
            : Answers.Created(writeDown, LedgerJson.Default.WriteDownReceipt));
    }
}
