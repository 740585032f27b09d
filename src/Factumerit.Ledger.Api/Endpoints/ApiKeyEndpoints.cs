using Factumerit.Ledger.Api.Http;
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
                "Make an API key", "The secret is shown once, here. No other key in use has its name, in any case.")
            .Takes<ApiKeyRequest>().Answers<ApiKeyAnswer>(201);
        keys.MapGet("", ListAsync).Allow(Roles.Admin)
            .Describe("List API keys", "Without their secrets.").Answers<ApiKeyList>(200);
        keys.MapPost("/{id:guid}/rotate", RotateAsync).Allow(Roles.Admin)
            .Describe(
                "Give an API key a new secret",
                "The secret is shown once, here. The one before works on for overlap_seconds, and one from before an "
                + "earlier rotation ends now.")
            .Takes<RotationRequest>().Answers<ApiKeyAnswer>(200).Refuses("not-found", "api-key-ended");
        keys.MapDelete("/{id:guid}", RevokeAsync).Allow(Roles.Admin)
            .Describe(
                "Revoke an API key",
                "At once in this process, within a second in others. Revoking twice changes nothing.")
            .Answers<ApiKeyAnswer>(200).Refuses("not-found");
    }

    private static async Task<IResult> CreateAsync(HttpContext http, ApiKeyStore keys, TimeProvider clock)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ApiKeyRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var errors = new FieldErrors(clock.GetUtcNow());
        Check(request, errors);
        if (errors.Any)
            return Answers.Refused(http, errors.ToRefusal());
        var outcome = await keys.CreateAsync(request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return Answers.Of(http, outcome, key => Answers.Created(ToAnswer(key), LedgerJson.Default.ApiKeyAnswer));
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
            errors.Add("role", $"must be {string.Join(", ", Roles.All)}");
        if (request is { MayOverdraw: true, Role: not (Roles.Bot or Roles.Admin) })
            errors.Add("may_overdraw", "goes with the roles bot and admin only");
        if (request is { MayIntake: true, Role: not (Roles.Bot or Roles.Admin) })
            errors.Add("may_intake", "goes with the roles bot and admin only");
        errors.CheckExpiresAt("expires_at", request.ExpiresAt);
        if (request.UserPrefix is null)
            return;
        var prefix = request.UserPrefix;
        errors.CheckUserId("user_prefix", prefix.EndsWith(Caller.AnyEnd) ? prefix[..^1] : prefix);
        if (request.Role is not Roles.Bot)
            errors.Add("user_prefix", "goes with the role bot only");
    }

    private static bool IsReserved(string name) =>
        KeyNames.AreAlike(name, Actor.Bootstrap.Name) || KeyNames.AreAlike(name, Actor.Service.Name);

    private static async Task<IResult> ListAsync(HttpContext http, ApiKeyStore keys) =>
        Answers.Ok(
            new ApiKeyList([.. (await keys.ListAsync(UncancelledQueries.Token)).Select(ToAnswer)]),
            LedgerJson.Default.ApiKeyList);

    private static async Task<IResult> RotateAsync(
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
            return Answers.Refused(http, errors.ToRefusal());
        var outcome = await keys.RotateAsync(id, request, Caller.Of(http).Actor, UncancelledQueries.Token);
        return Answers.Of(http, outcome, key => Answers.Ok(ToAnswer(key), LedgerJson.Default.ApiKeyAnswer));
    }

    private static async Task<IResult> RevokeAsync(HttpContext http, [FromRoute] Guid id, ApiKeyStore keys) =>
        await keys.RevokeAsync(id, Caller.Of(http).Actor, UncancelledQueries.Token) is { } key
            ? Answers.Ok(ToAnswer(key), LedgerJson.Default.ApiKeyAnswer)
            : Answers.Refused(http, new Refusal.NotFound($"API key {id}"));

    private static ApiKeyAnswer ToAnswer(KeptApiKey kept)
    {
        var key = kept.Key;
        return new(
            key.Id, key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.MayIntake, key.KeyPrefix, key.CreatedAt,
            kept.MadeBy, key.LastUsedAt, key.ExpiresAt, key.OldSecretEndsAt, key.RevokedAt, kept.Secret);
    }
}
