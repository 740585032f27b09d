using Factumerit.Ledger.Api.Hosting;
using Microsoft.AspNetCore.Authorization;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Authenticates requests by API key (<c>Authorization: Bearer KEY</c>) and checks that the route allows the key's
/// role. Closed by default: a route without <see cref="Allow"/> or AllowAnonymous refuses every caller, and a request
/// without a valid key gets the same 401 whether or not its route exists. The framework's handlers, claims and policies
/// are not used: with a single scheme and cached callers they add nothing, and they take a seventh of the time of a
/// request.
/// </summary>
public static class ApiKeyAuthentication
{
    private const string Bearer = "Bearer ";

    public static void AddApiKeys(this IServiceCollection services) => services
        .AddMemoryCache().AddSingleton<ApiKeyCache>().AddSingleton<ApiKeyStore>().AddHostedService<KeyWatch>()
        .AddSingleton<KeyLookups>().AddSingleton<UnknownKeyLimits>();

    public static void UseApiKeys(this WebApplication app) => app.Use(async (http, next) =>
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null
            && await FindRefusalAsync(http) is { } refusal)
            await refusal.ExecuteAsync(http);
        else
            await next(http);
    });

    /// <summary>Allows keys of these roles to call the route.</summary>
    public static RouteHandlerBuilder Allow(this RouteHandlerBuilder route, params string[] roles)
    {
        route.WithMetadata(new AllowedRoles(roles));
        return Roles.All.All(roles.Contains) ? route : route.Refuses("forbidden");
    }

    /// <summary>Looks the request's key up again. Null if the key is no longer valid.</summary>
    public static ValueTask<Caller?> FindCallerAsync(HttpContext http) =>
        http.RequestServices.GetRequiredService<ApiKeyCache>()
            .FindCallerAsync(
                http.Request.Headers.Authorization.ToString()[Bearer.Length..].Trim(), CancellationToken.None);

    // Null means that the caller is allowed.
    private static async ValueTask<ProblemResult?> FindRefusalAsync(HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Unauthorized(http, "An API key is required: send it as Authorization: Bearer KEY.");
        var caller = await http.RequestServices.GetRequiredService<ApiKeyCache>()
            .FindCallerAsync(header[Bearer.Length..].Trim(), UncancelledQueries.Token);
        if (caller is null)
            return Unauthorized(http, "The API key is unknown, expired or revoked.");
        http.Features.Set(caller);
        // A missing endpoint (404) and the framework's own endpoint for a wrong verb (405) expose nothing, so let them
        // pass. A real route without roles stays closed.
        if (http.GetEndpoint() is not RouteEndpoint route)
            return null;
        return route.Metadata.GetMetadata<AllowedRoles>() is not { } allowed
            ? Problems.Of(http, "forbidden", "Nobody may call this route.").ToResult()
            : allowed.Roles.Contains(caller.Role) ? null
            : Problems.Of(
                http,
                "forbidden",
                $"This needs a key of the role {string.Join(" or ", allowed.Roles)}; yours is {caller.Role}.")
                .ToResult();
    }

    private static ProblemResult Unauthorized(HttpContext http, string detail)
    {
        http.Response.Headers.WWWAuthenticate = "Bearer";
        if (!http.RequestServices.GetRequiredService<UnknownKeyLimits>().TryCount(http))
            return Problems.Of(
                http, "rate-limited", "Too many requests without a valid key come from this address.").ToResult();
        return Problems.Of(http, "unauthorized", detail).ToResult();
    }
}

/// <summary>The roles that may call an endpoint; also shown on the API page.</summary>
public sealed record AllowedRoles(IReadOnlyList<string> Roles);
