using System.Diagnostics;

namespace Factumerit.Ledger.Api.Http;

/// <summary>One line per request: who, what, the status and the milliseconds, and of refusals the trace_id that was answered. Never a header or a body, so never a secret.
/// A gateway's calls that went well are many and each leaves its row: they are written at the level Debug only.</summary>
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
            var (user, status) = (http.User.Identity?.Name ?? "-", http.Response.StatusCode);
            if (status < 400)
                LogAnswered(logger, http.GetEndpoint()?.Metadata.GetMetadata<RoutineCall>() is null ? LogLevel.Information : LogLevel.Debug, user, http.Request.Method, http.Request.Path, status, elapsedMs);
            else
                LogRefused(
                    logger, status < 500 ? LogLevel.Information : LogLevel.Warning, user, http.Request.Method, http.Request.Path, status, elapsedMs, Problems.TraceIdOf(http));
        }
    }

    /// <summary>Calls of this route that go well are logged at Debug.</summary>
    public static RouteHandlerBuilder IsRoutine(this RouteHandlerBuilder route) => route.WithMetadata(new RoutineCall());

    [LoggerMessage(EventId = 1, Message = "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms")]
    private static partial void LogAnswered(ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs);

    [LoggerMessage(EventId = 2, Message = "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms, trace {TraceId}")]
    private static partial void LogRefused(
        ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs, string traceId);

    private sealed class RoutineCall;
}
