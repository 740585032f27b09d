using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Integrity;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Faults that checks of the books found: list them, and resolve one.</summary>
public static class FaultEndpoints
{
    public static void MapFaults(this RouteGroupBuilder ledger)
    {
        ledger.MapGet("/faults", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("List faults", "What the background checks found, newest first, with what was done about it.")
            .TakesQuery("state", "limit", "before").Answers<FaultPage>(200).ReadsLong();
        ledger.MapPost("/faults/{id:long}/resolve", ResolveAsync).Allow(Roles.Admin)
            .Describe(
                "Resolve a fault",
                "It is reported no more. The next background check reads everything: a fault that is still true is "
                + "back. Resolving it again changes nothing.")
            .Takes<ResolveRequest>().Answers<KeptFault>(200).Refuses("not-found");
    }

    private static async Task<IResult> ListAsync(HttpContext http, FaultStore faults)
    {
        var query = new QueryReader(http);
        var state = query.Choice("state", "standing", "resolved");
        var (limit, before) = (query.Limit(100), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return Answers.Refused(http, refusal);
        bool? isResolved = state is null ? null : state == "resolved";
        var page = await faults.ListAsync(isResolved, limit, before, UncancelledQueries.Token);
        return Answers.Ok(page, LedgerJson.Default.FaultPage);
    }

    private static async Task<IResult> ResolveAsync(HttpContext http, [FromRoute] long id, FaultStore faults)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ResolveRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await faults.ResolveAsync(id, request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return Answers.Of(http, outcome, fault => Answers.Ok(fault, LedgerJson.Default.KeptFault));
    }
}
