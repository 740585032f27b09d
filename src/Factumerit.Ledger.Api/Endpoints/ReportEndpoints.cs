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
                "What calls cost at the providers and what users paid for them, by the time they happened. A call "
                + "whose cost is known and that nobody paid, as it waits for review or was waived, lowers the margin "
                + "by its cost; one whose cost is unknown is left out of it and counted in unknown_cost_calls. Days "
                + "are UTC.")
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
