using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;

using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Lists usages, and reviews those without a price (R16): bill one, waive one, reprice all.</summary>
public static class ReviewEndpoints
{
    public static void MapReview(this RouteGroupBuilder usage)
    {
        usage.MapGet("", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "List usages",
                "A page, newest first, with all reported fields. billing_status=needs_review lists the review queue.")
            .TakesQuery("billing_status", "user_id", "model", "from", "to", "limit", "before")
            .LimitsReadConcurrency();
        usage.MapPost("/{usage_id:guid}/bill", BillAsync).Allow(Roles.Admin)
            .Describe(
                "Bill a usage that waits for review",
                "Bills amount_cents, or provider_cost_usd times the markup. Without either, the price comes from the "
                + "known cost or the price book. user_id is required for a call of an unknown user, and refused for "
                + "any other. The balance may go below 0, because the call was already made.")
            .Takes<BillRequest>(mayBeKeyed: true)
            .Refuses("not-found", "already-reviewed", "not-priceable", "user-deleted", "idempotency-key-reused");
        usage.MapPost("/{usage_id:guid}/waive", WaiveAsync).Allow(Roles.Admin)
            .Describe("Waive a usage that waits for review", "Nobody pays for it, and no money moves.")
            .Takes<WaiveRequest>(mayBeKeyed: true)
            .Refuses("not-found", "already-reviewed", "idempotency-key-reused");
        usage.MapPost("/reprice", RepriceAsync).Allow(Roles.Admin)
            .Describe(
                "Bill all waiting usages that can be priced",
                "Prices the usages that wait for review again, oldest first, and bills those that now have a price and "
                + "a user who is not deleted. The others keep waiting, also those that a person must decide. Billed "
                + "usages stay as they are. model and user_id select usages. Safe to repeat: nothing is billed twice.")
            .Takes<RepriceRequest>();
    }

    private static async Task<Results<JsonOk<UsagePage>, ProblemResult>> ListAsync(
        HttpContext http, UsageQueries reviews)
    {
        var query = new QueryReader(http);
        var status = query.Choice(
            "billing_status", BillingStatuses.Billed, BillingStatuses.NeedsReview, BillingStatuses.Waived);
        var (userId, model, (from, to)) = (query.FilterUserId("user_id"), query.Name("model"), query.Period());
        var (limit, before) = (query.Limit(50), query.Id("before"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await reviews.ListAsync(
            new UsageFilter(status, userId, model, from, to), limit, before, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.UsagePage);
    }

    private static async Task<Results<JsonOk<UsageDetail>, ProblemResult>> BillAsync(
        HttpContext http, [FromRoute(Name = "usage_id")] Guid id, ReviewService reviews)
    {
        var body = await JsonBody.ReadOrEmptyAsync(http, LedgerJson.Default.BillRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await reviews.BillAsync(
            id, request, Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http), UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.UsageDetail);
    }

    private static async Task<Results<JsonOk<UsageDetail>, ProblemResult>> WaiveAsync(
        HttpContext http, [FromRoute(Name = "usage_id")] Guid id, ReviewService reviews)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.WaiveRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await reviews.WaiveAsync(
            id, request, Caller.Of(http).Actor, IdempotencyHeaders.KeyOf(http), UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.UsageDetail);
    }

    private static async Task<Results<JsonOk<Repricing>, ProblemResult>> RepriceAsync(
        HttpContext http, ReviewService reviews)
    {
        var body = await JsonBody.ReadOrEmptyAsync(http, LedgerJson.Default.RepriceRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await reviews.RepriceAsync(request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.Repricing);
    }
}
