using System.Text.Json.Serialization.Metadata;
using Factumerit.Ledger.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Factumerit.Ledger.Api.Endpoints;

/// <summary>Turns outcomes and refusals of the ledger into HTTP results, in the same way for all endpoints.</summary>
internal static class LedgerResults
{
    public static JsonOk<T> Ok<T>(T value, JsonTypeInfo<T> type) => new(value, type);

    public static JsonCreated<T> Created<T>(T value, JsonTypeInfo<T> type) => new(value, type);

    public static Results<JsonOk<T>, ProblemResult> Ok<T>(HttpContext http, Outcome<T> outcome, JsonTypeInfo<T> type)
        where T : class =>
        Of(http, outcome, answer => new JsonOk<T>(answer, type, outcome.Stored));

    public static Results<JsonCreated<T>, ProblemResult> Created<T>(
        HttpContext http, Outcome<T> outcome, JsonTypeInfo<T> type)
        where T : class =>
        Of(http, outcome, answer => new JsonCreated<T>(answer, type, outcome.Stored));

    /// <summary>The result of a success, or the refusal as a problem.</summary>
    public static Results<TResult, ProblemResult> Of<T, TResult>(
        HttpContext http, Outcome<T> outcome, Func<T?, TResult> succeeded)
        where T : class
        where TResult : IResult
    {
        if (RefusalOf(http, outcome) is { } refused)
            return refused;
        return succeeded(outcome.Answer);
    }

    /// <summary>The refusal as a problem; null for a success. A header marks a replay (R9).</summary>
    public static ProblemResult? RefusalOf<T>(HttpContext http, Outcome<T> outcome)
        where T : class
    {
        if (outcome.Refusal is { } refusal)
            return Refused(http, refusal);
        if (outcome.Replayed)
            IdempotencyHeaders.MarkReplayed(http);
        return null;
    }

    /// <summary>Returns the value, or the refusal if the value is null.</summary>
    public static Results<JsonOk<T>, ProblemResult> Found<T>(
        HttpContext http, T? value, JsonTypeInfo<T> type, Func<Refusal> missing)
        where T : class =>
        value is null ? Refused(http, missing()) : Ok(value, type);

    public static ProblemResult Refused(HttpContext http, Refusal refusal) => Problems.Of(http, refusal).ToResult();

    public static ProblemResult Forbidden(HttpContext http, string userId) =>
        Problems.Of(http, "forbidden", Caller.Of(http).Explain(userId)).ToResult();
}
