using System.Text.Json.Serialization;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>A new API key.</summary>
public sealed record ApiKeyRequest
{
    /// <summary>
    /// The user or purpose of the key, 1 to 200 characters, without a space at either end. Shown in logs, and recorded
    /// as the admin of grants that name none.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>bot, ops or admin.</summary>
    public string? Role { get; init; }

    /// <summary>
    /// Binds a bot key to users: <c>vikunja:</c> covers the ids that begin with it; <c>vik</c> covers vik, and ids in
    /// which vik is followed by a boundary, one of : @ . _ + = -; <c>vik*</c> covers all ids that begin with vik.
    /// </summary>
    public string? UserPrefix { get; init; }

    /// <summary>
    /// Lets a bot or admin key record calls that are already paid for when the balance is used up (enforce_balance
    /// false). Default false.
    /// </summary>
    public bool MayOverdraw { get; init; }

    /// <summary>
    /// Lets a bot key record calls that LiteLLM reports, which may take users below 0. Admin keys always may. Default
    /// false.
    /// </summary>
    public bool MayIntake { get; init; }

    /// <summary>
    /// The time from which the key is refused: in the future, at most ten years ahead; default: never.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A new secret for an API key.</summary>
public sealed record RotationRequest
{
    /// <summary>
    /// How long the previous secret still works, in seconds: 0 to 604800 (a week). Default 86400 (a day).
    /// </summary>
    public int? OverlapSeconds { get; init; }

    /// <summary>The time from which the key is refused; default: unchanged.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>
/// An API key as returned. MadeBy: the actor whose request made it; null for keys from before this was recorded.
/// LastUsedAt: at most two minutes behind; null if the key was never used. OldSecretEndsAt: the end of the secret from
/// before the last rotation. Secret: only in the answer that made it, never again.
/// </summary>
public sealed record ApiKeyAnswer(
    Guid Id, string Name, string Role, string? UserPrefix, bool MayOverdraw, bool MayIntake, string KeyPrefix,
    DateTimeOffset CreatedAt, ActorName? MadeBy, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt,
    DateTimeOffset? OldSecretEndsAt, DateTimeOffset? RevokedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret)
{
    public static ApiKeyAnswer Of(KeptApiKey kept)
    {
        var key = kept.Key;
        return new(
            key.Id, key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.MayIntake, key.KeyPrefix, key.CreatedAt,
            kept.MadeBy, key.LastUsedAt, key.ExpiresAt, key.OldSecretEndsAt, key.RevokedAt, kept.Secret);
    }

    /// <summary>Omits the secret, so that it is never logged by mistake.</summary>
    public override string ToString() => $"{nameof(ApiKeyAnswer)} {{ Id = {Id} }}";
}

/// <summary>All API keys, including revoked ones, without their secrets.</summary>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyAnswer> ApiKeys);

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
            http, outcome, key => LedgerResults.Created(ApiKeyAnswer.Of(key), LedgerJson.Default.ApiKeyAnswer));
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
            new ApiKeyList([.. (await keys.ListAsync(UncancelledQueries.Token)).Select(ApiKeyAnswer.Of)]),
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
            http, outcome, key => LedgerResults.Ok(ApiKeyAnswer.Of(key), LedgerJson.Default.ApiKeyAnswer));
    }

    private static async Task<Results<JsonOk<ApiKeyAnswer>, ProblemResult>> RevokeAsync(
        HttpContext http, [FromRoute] Guid id, ApiKeyStore keys) =>
        await keys.RevokeAsync(id, Caller.Of(http).Actor, UncancelledQueries.Token) is { } key
            ? LedgerResults.Ok(ApiKeyAnswer.Of(key), LedgerJson.Default.ApiKeyAnswer)
            : LedgerResults.Refused(http, new Refusal.NotFound($"API key {id}"));
}
