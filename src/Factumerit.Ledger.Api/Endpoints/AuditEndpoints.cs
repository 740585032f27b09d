using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>The audit log.</summary>
public static class AuditEndpoints
{
    public static void MapAuditLog(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/audit-log").WithTags("Audit log").MapGet("", ListAsync).Allow(Roles.Admin)
            .Describe(
                "List audited changes",
                "A page, newest first: changes of keys and prices, reviews, deletions, signups without credit, and "
                + "data that later reports add to waiting calls. Changes that move money are in the ledger.")
            .TakesQuery("action", "limit", "before").LimitsReadConcurrency();

    private static async Task<Results<JsonOk<AuditPage>, ProblemResult>> ListAsync(HttpContext http, AuditQueries audit)
    {
        var query = new QueryReader(http);
        var action = query.Choice("action", [.. AuditActions.All]);
        var (limit, before) = (query.Limit(100), query.EntryId("before"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await audit.ListAsync(action, limit, before, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.AuditPage);
    }
}
