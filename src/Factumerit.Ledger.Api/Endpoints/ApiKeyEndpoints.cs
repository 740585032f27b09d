using Factumerit.Ledger.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>API keys: make, list, rotate, revoke.</summary>
public static class ApiKeyEndpoints
{
    private const int OverlapSecondsMax = 7 * 24 * 60 * 60;

    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/api-keys").WithTags("API keys");
        keys.MapPost("", CreateAsync).Allow(Roles.Admin)
            .Describe(
                "Create an API key",
                "Only this response contains the secret. The name must differ from that of every other key in use, "
                + "ignoring case.")
            .Takes<ApiKeyRequest>();
        keys.MapGet("", ListAsync).Allow(Roles.Admin)
            .Describe("List API keys", "All keys, including revoked ones, without their secrets.");
        keys.MapPost("/{id:guid}/rotate", RotateAsync).Allow(Roles.Admin)
            .Describe(
                "Rotate the secret of an API key",
                "Only this response contains the new secret. The previous secret keeps working for overlap_seconds. A "
                + "secret from before an earlier rotation stops working now.")
            .Takes<RotationRequest>().Refuses("not-found", "api-key-ended");
        keys.MapDelete("/{id:guid}", RevokeAsync).Allow(Roles.Admin)
            .Describe(
                "Revoke an API key",
                "Takes effect in this process at once, in others within a second. Revoking again changes nothing.")
            .Refuses("not-found");
    }

    private static async Task<Results<JsonCreated<ApiKeyAnswer>, ProblemResult>> CreateAsync(
        HttpContext http, ApiKeyStore keys, TimeProvider clock)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ApiKeyRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var errors = new FieldErrors(clock.GetUtcNow());
        Check(request, errors);
        if (errors.Any)
            return LedgerResults.Refused(http, errors.ToRefusal());
        var outcome = await keys.CreateAsync(request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return LedgerResults.Of(
            http, outcome, key => LedgerResults.Created(ToAnswer(key!), LedgerJson.Default.ApiKeyAnswer));
    }

    private static void Check(ApiKeyRequest request, FieldErrors errors)
    {
        errors.CheckPersonalName("name", request.Name ?? "");
        if (request.Name is { } name && name != name.Trim())
            errors.Add("name", "must not begin or end with a space");
        // The log shows - for a request without a key.
        if (IsReserved(request.Name ?? "") || request.Name == "-")
            errors.Add("name", "is reserved for the service");
        if (request.Role is null || !Roles.All.Contains(request.Role))
            errors.Add("role", $"must be {string.Join(", ", Roles.All[..^1])} or {Roles.All[^1]}");
        if (request is { MayOverdraw: true, Role: not (Roles.Bot or Roles.Admin) })
            errors.Add("may_overdraw", "is allowed only for the roles bot and admin");
        if (request is { MayIntake: true, Role: not (Roles.Bot or Roles.Admin) })
            errors.Add("may_intake", "is allowed only for the roles bot and admin");
        errors.CheckExpiresAt("expires_at", request.ExpiresAt);
        if (request.UserPrefix is null)
            return;
        var prefix = request.UserPrefix;
        errors.CheckUserId("user_prefix", prefix.EndsWith(Caller.AnyEnd) ? prefix[..^1] : prefix);
        if (request.Role is not Roles.Bot)
            errors.Add("user_prefix", "is allowed only for the role bot");
    }

    private static bool IsReserved(string name) =>
        KeyNames.AreAlike(name, Actor.Bootstrap.Name) || KeyNames.AreAlike(name, Actor.Service.Name);

    private static async Task<JsonOk<ApiKeyList>> ListAsync(HttpContext http, ApiKeyStore keys) =>
        LedgerResults.Ok(
            new ApiKeyList([.. (await keys.ListAsync(UncancelledQueries.Token)).Select(ToAnswer)]),
            LedgerJson.Default.ApiKeyList);

    private static async Task<Results<JsonOk<ApiKeyAnswer>, ProblemResult>> RotateAsync(
        HttpContext http, [FromRoute] Guid id, ApiKeyStore keys, TimeProvider clock)
    {
        var body = await JsonBody.ReadOrEmptyAsync(http, LedgerJson.Default.RotationRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var errors = new FieldErrors(clock.GetUtcNow());
        if (request.OverlapSeconds is < 0 or > OverlapSecondsMax)
            errors.Add("overlap_seconds", $"must be a whole number from 0 to {OverlapSecondsMax}");
        errors.CheckExpiresAt("expires_at", request.ExpiresAt);
        if (errors.Any)
            return LedgerResults.Refused(http, errors.ToRefusal());
        var outcome = await keys.RotateAsync(id, request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return LedgerResults.Of(
            http, outcome, key => LedgerResults.Ok(ToAnswer(key!), LedgerJson.Default.ApiKeyAnswer));
    }

    private static async Task<Results<JsonOk<ApiKeyAnswer>, ProblemResult>> RevokeAsync(
        HttpContext http, [FromRoute] Guid id, ApiKeyStore keys) =>
        await keys.RevokeAsync(id, Caller.Of(http).Actor, UncancelledQueries.Token) is { } key
            ? LedgerResults.Ok(ToAnswer(key!), LedgerJson.Default.ApiKeyAnswer)
            : LedgerResults.Refused(http, new Refusal.NotFound($"API key {id}"));

    private static ApiKeyAnswer ToAnswer(KeptApiKey kept)
    {
        var key = kept.Key;
        return new(
            key.Id, key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.MayIntake, key.KeyPrefix, key.CreatedAt,
            kept.MadeBy, key.LastUsedAt, key.ExpiresAt, key.OldSecretEndsAt, key.RevokedAt, kept.Secret);
    }
}
