namespace Factumerit.Ledger.Api.Http;

/// <summary>The codes of the problems that a route can return.</summary>
public sealed record ProblemCodes(IReadOnlyList<string> Codes);

/// <summary>The query parameters that a route reads.</summary>
public sealed record QueryNames(IReadOnlyList<string> Names);

/// <summary>The route reads the header Idempotency-Key.</summary>
public sealed record ReadsIdempotencyKey(bool IsRequired);

/// <summary>
/// Describes a route on the API page. Some notes also decide which requests the route accepts: the query parameters
/// (<see cref="QueryParameterChecks"/>) and the content types of the body.
/// </summary>
public static class RouteDescriptions
{
    // Problems that every authenticated route can return; validation-failed for unknown query parameters.
    private static readonly string[] Always =
        ["validation-failed", "unauthorized", "rate-limited", "internal-error", "unavailable"];
    private static readonly string[] WithBody =
        ["malformed-request", "request-timeout", "payload-too-large", "unsupported-media-type"];

    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string summary, string description) =>
        route.WithSummary(summary).WithDescription(description).Refuses(Always);

    public static RouteHandlerBuilder Takes<T>(
        this RouteHandlerBuilder route, bool keyed = false, bool mayBeKeyed = false)
        where T : notnull
    {
        route.Accepts<T>("application/json").Refuses(WithBody);
        return keyed || mayBeKeyed ? route.WithMetadata(new ReadsIdempotencyKey(keyed)) : route;
    }

    /// <summary>The route reads a body of any Content-Type, however wrong the body is.</summary>
    public static RouteHandlerBuilder TakesAnything<T>(this RouteHandlerBuilder route)
        where T : notnull =>
        route.Accepts<T>("application/json", "*/*")
            .Refuses("malformed-request", "request-timeout", "payload-too-large");

    public static RouteHandlerBuilder TakesQuery(this RouteHandlerBuilder route, params string[] names) =>
        route.WithMetadata(new QueryNames(names));

    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params string[] codes) =>
        route.WithMetadata(new ProblemCodes(codes));
}
