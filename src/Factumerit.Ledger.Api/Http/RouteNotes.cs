namespace Factumerit.Ledger.Api.Http;

/// <summary>The codes of problems that a route can answer with.</summary>
public sealed record ProblemCodes(IReadOnlyList<string> Codes);

/// <summary>The query parameters a route reads.</summary>
public sealed record QueryNames(IReadOnlyList<string> Names);

/// <summary>The route reads the header Idempotency-Key.</summary>
public sealed record ReadsIdempotencyKey(bool IsRequired);

/// <summary>What a route says of itself on the API page. Nothing here changes what it does.</summary>
public static class RouteNotes
{
    // Any route with a key can end so.
    private static readonly string[] Always = ["unauthorized", "forbidden", "rate-limited", "internal-error", "unavailable"];
    private static readonly string[] WithBody =
        ["validation-failed", "malformed-request", "request-timeout", "payload-too-large", "unsupported-media-type"];

    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string summary, string description) =>
        route.WithSummary(summary).WithDescription(description).Refuses(Always);

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route, bool keyed = false, bool mayBeKeyed = false)
        where T : notnull
    {
        route.Accepts<T>("application/json").Refuses(WithBody);
        return keyed || mayBeKeyed ? route.WithMetadata(new ReadsIdempotencyKey(keyed)) : route;
    }

    /// <summary>The body is looked at whatever type it is declared as, and however wrong it is.</summary>
    public static RouteHandlerBuilder TakesAnything<T>(this RouteHandlerBuilder route)
        where T : notnull =>
        route.Accepts<T>("application/json", "*/*").Refuses("malformed-request", "request-timeout", "payload-too-large");

    public static RouteHandlerBuilder TakesQuery(this RouteHandlerBuilder route, params string[] names) =>
        route.WithMetadata(new QueryNames(names)).Refuses("validation-failed");

    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (var status in statuses)
            route.Produces<T>(status, "application/json");
        return route;
    }

    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params string[] codes) => route.WithMetadata(new ProblemCodes(codes));
}
