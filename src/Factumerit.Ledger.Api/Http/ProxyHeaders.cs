using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Text.RegularExpressions;
using Factumerit.Ledger.Api.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// The configuration section <c>ForwardedHeaders</c>: the proxies whose forwarded headers are trusted.
/// </summary>
public sealed class ForwardedOptions : IValidatableObject
{
    /// <summary>Whether X-Forwarded-For, -Proto and -Prefix are read at all.</summary>
    public bool Enabled { get; set; }

    /// <summary>IP addresses of trusted proxies, in addition to the loopback addresses.</summary>
    public string[] KnownProxies { get; set; } = [];

    /// <summary>Networks of trusted proxies, such as 10.0.0.0/8.</summary>
    public string[] KnownNetworks { get; set; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!KnownProxies.All(proxy => IPAddress.TryParse(proxy.Trim(), out _)))
            yield return new ValidationResult(
                "ForwardedHeaders:KnownProxies must be IP addresses.", [nameof(KnownProxies)]);
        if (!KnownNetworks.All(network => System.Net.IPNetwork.TryParse(network.Trim(), out _)))
            yield return new ValidationResult(
                "ForwardedHeaders:KnownNetworks must be networks such as 10.0.0.0/8.", [nameof(KnownNetworks)]);
    }
}

/// <summary>
/// Serves the API under a path: <c>PathBase</c> for a proxy that forwards the path unchanged, <c>X-Forwarded-Prefix</c>
/// for a proxy that strips it. The API page, redirects and the types of problems then begin with that path. Headers of
/// unknown proxies are ignored.
/// </summary>
public static partial class ProxyHeaders
{
    public const string PathBaseKey = "PathBase";
    private const string PrefixHeader = "X-Forwarded-Prefix";

    /// <summary>Must run before all middleware that reads the path.</summary>
    public static void UseProxyHeaders(this WebApplication app)
    {
        if (app.Configuration[PathBaseKey] is { Length: > 0 } pathBase)
            app.UsePath(CheckPathBase(pathBase));
        var options = app.Services.GetRequiredService<IOptions<ForwardedOptions>>().Value;
        if (!options.Enabled)
            return;
        // A proxy may forward the header as its client sent it. The prefix ends up in links, where //elsewhere.example
        // would be another host, so accept plain paths only.
        app.Use((http, next) =>
        {
            if (http.Request.Headers[PrefixHeader] is { Count: > 0 } given)
                http.Request.Headers[PrefixHeader] = PlainPrefix(given.ToString());
            return next(http);
        });
        app.UseForwardedHeaders(Of(options));
    }

    // The base may equal the name of a route, such as /ledger: /ledger/balances is that route, and /ledger/users is the
    // route /users below the base.
    private static void UsePath(this WebApplication app, string pathBase)
    {
        var roots = new Lazy<HashSet<string>>(() => RootsOf(app));
        app.Use((http, next) =>
        {
            var request = http.Request;
            if (request.Path.StartsWithSegments(pathBase, out var matched, out var rest)
                && roots.Value.Contains(RootOf(rest)))
                (request.PathBase, request.Path) = (request.PathBase + matched, rest);
            return next(http);
        });
    }

    // The first segment of each route's path. Routes are mapped after this middleware is set up, so the set is lazy.
    private static HashSet<string> RootsOf(IEndpointRouteBuilder routes) => new(
        routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Select(endpoint => RootOf("/" + endpoint.RoutePattern.RawText!.TrimStart('/')))
            .Append("swagger").Append(""),
        StringComparer.OrdinalIgnoreCase);

    private static string RootOf(PathString path) => path.HasValue ? path.Value!.Split('/')[1] : "";

    // The last value of the list, which the nearest proxy wrote. Null if it is not a plain path.
    private static string? PlainPrefix(string given) =>
        given.Split(',')[^1].Trim() is var prefix && PlainPath().IsMatch(prefix) ? prefix.TrimEnd('/') : null;

    /// <summary>The path without surrounding white space and trailing slash.</summary>
    /// <exception cref="ConfigurationException">The value is not a plain path.</exception>
    private static string CheckPathBase(string pathBase) => PlainPath().IsMatch(pathBase.Trim())
        ? pathBase.Trim().TrimEnd('/')
        : throw new ConfigurationException(
            $"{PathBaseKey} must be a path such as /ledger: letters, digits and -._~ between slashes.");

    // The framework checks the proxy's address only if XForwardedFor is enabled. Its default lists contain the loopback
    // addresses.
    private static ForwardedHeadersOptions Of(ForwardedOptions options)
    {
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor
                | ForwardedHeaders.XForwardedProto
                | ForwardedHeaders.XForwardedPrefix,
        };
        foreach (var proxy in options.KnownProxies)
            forwarded.KnownProxies.Add(IPAddress.Parse(proxy.Trim()));
        foreach (var network in options.KnownNetworks)
            forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network.Trim()));
        return forwarded;
    }

    [GeneratedRegex(@"^(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+/?$")]
    private static partial Regex PlainPath();
}
