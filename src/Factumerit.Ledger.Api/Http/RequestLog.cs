using System.Diagnostics;

namespace Factumerit.Ledger.Api.Http;

/// <summary>One line per request: who, what, the status and the milliseconds, and of refusals the trace_id that was answered. Never a header or a body, so never a secret.
/// A gateway's calls that went well are many and each leaves its row: they are written at the level Debug only.</summary>
public static class RequestLog
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
            var status = http.Response.StatusCode;
            var isRoutine = http.GetEndpoint()?.Metadata.GetMetadata<RoutineCall>() is not null;
            var level = status switch
            {
                // When these come they come in thousands; the overload, the writer and requests without keys have lines
                // of their own.
                StatusCodes.Status503ServiceUnavailable when isRoutine => LogLevel.Debug,
                StatusCodes.Status429TooManyRequests when http.Features.Get<Caller>() is null => LogLevel.Debug,
                < 400 when isRoutine => LogLevel.Debug,
                < 500 => LogLevel.Information,
                _ => LogLevel.Warning,
            };
            if (!logger.IsEnabled(level))
                return;
            var user = http.Features.Get<Caller>()?.Name ?? "-";
            if (status < 400)
                LogAnswered(logger, level, user, http.Request.Method, http.Request.Path, status, elapsedMs);
            else
                LogRefused(logger, level, user, http.Request.Method, http.Request.Path, status, elapsedMs, Problems.TraceIdOf(http));
        }
    }

    /// <summary>The calls of this route are many: those that go well, and those that are refused because there are too many, are logged at Debug.</summary>
    public static RouteHandlerBuilder IsRoutine(this RouteHandlerBuilder route) => route.WithMetadata(new RoutineCall());

    private static void LogAnswered(
        ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs) =>
        logger.Log(
            level,
            "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms",
            user, method, route, status, elapsedMs);

    private static void LogRefused(
        ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs, string traceId) =>
        logger.Log(
            level,
            "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms, trace {TraceId}",
            user, method, route, status, elapsedMs, traceId);
}

/// <summary>Marks the routes of <see cref="RequestLog.IsRoutine"/>.</summary>
public sealed class RoutineCall;
