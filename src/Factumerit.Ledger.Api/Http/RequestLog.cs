using System.Diagnostics;

namespace Factumerit.Ledger.Api.Http;

/// <summary>One line per request: who, what, the status and the milliseconds. Never a header or a body, so never a secret.</summary>
public static partial class RequestLog
{
    public static void UseRequestLog(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Factumerit.Ledger.Requests");
        app.Use(async (http, next) =>
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                await next(http);
            }
            finally
            {
                Write(http, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        });

        void Write(HttpContext http, double elapsedMs)
        {
            if (http.Response.StatusCode >= 500)
                LogFailed(logger, http.User.Identity?.Name ?? "-", http.Request.Method, http.Request.Path, http.Response.StatusCode, elapsedMs);
            else
                LogAnswered(logger, http.User.Identity?.Name ?? "-", http.Request.Method, http.Request.Path, http.Response.StatusCode, elapsedMs);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms")]
    private static partial void LogAnswered(ILogger logger, string user, string method, string route, int status, double elapsedMs);

    [LoggerMessage(2, LogLevel.Warning, "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms")]
    private static partial void LogFailed(ILogger logger, string user, string method, string route, int status, double elapsedMs);
}
