using System.Text.Json.Serialization;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Mvc;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>A new API key.</summary>
public sealed record ApiKeyRequest
{
    /// <summary>Who or what it is for, 1 to 200 characters; shown in logs, and the admin of grants that name none.</summary>
    public string? Name { get; init; }

    /// <summary>bot, ops or admin.</summary>
    public string? Role { get; init; }

    /// <summary>Binds a bot key to users whose ids begin so, such as vikunja:.</summary>
    public string? UserPrefix { get; init; }

    /// <summary>Lets a bot or admin key record calls that are paid for already when the balance is used up (enforce_balance false). Default false.</summary>
    public bool MayOverdraw { get; init; }
}

/// <summary>An API key as answered. Secret: only in the answer that made the key, never again.</summary>
public sealed record ApiKeyAnswer(
    Guid Id, string Name, string Role, string? UserPrefix, bool MayOverdraw, string KeyPrefix, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret);

/// <summary>All API keys, revoked ones too, without their secrets.</summary>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyAnswer> ApiKeys);

/// <summary>API keys: make, list, revoke.</summary>
public static class ApiKeyEndpoints
{
    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/api-keys").WithTags("API keys");
        keys.MapPost("", CreateAsync).Allow(Roles.Admin)
            .Describe("Make an API key", "The secret is shown once, here.").Takes<ApiKeyRequest>().Answers<ApiKeyAnswer>(201);
        keys.MapGet("", ListAsync).Allow(Roles.Admin)
            .Describe("List API keys", "Without their secrets.").Answers<ApiKeyList>(200);
        keys.MapDelete("/{id:guid}", RevokeAsync).Allow(Roles.Admin)
            .Describe("Revoke an API key", "At once in this process, within ten seconds in others. Revoking twice changes nothing.")
            .Answers<ApiKeyAnswer>(200).Refuses("not-found");
    }

    private static async Task<IResult> CreateAsync(HttpContext http, ApiKeys keys, TimeProvider clock)
    {
        var body = await JsonBody.ReadAsync(http, LedgerJson.Default.ApiKeyRequest);
        if (body.Value is not { } request)
            return body.Problem!.ToResult();
        var errors = new FieldErrors(clock.GetUtcNow());
        Check(request, errors);
        if (errors.Any)
            return Answers.Refused(http, errors.ToRefusal());
        var (key, secret) = await keys.CreateAsync(request.Name!, request.Role!, request.UserPrefix, request.MayOverdraw, Queries.ToTheirEnd);
        return Answers.Created(ToAnswer(key, secret), LedgerJson.Default.ApiKeyAnswer);
    }

    private static void Check(ApiKeyRequest request, FieldErrors errors)
    {
        errors.CheckName("name", request.Name ?? "");
        if (request.Role is null || !Roles.All.Contains(request.Role))
            errors.Add("role", $"must be {string.Join(", ", Roles.All)}");
        if (request is { MayOverdraw: true, Role: not (Roles.Bot or Roles.Admin) })
            errors.Add("may_overdraw", "goes with the roles bot and admin only");
        if (request.UserPrefix is null)
            return;
        errors.CheckUserId("user_prefix", request.UserPrefix);
        if (request.Role is not Roles.Bot)
            errors.Add("user_prefix", "goes with the role bot only");
    }

    private static async Task<IResult> ListAsync(HttpContext http, ApiKeys keys) =>
        Answers.Ok(new ApiKeyList([.. (await keys.ListAsync(Queries.ToTheirEnd)).Select(key => ToAnswer(key, null))]), LedgerJson.Default.ApiKeyList);

    private static async Task<IResult> RevokeAsync(HttpContext http, [FromRoute] Guid id, ApiKeys keys) =>
        await keys.RevokeAsync(id, Queries.ToTheirEnd) is { } key
            ? Answers.Ok(ToAnswer(key, null), LedgerJson.Default.ApiKeyAnswer)
            : Answers.Refused(http, new Refusal.NotFound($"API key {id}"));

    private static ApiKeyAnswer ToAnswer(ApiKey key, string? secret) =>
        new(key.Id, key.Name, key.Role, key.UserPrefix, key.MayOverdraw, key.KeyPrefix, key.CreatedAt, key.RevokedAt, secret);
}
