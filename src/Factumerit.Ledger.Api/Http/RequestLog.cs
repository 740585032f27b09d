using System.Diagnostics;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Logs one line per request: the name of the key, the method, the path, the status and the milliseconds, and for
/// errors the trace_id of the response. Headers and bodies are never logged, so no secret is. Successful calls of a
/// gateway are many, and each leaves its row: they are logged at the level Debug only.
/// </summary>
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
            var isHighVolume = http.GetEndpoint()?.Metadata.GetMetadata<HighVolume>() is not null;
            var level = status switch
            {
                // These come in thousands. The overload, the writer and requests without keys have log lines of their
                // own.
                StatusCodes.Status503ServiceUnavailable when isHighVolume => LogLevel.Debug,
                StatusCodes.Status429TooManyRequests when http.Features.Get<Caller>() is null => LogLevel.Debug,
                < 400 when isHighVolume => LogLevel.Debug,
                < 500 => LogLevel.Information,
                _ => LogLevel.Warning,
            };
            if (!logger.IsEnabled(level))
                return;
            var user = http.Features.Get<Caller>()?.Name ?? "-";
            if (status < 400)
                LogAnswered(logger, level, user, http.Request.Method, http.Request.Path, status, elapsedMs);
            else
                LogRefused(
                    logger, level, user, http.Request.Method, http.Request.Path, status, elapsedMs,
                    Problems.TraceIdOf(http));
        }
    }

    /// <summary>
    /// Marks a route with many calls: successes, and refusals because of too many calls, are logged at Debug.
    /// </summary>
    public static RouteHandlerBuilder IsHighVolume(this RouteHandlerBuilder route) =>
        route.WithMetadata(new HighVolume());

    private static void LogAnswered(
        ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs) =>
        logger.Log(
            level,
            "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms",
            user, method, route, status, elapsedMs);

    private static void LogRefused(
        ILogger logger, LogLevel level, string user, string method, string route, int status, double elapsedMs,
        string traceId) =>
        logger.Log(
            level,
            "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms, trace {TraceId}",
            user, method, route, status, elapsedMs, traceId);
}

/// <summary>Marks the routes of <see cref="RequestLog.IsHighVolume"/>.</summary>
public sealed class HighVolume;
