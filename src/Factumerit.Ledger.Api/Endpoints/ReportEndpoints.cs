using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Reports on calls: their costs and their revenue.</summary>
public static class ReportEndpoints
{
    public static void MapReports(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/reports").WithTags("Reports").MapGet("/margin", ShowMarginAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "Show the margin",
                "The provider costs of calls and what users paid for them, by the time of the call. A call of known "
                + "cost that nobody paid (it waits for review, or was waived) lowers the margin by its cost. A call of "
                + "unknown cost is left out of the margin and counted in unknown_cost_calls. Days are UTC.")
            .TakesQuery("from", "to", "group_by", "limit", "after").LimitsReadConcurrency();

    private static async Task<Results<JsonOk<MarginReport>, ProblemResult>> ShowMarginAsync(
        HttpContext http, MarginReports reports)
    {
        var query = new QueryReader(http);
        var (from, to) = query.Period();
        var groupBy = query.Choice("group_by", [.. MarginReports.Groupings]) ?? "model";
        var (limit, after) = (query.Limit(100), query.Text("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        return LedgerResults.Ok(
            await reports.ReadAsync(groupBy, from, to, limit, after, UncancelledQueries.Token),
            LedgerJson.Default.MarginReport);
    }
}
