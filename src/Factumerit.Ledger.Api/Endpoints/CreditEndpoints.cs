using Factumerit.Ledger.Api.Http;

using Microsoft.AspNetCore.Http.HttpResults;

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
                "Opens a budget for an unknown user; the receipt then has user_created: true. With create_user: false, "
                + "an unknown user is refused with user-not-found. This protects against misspelt ids.")
            .Takes<GrantRequest>(keyed: true)
            .Refuses("user-not-found", "user-deleted", "idempotency-key-reused");
        credit.MapPost("/purchases", PurchaseAsync).Allow(Roles.Admin)
            .Describe(
                "Book provider credit that was bought",
                "Books the credit to the provider's asset account, and the tax to expense:sales_tax.")
            .Takes<PurchaseRequest>(keyed: true).Refuses("idempotency-key-reused");
        credit.MapPost("/write-downs", WriteDownAsync).Allow(Roles.Admin)
            .Describe(
                "Book provider credit that was consumed",
                "Give an amount, the provider's remaining balance, or from_usage to book all usage cost not yet "
                + "written down. If there is nothing to book, the response is 200 with transaction_id null. An amount "
                + "above the provider's balance, or a provider without purchases, is refused with "
                + "insufficient-provider-credit unless force is true.")
            .Takes<WriteDownRequest>(keyed: true)
            .Refuses("insufficient-provider-credit", "idempotency-key-reused");
    }

    private static async Task<Results<JsonCreated<GrantReceipt>, ProblemResult>> GrantAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.GrantRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http));
        var outcome = await budgets.GrantAsync(request, by, key, http.RequestAborted);
        return LedgerResults.Created(http, outcome, LedgerJson.Default.GrantReceipt);
    }

    private static async Task<Results<JsonCreated<PurchaseReceipt>, ProblemResult>> PurchaseAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.PurchaseRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http));
        var outcome = await budgets.PurchaseAsync(request, by, key, http.RequestAborted);
        return LedgerResults.Created(http, outcome, LedgerJson.Default.PurchaseReceipt);
    }

    private static async Task<Results<JsonCreated<WriteDownReceipt>, JsonOk<WriteDownReceipt>, ProblemResult>>
        WriteDownAsync(HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.WriteDownRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var (by, key) = (Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http));
        var outcome = await budgets.WriteDownAsync(request, by, key, http.RequestAborted);
        if (LedgerResults.RefusalOf(http, outcome) is { } refused)
            return refused;
        var isPosted = outcome.Stored is { } stored
            ? stored.Status == StatusCodes.Status201Created
            : outcome.Answer!.TransactionId is not null;
        return isPosted
            ? new JsonCreated<WriteDownReceipt>(outcome.Answer, LedgerJson.Default.WriteDownReceipt, outcome.Stored)
            : new JsonOk<WriteDownReceipt>(outcome.Answer, LedgerJson.Default.WriteDownReceipt, outcome.Stored);
    }
}
