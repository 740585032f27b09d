namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Refuses query parameters that a route doesn't read, and repeated ones: <c>?dryrun=true</c> must not import. A route
/// without <see cref="RouteDescriptions.TakesQuery"/> accepts no parameters. Pages for people and health checks accept
/// any.
/// </summary>
public static class QueryParameterChecks
{
    private static readonly QueryNames None = new([]);

    /// <summary>Must run after authentication: other callers must not learn which routes exist.</summary>
    public static void UseQueryParameterChecks(this WebApplication app) => app.Use((http, next) =>
        http.Request.QueryString.HasValue && http.GetEndpoint() is RouteEndpoint route
            && route.Metadata.GetMetadata<AnyQuery>() is null
            && FindErrors(http.Request.Query, route) is { Any: true } errors
            ? Problems.Of(http, errors.ToRefusal()).ToResult().ExecuteAsync(http)
            : next(http));

    /// <summary>The route ignores its query.</summary>
    public static RouteHandlerBuilder TakesAnyQuery(this RouteHandlerBuilder route) =>
        route.WithMetadata(new AnyQuery());

    private static FieldErrors FindErrors(IQueryCollection query, RouteEndpoint route)
    {
        var (names, errors) = ((route.Metadata.GetMetadata<QueryNames>() ?? None).Names, new FieldErrors(default));
        foreach (var (name, values) in query)
            if (name != MoneyAsText.Parameter && !names.Contains(name, StringComparer.Ordinal))
                errors.Add(
                    name,
                    "is not a query parameter of this route; its parameters are "
                    + string.Join(", ", names.Append(MoneyAsText.Parameter)));
            else if (values.Count > 1)
                errors.Add(name, "is given more than once");
            else if (name == MoneyAsText.Parameter && MoneyAsText.MistakeIn(values[0]) is { } mistake)
                errors.Add(name, mistake);
        return errors;
    }

    private sealed class AnyQuery;
}
