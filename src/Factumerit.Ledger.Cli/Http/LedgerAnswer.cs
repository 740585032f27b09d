using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// An answer of the service: its status, its body as received and the headers that <c>fa</c> uses.
/// </summary>
internal sealed record LedgerAnswer(HttpStatusCode Status, string Body, bool IsReplay, TimeSpan? RetryAfter, Uri Url)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>True if the answer is the problem with that code.</summary>
    public bool IsProblem(string code) => !IsSuccess && Problem.Parse(Body)?.Code == code;

    /// <summary>The body as a record. If it can't be parsed, the failure names the address.</summary>
    public T Read<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) is { } content ? content : throw NotUnderstood();
        }
        catch (JsonException)
        {
            throw NotUnderstood();
        }
    }

    /// <summary>The refusal or failure with a message of one line.</summary>
    public FaException ToFailure()
    {
        var problem = Problem.Parse(Body);
        return new FaException(
            problem?.Describe() ?? $"{Url} answered {(int)Status} {Status}: is it the ledger's address?")
        {
            IsOutcomeUnknown = (int)Status >= 500,
            Problem = problem is null ? null : JsonNode.Parse(Body)!.AsObject(),
        };
    }

    private FaException NotUnderstood() =>
        new($"The answer of {Url} was not understood: is it the ledger's address?") { IsOutcomeUnknown = true };
}
