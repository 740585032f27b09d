using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Integrity;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>The books: balances, single transactions, checks and sums.</summary>
public static class LedgerEndpoints
{
    public static void MapLedger(this IEndpointRouteBuilder routes)
    {
        var ledger = routes.MapGroup("/ledger").WithTags("Ledger");
        ledger.MapGet("/balances", ListBalancesAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "List accounts",
                "A page of accounts with entries, ordered by name. balance = credits - debits.")
            .TakesQuery("type", "limit", "after").LimitsReadConcurrency();
        ledger.MapGet("/transactions/{id:guid}", ShowTransactionAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("Show a transaction", "The transaction with its entries.")
            .LimitsReadConcurrency().Refuses("not-found");
        ledger.MapGet("/integrity", CheckIntegrityAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "Check the books",
                "Compares all stored balances with the entries, and reports each broken rule as a fault. Reads the "
                + "entries since the last background check; full=true reads all entries. Also lists unresolved faults "
                + "of earlier checks. Changes nothing.")
            .TakesQuery("full")
            .LimitsReadConcurrency(
                (limits, http) => new QueryReader(http).Flag("full") ? limits.FullChecks : limits.Checks);
        ledger.MapFaults();
        ledger.MapGet("/summary", SummarizeAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "Sum up by type",
                "Debits, credits and net of each type of account; the nets add up to 0. Also how many usages wait for "
                + "review, and how long the oldest has been waiting.")
            .LimitsReadConcurrency();
        ledger.MapGet("/headroom", ShowHeadroomAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe("Show the headroom", "The remaining provider credit, minus the credit owed to users.")
            .LimitsReadConcurrency();
    }

    private static async Task<Results<JsonOk<AccountPage>, ProblemResult>> ListBalancesAsync(
        HttpContext http, LedgerReports reports)
    {
        var query = new QueryReader(http);
        var (type, limit, after) = (query.AccountType("type"), query.Limit(100), query.Text("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await reports.ListBalancesAsync(type, limit, after, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.AccountPage);
    }

    private static async Task<Results<JsonOk<TransactionDetail>, ProblemResult>> ShowTransactionAsync(
        HttpContext http, [FromRoute] Guid id, LedgerReports reports) =>
        LedgerResults.Found(
            http,
            await reports.FindTransactionAsync(id, UncancelledQueries.Token),
            LedgerJson.Default.TransactionDetail,
            () => new Refusal.NotFound($"transaction {id}"));

    private static async Task<Results<JsonOk<IntegrityReport>, ProblemResult>> CheckIntegrityAsync(
        HttpContext http, IntegrityCheck check)
    {
        var query = new QueryReader(http);
        var full = query.Flag("full");
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var report = await check.ReportAsync(full, UncancelledQueries.Token);
        return LedgerResults.Ok(report, LedgerJson.Default.IntegrityReport);
    }

    private static async Task<JsonOk<LedgerSummary>> SummarizeAsync(HttpContext http, LedgerReports reports) =>
        LedgerResults.Ok(await reports.SummarizeAsync(UncancelledQueries.Token), LedgerJson.Default.LedgerSummary);

    private static async Task<JsonOk<Headroom>> ShowHeadroomAsync(HttpContext http, LedgerReports reports) =>
        LedgerResults.Ok(await reports.GetHeadroomAsync(UncancelledQueries.Token), LedgerJson.Default.Headroom);
}
