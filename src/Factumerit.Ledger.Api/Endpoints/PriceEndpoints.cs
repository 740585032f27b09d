using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>The price book: import a map, list the prices in force, show a model's history.</summary>
public static class PriceEndpoints
{
    public const int MapBytesMax = 8 * 1024 * 1024;

    public static void MapPrices(this IEndpointRouteBuilder routes)
    {
        var prices = routes.MapGroup("/prices").WithTags("Prices");
        prices.MapPost("/import", ImportAsync).Allow(Roles.Admin)
            .WithMetadata(new RequestSizeLimitAttribute(MapBytesMax)).TakesEncoded()
            .Describe(
                "Import prices",
                "Imports LiteLLM's price map, or nothing if it has an error. The prices of models that the map lacks "
                + "end; if these are more than a tenth of the models with a price, allow_gone=true is required. "
                + "Importing the same map again changes nothing.")
            .Takes<JsonElement>().TakesQuery("dry_run", "valid_from", "allow_gone");
        prices.MapGet("", ListAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe(
                "List prices",
                "A page of the prices in force at a time, ordered by model, in US dollars per token. other_prices uses "
                + "the names of the price map.")
            .TakesQuery("prefix", "provider", "at", "limit", "after").LimitsReadConcurrency();
        prices.MapDelete("/versions/{version:long}", CancelAsync).Allow(Roles.Admin)
            .Describe(
                "Cancel a price version before it begins",
                "Its prices never apply, and earlier prices stay in force. Only the newest version can be cancelled, "
                + "until about 6 minutes before it begins, because calls may be dated ahead. Cancelling it again "
                + "changes nothing.")
            .Refuses("not-found", "not-cancellable");
        // Model names may contain slashes.
        prices.MapGet("/{**model}", ShowAsync).Allow(Roles.Bot, Roles.Ops, Roles.Admin)
            .Describe(
                "Show a model's prices",
                "All its prices, newest first. The name is matched as for usages without a provider: exactly, "
                + "otherwise as provider/model if the model's entry belongs to that provider.")
            .Refuses("not-found");
    }

    private static async Task<Results<JsonOk<PriceImport>, ProblemResult>> ImportAsync(
        HttpContext http, PriceStore store)
    {
        var query = new QueryReader(http);
        var (isDryRun, validFrom, allowGone) = (
            query.Flag("dry_run"), query.Time("valid_from"), query.Flag("allow_gone"));
        if (query.Refusal is { } wrong)
            return LedgerResults.Refused(http, wrong);
        var body = await JsonBody.ReadAsync(http, ReadMap);
        if (body.Value is not { } file)
            return body.Problem!.ToResult();
        var outcome = await store.ImportAsync(
            file.Map, file.Hash, Caller.Of(http).Actor, validFrom, isDryRun, allowGone, UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.PriceImport);
    }

    private static async Task<Results<JsonOk<PriceCancellation>, ProblemResult>> CancelAsync(
        HttpContext http, [FromRoute] long version, PriceStore store)
    {
        var outcome = await store.CancelAsync(version, Caller.Of(http).Actor, UncancelledQueries.Token);
        return LedgerResults.Ok(http, outcome, LedgerJson.Default.PriceCancellation);
    }

    private static (PriceFile? Value, Refusal? Refusal) ReadMap(JsonElement json)
    {
        var (map, refusal) = PriceMapReader.Read(json);
        return (map is null ? null : new PriceFile(map, SHA256.HashData(JsonMarshal.GetRawUtf8Value(json))), refusal);
    }

    private static async Task<Results<JsonOk<PricePage>, ProblemResult>> ListAsync(
        HttpContext http, PriceQueries prices, TimeProvider clock)
    {
        var query = new QueryReader(http);
        var (prefix, provider, at) = (query.Text("prefix"), query.Provider("provider"), query.Time("at"));
        var (limit, after) = (query.Limit(100), query.Text("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await prices.ListAsync(
            prefix, provider, at ?? clock.GetUtcNow(), limit, after, UncancelledQueries.Token);
        return LedgerResults.Ok(page, LedgerJson.Default.PricePage);
    }

    private static async Task<Results<JsonOk<PriceHistory>, ProblemResult>> ShowAsync(
        HttpContext http, [FromRoute] string model, PriceQueries prices)
    {
        // An escaped slash in a path stays escaped.
        model = model.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var history = await prices.FindAsync(model, UncancelledQueries.Token);
        return LedgerResults.Found(
            http,
            history,
            LedgerJson.Default.PriceHistory,
            () => new Refusal.NotFound($"model {model} in the price book"));
    }

    private sealed record PriceFile(PriceMap Map, byte[] Hash);
}
