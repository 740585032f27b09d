using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Integrity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Faults that checks of the books found: list them, and resolve one.</summary>
public static class FaultEndpoints
{
    public static void MapFaults(this RouteGroupBuilder ledger)
    {
        ledger.MapGet("/faults", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List faults", "Faults that background checks found, newest first, and how they were resolved.")
            .TakesQuery("state", "limit", "before").LimitsReadConcurrency();
        ledger.MapPost("/faults/{id:long}/resolve", ResolveAsync).Allow(Roles.Admin)
            .Describe(
                "Resolve a fault",
                "The fault is no longer reported. The next background check reads all entries, and reports the fault "
                + "again if it still exists. Resolving it again changes nothing.")
            .Takes<ResolveRequest>().Refuses("not-found");
    }

    private static async Task<Results<JsonOk<FaultPage>, ProblemResult>> ListAsync(HttpContext http, FaultStore faults)
    {
        var query = new QueryReader(http);
        var state = query.Choice("state", "standing", "resolved");
        var (limit, before) = (query.Limit(100), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        bool? isResolved = state is null ? null : state == "resolved";
        var page = await faults.ListAsync(isResolved, limit, before, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.FaultPage);
    }

    private static async Task<Results<JsonOk<KeptFault>, ProblemResult>> ResolveAsync(
        HttpContext http, [FromRoute] long id, FaultStore faults)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ResolveRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await faults.ResolveAsync(id, request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.KeptFault);
    }
}
