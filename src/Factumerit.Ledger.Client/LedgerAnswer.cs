using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Client;

/// <summary>An answer of the service: its status, its body as received and the headers that matter.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body as text.</param>
/// <param name="IsReplay">Whether it is the answer to an earlier request with the same key (R9).</param>
/// <param name="RetryAfter">How long the service asks to wait before the next attempt; null if it doesn't say.</param>
/// <param name="Url">The service's address.</param>
public sealed record LedgerAnswer(HttpStatusCode Status, string Body, bool IsReplay, TimeSpan? RetryAfter, Uri Url)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>The problem in the body of a refusal; null if the body is something else.</summary>
    public Problem? Problem => IsSuccess ? null : ParseProblem(Body);

    /// <summary>The body as a contract. Fields that the contract doesn't know are ignored.</summary>
    /// <exception cref="LedgerAnswerException">The body is something else.</exception>
    public T Read<T>() => Read(LedgerJson.LenientOf<T>());

    public T Read<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) is { } content ? content : throw NotUnderstood(null);
        }
        catch (JsonException exception)
        {
            throw NotUnderstood(exception);
        }
    }

    /// <summary>An item of a page as a contract.</summary>
    /// <exception cref="LedgerAnswerException">The item is something else.</exception>
    internal static T Read<T>(JsonElement item, LedgerAnswer page)
    {
        try
        {
            return item.Deserialize(LedgerJson.LenientOf<T>()) is { } content
                ? content
                : throw page.NotUnderstood(null);
        }
        catch (JsonException exception)
        {
            throw page.NotUnderstood(exception);
        }
    }

    /// <summary>An answer that is not a success as an exception.</summary>
    public LedgerException ToException(string? idempotencyKey) => Problem is { } problem
        ? new LedgerProblemException(Status, problem, RetryAfter)
        : (int)Status >= 500
            ? new LedgerOutcomeUnknownException(NotTheLedgers, idempotencyKey, null)
            : new LedgerAnswerException(NotTheLedgers, this, null);

    private string NotTheLedgers => $"{Url} answered {(int)Status} {Status}: is it the ledger's address?";

    private static Problem? ParseProblem(string body)
    {
        try
        {
            var problem = JsonSerializer.Deserialize(body, LedgerJson.LenientOf<Problem>());
            return problem is { Code: null, Title: null } ? null : problem;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private LedgerAnswerException NotUnderstood(Exception? inner) =>
        new($"The answer of {Url} was not understood: is it the ledger's address?", this, inner);
}
