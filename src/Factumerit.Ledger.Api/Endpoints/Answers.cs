using System.Text.Json.Serialization.Metadata;
using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Turns results of the ledger into HTTP answers, in the same way for all endpoints.</summary>
internal static class Answers
{
    public const string ReplayedHeader = "Idempotency-Replayed";

    /// <summary>
    /// Returns the answer with its status, or the refusal as a problem. A header marks a replay (R9).
    /// </summary>
    public static IResult Of<T>(HttpContext http, Outcome<T> outcome, Func<T, IResult> answer)
        where T : class
    {
        if (outcome.Refusal is { } refusal)
            return Refused(http, refusal);
        if (outcome.Replayed)
            http.Response.Headers[ReplayedHeader] = "true";
        return answer(outcome.Answer!);
    }

    public static IResult Ok<T>(T value, JsonTypeInfo<T> type) =>
        new JsonAnswer<T>(StatusCodes.Status200OK, value, type);

    public static IResult Created<T>(T value, JsonTypeInfo<T> type) =>
        new JsonAnswer<T>(StatusCodes.Status201Created, value, type);

    /// <summary>Returns the value, or the refusal if the value is null.</summary>
    public static IResult Found<T>(HttpContext http, T? value, JsonTypeInfo<T> type, Func<Refusal> missing)
        where T : class =>
        value is null ? Refused(http, missing()) : Ok(value, type);

    public static IResult Refused(HttpContext http, Refusal refusal) => Problems.Of(http, refusal).ToResult();

    public static IResult Forbidden(HttpContext http, string userId) =>
        Problems.Of(http, "forbidden", Caller.Of(http).Explain(userId)).ToResult();

    /// <summary>The Idempotency-Key header; null unless it was sent exactly once.</summary>
    public static string? IdempotencyKey(HttpContext http) =>
        http.Request.Headers["Idempotency-Key"] is [{ } key] ? key : null;

    private sealed class JsonAnswer<T>(int status, T value, JsonTypeInfo<T> type) : IResult
    {
        public Task ExecuteAsync(HttpContext http)
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = "application/json; charset=utf-8";
            WholeAnswer.Write(http.Response, value, MoneyAsText.TypeFor(http.Request, type));
            return Task.CompletedTask;
        }
    }
}
