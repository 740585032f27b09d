using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>LLM calls: record one or many, look one up, and review those without a price.</summary>
public static class UsageEndpoints
{
    public const int BatchItemsMax = 1000;
    public const int BatchBytesMax = 4 * 1024 * 1024;

    /// <summary>The maximum number of field errors in the answer to a batch, over all its items.</summary>
    public const int BatchErrorsMax = 100;

    public static void MapUsage(this IEndpointRouteBuilder routes)
    {
        var usage = routes.MapGroup("/usage").WithTags("Usage");
        usage.MapPost("", RecordAsync).Allow(Roles.Bot, Roles.Admin).IsHighVolume()
            .Describe(
                "Record an LLM call",
                "Takes the price of the call from the user's budget: amount_cents if given, otherwise "
                + "provider_cost_usd times the markup, otherwise the tokens by the price book times the markup. "
                + "Without any of these, the usage waits for review and no money moves. Repeating a request_id returns "
                + "200 with the first answer and moves nothing.")
            .Takes<UsageRequest>(keyed: true)
            .Refuses("insufficient-credit", "not-found", "user-deleted", "idempotency-key-reused");
        usage.MapPost("/batch", RecordManyAsync).Allow(Roles.Bot, Roles.Admin).IsHighVolume()
            .WithMetadata(new RequestSizeLimitAttribute(BatchBytesMax)).TakesEncoded()
            .Describe(
                "Record up to 1000 LLM calls",
                "Each item is processed separately. Its result has the status that it would have got alone, and the "
                + "usage or the problem.")
            .Takes<UsageRequest[]>();
        usage.MapGet("/{usage_id:guid}", ShowAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("Show a usage", "The usage with all reported fields.")
            .Refuses("not-found");
        usage.MapReview();
    }

    private static async Task<Results<JsonCreated<RecordedUsage>, JsonOk<RecordedUsage>, ProblemResult>> RecordAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.UsageRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var caller = Caller.Of(http);
        if (FindForbidden(caller, request) is { } forbidden)
            return Problems.Of(http, "forbidden", forbidden).ToResult();
        // R9: the header is used if the body has no request_id.
        if (request.RequestId is null)
            request = request with { RequestId = IdempotencyHeaders.KeyOf(http) };
        var outcome = await budgets.RecordUsageAsync(request, caller.Actor, http.RequestAborted);
        if (LedgerResults.RefusalOf(http, outcome) is { } refused)
            return refused;
        return outcome.Replayed
            ? LedgerResults.Ok(outcome.Answer!, LedgerJson.Default.RecordedUsage)
            : LedgerResults.Created(outcome.Answer!, LedgerJson.Default.RecordedUsage);
    }

    private static async Task<Results<JsonOk<BatchAnswer>, ProblemResult>> RecordManyAsync(
        HttpContext http, BudgetService budgets)
    {
        var body = await JsonBody.ReadItemsAsync(http, LedgerJson.Default.UsageRequest, "usages", BatchItemsMax);
        if (body.Value is not { } items)
            return body.Problem!.ToResult();
        var results = await JudgeAsync(http, budgets, items);
        // Some items may have been written and others not. Sending all of them again is safe: each has its own key.
        return results.FirstOrDefault(r => r.Problem is { Code: "unavailable" })?.Problem is { } unavailable
            ? unavailable.ToResult()
            : LedgerResults.Ok(new BatchAnswer(results), LedgerJson.Default.BatchAnswer);
    }

    private static async Task<BatchResult[]> JudgeAsync(
        HttpContext http, BudgetService budgets, IReadOnlyList<ItemResult<UsageRequest>> items)
    {
        var caller = Caller.Of(http);
        var (results, errorsLeft) = (new BatchResult[items.Count], BatchErrorsMax);
        var (requests, places) = (new List<UsageRequest>(results.Length), new List<int>(results.Length));
        for (var place = 0; place < items.Count; place++)
        {
            var (request, refusal) = items[place];
            if (request is null)
                results[place] = Refused(refusal!);
            else if (FindForbidden(caller, request) is { } forbidden)
                results[place] = Answered(Problems.Of(http, "forbidden", forbidden));
            else
            {
                requests.Add(request);
                places.Add(place);
            }
        }
        var outcomes = await budgets.RecordUsagesAsync(requests, caller.Actor, http.RequestAborted);
        for (var i = 0; i < outcomes.Count; i++)
            results[places[i]] = outcomes[i] is { Answer: { } usage, Replayed: var replayed }
                ? new BatchResult(replayed ? StatusCodes.Status200OK : StatusCodes.Status201Created, usage, null)
                : Refused(outcomes[i].Refusal!);
        return results;

        BatchResult Refused(Refusal refusal)
        {
            if (refusal is Refusal.ValidationFailed failed
                && (errorsLeft -= failed.Errors.Values.Sum(e => e.Length)) < 0)
                refusal = failed.CountedOnly();
            return Answered(Problems.Of(http, refusal));
        }

        static BatchResult Answered(Problem problem) => new(problem.Status, null, problem);
    }

    private static string? FindForbidden(Caller caller, UsageRequest request) =>
        !caller.MayAccess(request.UserId) ? caller.Explain(request.UserId!)
        : request.EnforceBalance is false && !caller.MayOverdraw
            ? "enforce_balance can be false only with a key that was made with may_overdraw."
        : null;

    private static async Task<Results<JsonOk<UsageDetail>, ProblemResult>> ShowAsync(
        HttpContext http, [FromRoute(Name = "usage_id")] Guid id, UserQueries users) =>
        LedgerResults.Found(
            http,
            await users.FindUsageAsync(id, UncancelledQueries.Token),
            LedgerJson.Default.UsageDetail,
            () => new Refusal.NotFound($"usage {id}"));
}
