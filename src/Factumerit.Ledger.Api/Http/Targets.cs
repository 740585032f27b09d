namespace Factumerit.Ledger.Api.Http;

/// <summary>What the request's first line asks for, before routes are looked at.</summary>
public static class Targets
{
    /// <summary>Path and query have so many characters at most.</summary>
    public const int LengthMax = 8 * 1024;

    /// <summary>Refuses addresses that are too long, and answers HEAD as GET without its body, which the server leaves out.</summary>
    public static void UseTargetChecks(this WebApplication app) => app.Use((http, next) =>
    {
        var request = http.Request;
        if (request.Path.Value?.Length + request.QueryString.Value?.Length > LengthMax)
            return Problems.WriteAsync(http, "uri-too-long", $"Path and query have more than {LengthMax} characters.");
        return HttpMethods.IsHead(request.Method) ? AsGetAsync(http, next) : next(http);
    });

    private static async Task AsGetAsync(HttpContext http, RequestDelegate next)
    {
        var method = http.Request.Method;
        http.Request.Method = HttpMethods.Get;
        try
        {
            await next(http);
        }
        finally
        {
            http.Request.Method = method;
        }
    }
}
