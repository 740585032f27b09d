using Serilog;
using Serilog.Events;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Logs one line per request: the name of the key, the method, the path, the status and the milliseconds, and for
/// errors the trace_id of the response. Headers and bodies are never logged, so no secret is. Successful calls of a
/// gateway are many, and each leaves its row: they are logged at the level Debug only.
/// </summary>
public static class RequestLog
{
    private const string Line = "{User} {Method} {Route} {Status} in {ElapsedMs:0.0} ms{Trace}";

    public static void UseRequestLog(this WebApplication app) => app.UseSerilogRequestLogging(options =>
    {
        options.Logger = app.Services.GetRequiredService<Serilog.ILogger>();
        options.MessageTemplate = Line;
        options.GetLevel = (http, _, _) => LevelOf(http);
        // Not the path that the library gives: it is decoded, so it could begin a new line of the log.
        options.GetMessageTemplateProperties = (http, _, elapsedMs, status) =>
        [
            Property("User", http.Features.Get<Caller>()?.Name ?? "-"),
            Property("Method", http.Request.Method),
            Property("Route", http.Request.Path.ToString()),
            Property("Status", status),
            Property("ElapsedMs", elapsedMs),
            Property("Trace", status < 400 ? "" : $", trace {Problems.TraceIdOf(http)}"),
        ];
    });

    /// <summary>
    /// Marks a route with many calls: successes, and refusals because of too many calls, are logged at Debug.
    /// </summary>
    public static RouteHandlerBuilder IsHighVolume(this RouteHandlerBuilder route) =>
        route.WithMetadata(new HighVolume());

    private static LogEventLevel LevelOf(HttpContext http)
    {
        var isHighVolume = http.GetEndpoint()?.Metadata.GetMetadata<HighVolume>() is not null;
        return http.Response.StatusCode switch
        {
            // These come in thousands. The overload, the writer and requests without keys have log lines of their own.
            StatusCodes.Status503ServiceUnavailable when isHighVolume => LogEventLevel.Debug,
            StatusCodes.Status429TooManyRequests when http.Features.Get<Caller>() is null => LogEventLevel.Debug,
            < 400 when isHighVolume => LogEventLevel.Debug,
            < 500 => LogEventLevel.Information,
            _ => LogEventLevel.Warning,
        };
    }

    private static LogEventProperty Property(string name, object value) => new(name, new ScalarValue(value));
}

/// <summary>Marks the routes of <see cref="RequestLog.IsHighVolume"/>.</summary>
public sealed class HighVolume;
