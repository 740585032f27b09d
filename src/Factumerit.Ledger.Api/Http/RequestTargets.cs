namespace Factumerit.Ledger.Api.Http;

/// <summary>Checks the target of a request before routing.</summary>
public static class RequestTargets
{
    /// <summary>The maximum length of path and query together, in characters.</summary>
    public const int LengthMax = 8 * 1024;

    /// <summary>Refuses targets that are too long. Handles HEAD as GET; the server omits the body.</summary>
    public static void UseRequestTargetChecks(this WebApplication app) => app.Use((http, next) =>
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
