using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Holds: set credit aside before calls, add to it, give it back, look it up.</summary>
public static class HoldEndpoints
{
    public static void MapHolds(this IEndpointRouteBuilder routes)
    {
        var holds = routes.MapGroup("/holds").WithTags("Holds");
        holds.MapPost("", PlaceAsync).Allow(Roles.Bot, Roles.Admin).IsHighVolume()
            .Describe(
                "Set credit aside",
                "Holds credit for calls that are about to be made: an amount, or the price of a model's tokens. No "
                + "money moves. The usage that names the hold_id settles it and frees the rest. Needs the header "
                + "Idempotency-Key, or external_id in its place.")
            .Takes<HoldRequest>(mayBeKeyed: true)
            .Refuses("insufficient-credit", "not-priceable", "user-deleted", "idempotency-key-reused");
        holds.MapPost("/{id:guid}/increase", IncreaseAsync).Allow(Roles.Bot, Roles.Admin)
            .Describe(
                "Add credit or time to a hold",
                "expires_in_seconds counts from now, and never shortens the hold.")
            .Takes<HoldIncreaseRequest>(keyed: true)
            .Refuses(
                "insufficient-credit", "not-found", "hold-closed", "user-deleted", "idempotency-key-reused");
        holds.MapPost("/{id:guid}/release", ReleaseAsync).Allow(Roles.Bot, Roles.Admin)
            .Describe(
                "Release a hold",
                "The credit is available again. Releasing a hold again changes nothing; one that was settled or has "
                + "expired is refused with hold-closed.")
            .Takes<HoldReleaseRequest>()
            .Refuses("not-found", "hold-closed");
        holds.MapGet("/{id:guid}", ShowAsync).Allow(Roles.All)
            .Describe("Show a hold", "The hold as it is now, with the user's balance and available credit.")
            .Refuses("not-found");
        holds.MapGet("", ListAsync).Allow(Roles.All)
            .Describe(
                "List holds",
                "A page in the order in which the holds were placed. A key that is bound to some users must name one "
                + "of them.")
            .TakesQuery("user_id", "state", "limit", "after")
            .LimitsReadConcurrency().Refuses("forbidden");
    }

    private static async Task<Results<JsonCreated<HoldAnswer>, ProblemResult>> PlaceAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.HoldRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var caller = Caller.Of(http);
        if (!caller.MayAccess(request.UserId))
            return LedgerResults.Forbidden(http, request.UserId!);
        var key = IdempotencyHeaders.KeyOf(http);
        var outcome = await budgets.PlaceHoldAsync(request, caller.Actor, key, http.RequestAborted);
        return LedgerResults.Created(http, outcome, LedgerJson.Default.HoldAnswer);
    }

    private static async Task<Results<JsonOk<HoldAnswer>, ProblemResult>> IncreaseAsync(
        HttpContext http, [FromRoute] Guid id, BudgetService budgets, HoldQueries holds)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.HoldIncreaseRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        if (await FindAsync(http, id, holds) is not { } hold)
            return Missing(http, id);
        var (by, key) = (Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http));
        var outcome = await budgets.IncreaseHoldAsync(request, hold, by, key, http.RequestAborted);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.HoldAnswer);
    }

    private static async Task<Results<JsonOk<HoldAnswer>, ProblemResult>> ReleaseAsync(
        HttpContext http, [FromRoute] Guid id, BudgetService budgets, HoldQueries holds)
    {
        var body = await JsonBody.ReadOrEmptyAsync(http, LedgerJson.Default.HoldReleaseRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        if (await FindAsync(http, id, holds) is not { } hold)
            return Missing(http, id);
        var outcome = await budgets.ReleaseHoldAsync(request, hold, Caller.Of(http).Actor, http.RequestAborted);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.HoldAnswer);
    }

    private static async Task<Results<JsonOk<HoldAnswer>, ProblemResult>> ShowAsync(
        HttpContext http, [FromRoute] Guid id, HoldQueries holds) =>
        await holds.ShowAsync(id, UncancelledQueries.Token) is { } hold && Caller.Of(http).MayAccess(hold.UserId)
            ? LedgerResults.Ok(hold, LedgerJson.Default.HoldAnswer)
            : Missing(http, id);

    private static async Task<Results<JsonOk<HoldPage>, ProblemResult>> ListAsync(HttpContext http, HoldQueries holds)
    {
        var query = new QueryReader(http);
        var (userId, state) = (query.FilterUserId("user_id"), query.Choice("state", Hold.States));
        var (limit, after) = (query.Limit(100), query.Id("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var caller = Caller.Of(http);
        if (userId is null && caller.UserPrefix is not null)
            return Problems.Of(
                http, "forbidden", $"This key is bound to {caller.Bound}: name one of them as user_id.").ToResult();
        if (!caller.MayAccess(userId))
            return LedgerResults.Forbidden(http, userId!);
        return LedgerResults.Ok(
            await holds.ListAsync(userId, state, limit, after, UncancelledQueries.Token), LedgerJson.Default.HoldPage);
    }

    // The hold as it is before the commit. Its user, on which the permission depends, never changes. To a key that may
    // not access the user, the hold does not exist: an answer would give the user's id away.
    private static async Task<Hold?> FindAsync(HttpContext http, Guid id, HoldQueries holds) =>
        await holds.FindAsync(id, UncancelledQueries.Token) is { } hold && Caller.Of(http).MayAccess(hold.UserId)
            ? hold
            : null;

    private static ProblemResult Missing(HttpContext http, Guid id) =>
        LedgerResults.Refused(http, new Refusal.NotFound($"hold {id}"));
}
