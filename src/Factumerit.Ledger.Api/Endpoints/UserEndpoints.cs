using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
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
                "Sign a user up",
                "The first signup gives the credit, also when a call or a grant opened the budget before. "
                + "A second one changes nothing, whatever its amount, and returns the budget with 200. Signup credit "
                + "needs headroom.")
            .Takes<SignupRequest>().Answers<Budget>(201, 200).Refuses("insufficient-anthropic-credits", "user-deleted");
        users.MapGet("", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List budgets", "A page in the order of user_id.")
            .TakesQuery("prefix", "limit", "after").Answers<BudgetPage>(200).ReadsLong();
        users.MapGet("/{user_id}", ShowAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe("Show a budget", "Deleted users are shown too, with deleted_at.")
            .Answers<Budget>(200).Refuses("validation-failed", "user-not-found");
        users.MapGet("/{user_id}/entries", ListEntriesAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List a user's entries", "The lines of the user's account in the ledger, newest first.")
            .TakesQuery("limit", "before").Answers<EntryPage>(200).ReadsLong().Refuses("user-not-found");
        users.MapGet("/{user_id}/transactions", ListTransactionsAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe("List a user's history", "As the system before the ledger kept it, newest first.")
            .TakesQuery("limit", "before").Answers<BudgetTransactionPage>(200).ReadsLong().Refuses("user-not-found");
        users.MapDelete("/{user_id}", DeleteAsync).Allow(Roles.Admin)
            .Describe(
                "Delete a user",
                "Credit that is left is forfeited, debt is written off, and the budget is closed for good. Deleting "
                + "twice changes nothing.")
            .Answers<Deletion>(200).Refuses("validation-failed", "user-not-found");
    }

    private static async Task<IResult> SignUpAsync(HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.SignupRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await budgets.SignUpAsync(request, Caller.Of(http).Actor, http.RequestAborted);
        return Answers.Of(http, outcome, registration => registration.Existed
            ? Answers.Ok(registration.Budget, LedgerJson.Default.Budget)
            : Answers.Created(registration.Budget, LedgerJson.Default.Budget));
    }

    private static async Task<IResult> ListAsync(HttpContext http, UserQueries users)
    {
        var query = new QueryReader(http);
        var (prefix, limit, after) = (query.Text("prefix"), query.Limit(100), query.Text("after"));
        if (query.Refusal is { } refusal)
            return Answers.Refused(http, refusal);
        return Answers.Ok(
            await users.ListBudgetsAsync(prefix, limit, after, UncancelledQueries.Token), LedgerJson.Default.BudgetPage);
    }

    private static async Task<IResult> ShowAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var userId = query.UserId(id);
        if (query.Refusal is { } refusal)
            return Answers.Refused(http, refusal);
        if (!Caller.Of(http).MayTouch(userId))
            return Answers.Forbidden(http, userId);
        var budget = await users.FindBudgetAsync(userId, UncancelledQueries.Token);
        return Answers.Found(http, budget, LedgerJson.Default.Budget, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<IResult> ListEntriesAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var (userId, limit, before) = (query.UserId(id), query.Limit(50), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return Answers.Refused(http, refusal);
        var page = await users.ListEntriesAsync(userId, limit, before, UncancelledQueries.Token);
        return Answers.Found(http, page, LedgerJson.Default.EntryPage, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<IResult> ListTransactionsAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, UserQueries users)
    {
        var query = new QueryReader(http);
        var (userId, limit, before) = (query.UserId(id), query.Limit(20), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return Answers.Refused(http, refusal);
        if (!Caller.Of(http).MayTouch(userId))
            return Answers.Forbidden(http, userId);
        var page = await users.ListTransactionsAsync(userId, limit, before, UncancelledQueries.Token);
        return Answers.Found(
            http, page, LedgerJson.Default.BudgetTransactionPage, () => new Refusal.UserNotFound(userId));
    }

    private static async Task<IResult> DeleteAsync(
        HttpContext http, [FromRoute(Name = "user_id")] string id, BudgetService budgets)
    {
        var outcome = await budgets.DeleteUserAsync(id, Caller.Of(http).Actor, http.RequestAborted);
        return Answers.Of(http, outcome, deletion => Answers.Ok(deletion, LedgerJson.Default.Deletion));
    }
}
