namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Headers of every response: no cache between the service and its client stores it, and no browser guesses a content
/// type other than the declared one.
/// </summary>
public static class SecurityHeaders
{
    // Allows the page's own scripts and styles, and its requests to the service. The page sets inline styles and loads
    // its icons from data URLs.
    private const string OfApiPage =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void UseSecurityHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        Add(http.Response);
        return next(http);
    });

    public static void Add(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
    }

    /// <summary>
    /// Limits what the API page may load. The page's own files allow browsers to keep them, so Cache-Control is set
    /// again when the response starts.
    /// </summary>
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
