using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Authentication by <c>Authorization: Bearer KEY</c>, and authorization by role. Closed by default: a route without <see cref="Authorization.Allow"/> or
/// AllowAnonymous is refused to everybody.
/// </summary>
public sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";
    private const string Bearer = "Bearer ";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();
        var caller = await keys.FindCallerAsync(header[Bearer.Length..].Trim(), Context.RequestAborted);
        return caller is null
            ? AuthenticateResult.Fail("The API key is unknown or revoked.")
            : AuthenticateResult.Success(new AuthenticationTicket(caller.ToPrincipal(SchemeName), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        var failure = (await HandleAuthenticateOnceSafeAsync()).Failure;
        await Problems.WriteAsync(Context, "unauthorized", failure?.Message ?? "An API key is needed: send it as Authorization: Bearer KEY.");
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.WriteAsync(Context, "forbidden", Context.GetEndpoint()?.Metadata.GetMetadata<AllowedRoles>() is { } allowed
            ? $"This needs a key of the role {string.Join(" or ", allowed.Roles)}; yours is {Caller.Of(Context).Role}."
            : "Nobody may call this route.");
}

/// <summary>The roles that may call an endpoint; also shown on the API page.</summary>
public sealed record AllowedRoles(IReadOnlyList<string> Roles);

/// <summary>Registers the scheme and the closed default, and opens single routes.</summary>
public static class Authorization
{
    public static void AddApiKeyAuthorization(this IServiceCollection services)
    {
        services.AddMemoryCache();
        services.AddSingleton<ApiKeys>();
        // The core alone: AddAuthentication would bring data protection along, which writes keys for cookies that nobody uses to the disk.
        services.AddWebEncoders();
        services.AddTransient<ApiKeyAuthentication>();
        services.AddAuthenticationCore(authentication =>
        {
            authentication.DefaultScheme = ApiKeyAuthentication.SchemeName;
            authentication.AddScheme<ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, displayName: null);
        });
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder()
            .RequireAuthenticatedUser()
            // No endpoint (404) and the framework's own for a wrong verb (405) hold nothing; a real route that names no roles stays closed.
            .RequireAssertion(context => (context.Resource as HttpContext)?.GetEndpoint() is not RouteEndpoint)
            .Build());
    }

    /// <summary>Opens a route to keys of these roles.</summary>
    public static RouteHandlerBuilder Allow(this RouteHandlerBuilder route, params string[] roles) =>
        route.RequireAuthorization(policy => policy.RequireRole(roles)).WithMetadata(new AllowedRoles(roles));
}
