using System.Diagnostics;
using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace Factumerit.Ledger.Api.Http;

/// <summary>Turns refusals, and all other errors that end a request early, into problems.</summary>
public static class Problems
{
    // Seconds.
    private const string RetryAfter = "1";

    private static readonly Refusal UnstorableText =
        new Refusal.ValidationFailed("$", "has a character that the database can't store, such as \\u0000");

    public static Problem Of(HttpContext http, string code, string detail) =>
        Of(BaseOf(http), TraceIdOf(http), code, detail);

    private static Problem Of(string pathBase, string traceId, string code, string detail)
    {
        var kind = ProblemCatalog.Find(code);
        return new Problem
        {
            Type = $"{pathBase}/problems/{code}",
            Title = kind.Title,
            Status = kind.Status,
            Detail = detail,
            Code = code,
            TraceId = traceId,
        };
    }

    /// <summary>
    /// The id that the problem and its log line share: the trace from the client's header traceparent, otherwise an id
    /// of this request alone.
    /// </summary>
    public static string TraceIdOf(HttpContext http) =>
        Activity.Current?.TraceId.ToString()
        ?? (ActivityContext.TryParse(http.Request.Headers.TraceParent, traceState: null, out var caller)
            ? caller.TraceId.ToString()
            : http.TraceIdentifier);

    /// <summary>
    /// The path under which a proxy serves the service, a prefix of every link; empty if there is none.
    /// </summary>
    public static string BaseOf(HttpContext http) => http.Request.PathBase.ToString();

    public static Problem Of(HttpContext http, Refusal refusal) => Of(BaseOf(http), TraceIdOf(http), refusal);

    public static Problem Of(string pathBase, string traceId, Refusal refusal) =>
        AddMembers(Of(pathBase, traceId, refusal.Code, refusal.Detail), refusal);

    private static Problem AddMembers(Problem problem, Refusal refusal) => refusal switch
    {
        Refusal.ValidationFailed failed => problem with
        {
            Errors = failed.Errors.Count == 0 ? null : failed.Errors,
            MoreErrors = failed.MoreErrors == 0 ? null : failed.MoreErrors,
        },
        Refusal.InsufficientCredit insufficient => problem with
        {
            BalanceCents = insufficient.BalanceCents ?? 0,
            AvailableCents = insufficient.AvailableCents,
            RequestedCents = insufficient.RequestedCents,
        },
        Refusal.HoldClosed closed => problem with { State = closed.State },
        Refusal.InsufficientHeadroom insufficient =>
            problem with { AvailableCents = insufficient.AvailableCents, RequestedCents = insufficient.RequestedCents },
        Refusal.InsufficientProviderCredit insufficient =>
            problem with
            {
                AvailableCents = insufficient.AvailableCents ?? 0,
                RequestedCents = insufficient.RequestedCents,
            },
        _ => problem,
    };

    public static ProblemResult ToResult(this Problem problem) => new(problem);

    public static Task WriteAsync(HttpContext http, string code, string detail) =>
        Of(http, code, detail).ToResult().ExecuteAsync(http);

    /// <summary>Writes problems for exceptions, and for error statuses without a body.</summary>
    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = http => WriteAsync(http, http.Features.Get<IExceptionHandlerFeature>()!.Error),
            // Client errors and an unavailable database are not errors of the service. Their line in the request log is
            // enough.
            SuppressDiagnosticsCallback = failed =>
                IsOfTheCaller(failed.Exception) || IsUnstorableText(failed.Exception)
                || DatabaseFailure.IsUnavailable(failed.Exception),
        });
        // Skipped for routine calls: their routes write their own problems, and they are too frequent for one more
        // check.
        app.UseWhen(
            http => http.GetEndpoint()?.Metadata.GetMetadata<HighVolume>() is null,
            others => others.UseStatusCodePages(context => context.HttpContext.Response.StatusCode switch
            {
                StatusCodes.Status404NotFound => WriteAsync(
                    context.HttpContext,
                    "not-found",
                    $"There is no {BaseOf(context.HttpContext)}{context.HttpContext.Request.Path}. "
                    + $"The routes are listed at {BaseOf(context.HttpContext)}/swagger."),
                StatusCodes.Status405MethodNotAllowed => WriteAsync(
                    context.HttpContext,
                    "method-not-allowed",
                    $"{context.HttpContext.Request.Method} is not allowed here: "
                    + $"use {context.HttpContext.Response.Headers.Allow}."),
                StatusCodes.Status415UnsupportedMediaType => WriteAsync(
                    context.HttpContext,
                    "unsupported-media-type",
                    "The body must be JSON, sent with Content-Type: application/json."),
                StatusCodes.Status413PayloadTooLarge => WriteAsync(
                    context.HttpContext, "payload-too-large", "The body is too large."),
                _ => Task.CompletedTask,
            }));
    }

    private static Task WriteAsync(HttpContext http, Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } bad =>
            WriteAsync(http, "payload-too-large", $"{bad.Message} Send less at once."),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } bad =>
            WriteAsync(http, "request-timeout", bad.Message),
        BadHttpRequestException bad => WriteAsync(http, "malformed-request", bad.Message),
        _ when IsOfTheCaller(exception) => WriteAsync(
            http, "malformed-request", "The body can't be read: it is broken, or the connection ended."),
        _ when IsUnstorableText(exception) => Of(http, UnstorableText).ToResult().ExecuteAsync(http),
        _ when DatabaseFailure.IsUnavailable(exception) => WriteUnavailableAsync(http, exception),
        _ => WriteAsync(
            http, "internal-error", "The service failed. Look up the trace_id in its log."),
    };

    // The server throws a plain IOException for some unreadable bodies and for lost connections. Failures on the way to
    // the database are wrapped in an exception of another type.
    private static bool IsOfTheCaller(Exception exception) => exception is BadHttpRequestException or IOException;

    private static Task WriteUnavailableAsync(HttpContext http, Exception exception)
    {
        if (DatabaseFailure.MayLieInSession(exception))
            http.RequestServices.GetRequiredService<LedgerDatabase>().RenewSessions();
        return WriteAsync(
            http,
            "unavailable",
            "The database can't be reached, is too busy, or can't be written to now. "
            + "It is safe to send the same request again with the same key.");
    }

    /// <summary>Writes the status and the headers of a problem.</summary>
    public static void WriteHead(HttpResponse response, int status)
    {
        // The exception handler has cleared the headers.
        SecurityHeaders.Add(response);
        if (status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests
            && response.Headers.RetryAfter.Count == 0)
            response.Headers.RetryAfter = RetryAfter;
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
    }

    // Text with a character that PostgreSQL can't store, such as \u0000.
    private static bool IsUnstorableText(Exception exception) =>
        exception is PostgresException postgres
            ? postgres.SqlState is PostgresErrorCodes.UntranslatableCharacter
                or PostgresErrorCodes.CharacterNotInRepertoire
            : exception.InnerException is { } inner && IsUnstorableText(inner);
}
