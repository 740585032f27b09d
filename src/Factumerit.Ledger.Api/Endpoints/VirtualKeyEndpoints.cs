using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.LiteLlm;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Users' keys at LiteLLM: make, list, revoke.</summary>
public static class VirtualKeyEndpoints
{
    // A healthy LiteLLM answers within this time.
    private static readonly TimeSpan WaitForDelivery = TimeSpan.FromSeconds(1);

    public static void MapVirtualKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/virtual-keys").WithTags("Virtual keys");
        keys.MapPost("", CreateAsync).Allow(Roles.Admin)
            .Describe(
                "Create a user's key at LiteLLM",
                "Only this response contains the secret. LiteLLM blocks the key while the user has no credit.")
            .Takes<VirtualKeyRequest>()
            .Refuses("user-not-found", "user-deleted", "litellm-not-configured", "litellm-failed");
        keys.MapGet("", ListAsync).Allow(Roles.Ops, Roles.Admin)
            .Describe(
                "List users' keys at LiteLLM",
                "A page in order of creation, including revoked and failed keys, without their secrets.")
            .TakesQuery("user_id", "limit", "after")
            .LimitsReadConcurrency().Refuses("litellm-not-configured");
        keys.MapDelete("/{id:guid}", RevokeAsync).Allow(Roles.Admin)
            .Describe(
                "Revoke a user's key at LiteLLM",
                "The status is revoking until LiteLLM has deleted the key, then revoked. Revoking again changes "
                + "nothing.")
            .Refuses("not-found", "litellm-not-configured");
    }

    private static async Task<Results<JsonCreated<VirtualKeyAnswer>, ProblemResult>> CreateAsync(
        HttpContext http, LiteLlmClient client, VirtualKeyMaker maker, VirtualKeyQueries queries)
    {
        if (!client.IsConfigured)
            return LedgerResults.Refused(http, new LiteLlmRefusal.NotConfigured());
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.VirtualKeyRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var outcome = await maker.MakeAsync(request, Caller.Of(http).Actor, http.RequestAborted);
        if (outcome.Answer is not { } made)
            return LedgerResults.Refused(http, outcome.Refusal!);
        var key = await queries.FindAsync(made.Id, UncancelledQueries.Token);
        return LedgerResults.Created(ToAnswer(key!, made.Secret), LedgerJson.Default.VirtualKeyAnswer);
    }

    private static async Task<Results<JsonOk<VirtualKeyPage>, ProblemResult>> ListAsync(
        HttpContext http, LiteLlmClient client, VirtualKeyQueries queries)
    {
        if (!client.IsConfigured)
            return LedgerResults.Refused(http, new LiteLlmRefusal.NotConfigured());
        var query = new QueryReader(http);
        var userId = query.Text("user_id") is { } text ? query.UserId(text) : null;
        var (limit, after) = (query.Limit(100), query.Id("after"));
        if (query.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var page = await queries.ListAsync(userId, limit, after, UncancelledQueries.Token);
        return LedgerResults.Ok(
            new VirtualKeyPage([.. page.Keys.Select(key => ToAnswer(key))], page.NextAfter),
            LedgerJson.Default.VirtualKeyPage);
    }

    private static async Task<Results<JsonOk<VirtualKeyAnswer>, ProblemResult>> RevokeAsync(
        HttpContext http, [FromRoute] Guid id, LiteLlmClient client, BudgetService budgets, VirtualKeyQueries queries,
        OutboxWorker worker, TimeProvider clock)
    {
        if (!client.IsConfigured)
            return LedgerResults.Refused(http, new LiteLlmRefusal.NotConfigured());
        var outcome = await budgets.RevokeVirtualKeyAsync(id, Caller.Of(http).Actor, http.RequestAborted);
        if (outcome.Refusal is { } refusal)
            return LedgerResults.Refused(http, refusal);
        var began = clock.GetTimestamp();
        while (true)
        {
            var delivered = worker.Delivered.Next;
            var key = (await queries.FindAsync(id, UncancelledQueries.Token))!;
            var left = WaitForDelivery - clock.GetElapsedTime(began);
            // After a failed attempt LiteLLM is not healthy: don't wait for it.
            if (key.Key.Status != VirtualKey.Revoking
                || key.Pending is not { LastError: null }
                || left <= TimeSpan.Zero)
                return LedgerResults.Ok(ToAnswer(key), LedgerJson.Default.VirtualKeyAnswer);
            // Awaited twice, so that the wait ends with an exception when the client disconnects. Otherwise the delay
            // would end at once and the loop would repeat its queries without a pause.
            await await Task.WhenAny(delivered, Task.Delay(left, clock, http.RequestAborted));
        }
    }

    private static VirtualKeyAnswer ToAnswer(VirtualKeyDetail detail, string? secret = null)
    {
        var key = detail.Key;
        return new(
            key.Id, key.UserId, key.Label, key.Alias, key.KeyName, key.Models, key.MaxBudgetUsd, key.ExpiresAt,
            key.Status, key.IsBlocked, key.CreatedAt, key.RevokedAt, key.LastError, detail.Pending, secret);
    }
}
