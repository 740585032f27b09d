namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Headers that every answer carries: nothing between the service and its caller keeps it, and no browser takes it for
/// another type than it says.
/// </summary>
public static class SafeHeaders
{
    // The page's own scripts and styles, and requests to the service that it shows. It sets styles of elements by
    // itself, and draws its icons from data.
    private const string OfApiPage =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void UseSafeHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        Add(http.Response);
        return next(http);
    });

    public static void Add(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
    }

    /// <summary>What the API page may load. Its own files come with headers that let a browser keep them.</summary>
    public static IApplicationBuilder UseContentSecurityPolicy(this IApplicationBuilder branch) =>
        branch.Use((http, next) =>
        {
            http.Response.Headers.ContentSecurityPolicy = OfApiPage;
            http.Response.OnStarting(() =>
            {
                http.Response.Headers.CacheControl = "no-store";
                return Task.CompletedTask;
            });
            return next(http);
        });
}
