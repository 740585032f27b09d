using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Users and their budgets: sign up, look up, list, delete.</summary>
public static class UserEndpoints
{
    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        var users = routes.MapGroup("/users").WithTags("Users");
        users.MapPost("", SignUpAsync).Allow(Roles.Admin)
            .Describe(
                "Sign up a user",
                "The first signup grants the credit, even if a call or a grant opened the budget before. A second "
                + "signup changes nothing, whatever its amount, and returns the budget with 200. Signup credit must be "
                + "covered by the headroom.")
            .Takes<SignupRequest>().Refuses("insufficient-anthropic-credits", "user-deleted");
        users.MapGet("", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List budgets", "A page, ordered by user_id.")
            .TakesQuery("prefix", "limit", "after").LimitsReadConcurrency();
        users.MapGet("/{user_id}", ShowAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe("Show a budget", "Includes deleted users, with deleted_at.")
            .Refuses("forbidden", "user-not-found");
        users.MapGet("/{user_id}/entries", ListEntriesAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List a user's entries", "The entries of the user's account in the ledger, newest first.")
            .TakesQuery("limit", "before").LimitsReadConcurrency().Refuses("user-not-found");
        users.MapGet("/{user_id}/transactions", ListTransactionsAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe(
                "List a user's history", "The history in the format of the system before the ledger, newest first.")
            .TakesQuery("limit", "before").LimitsReadConcurrency().Refuses("forbidden", "user-not-found");
        users.MapDelete("/{user_id}", DeleteAsync).Allow(Roles.Admin)
            .Describe(
                "Delete a user",
                "Forfeits remaining credit, writes off debt, and closes the budget permanently. Deleting again changes "
                + "nothing.")
            .Refuses("user-not-found");
    }

    private static async Task<Results<JsonCreated<Budget>, JsonOk<Budget>, ProblemResult>> SignUpAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.SignupRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await budgets.SignUpAsync(request, Caller.Of(http).Actor, http.RequestAborted);
        if (LedgerResults.RefusalOf(http, outcome) is { } refused)
            return refused;
        var (budget, existed) = (outcome.Answer!.Budget, outcome.Answer.Existed);
        return existed
            ? LedgerResults.Ok(budget, LedgerJson.Default.Budget)
            : LedgerResults.Created(budget, LedgerJson.Default.Budget);
    }

    private static async Task<Results<JsonOk<BudgetPage>, ProblemResult>> ListAsync(HttpContext http, UserQueries users)
    {
        var query = new QueryReader(http);
        var (prefix, limit, after) = (query.Text("prefix"), query.Limit(100), query.Text("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await users.ListBudgetsAsync(prefix, limit, after, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.BudgetPage);
    }

    private static async Task<Results<JsonOk<Budget>, ProblemResult>> ShowAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var userId = query.UserId(id);
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        if (!Caller.Of(http).MayAccess(userId))
            return LedgerResults.Forbidden(http, userId);
        var budget = await users.FindBudgetAsync(userId, UncancelledQueries.Token);
        return LedgerResults.Found(http, budget, LedgerJson.Default.Budget, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<Results<JsonOk<EntryPage>, ProblemResult>> ListEntriesAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var (userId, limit, before) = (query.UserId(id), query.Limit(50), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await users.ListEntriesAsync(userId, limit, before, UncancelledQueries.Token);
        return LedgerResults.Found(http, page, LedgerJson.Default.EntryPage, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<Results<JsonOk<BudgetTransactionPage>, ProblemResult>> ListTransactionsAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var (userId, limit, before) = (query.UserId(id), query.Limit(20), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        if (!Caller.Of(http).MayAccess(userId))
            return LedgerResults.Forbidden(http, userId);
        var page = await users.ListTransactionsAsync(userId, limit, before, UncancelledQueries.Token);
        return LedgerResults.Found(
            http, page, LedgerJson.Default.BudgetTransactionPage, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<Results<JsonOk<Deletion>, ProblemResult>> DeleteAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, BudgetService budgets)
    {
        var outcome = await budgets.DeleteUserAsync(id, Caller.Of(http).Actor, http.RequestAborted);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.Deletion);
    }
}
