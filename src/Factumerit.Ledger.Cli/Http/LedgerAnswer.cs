using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// What the service answered: its status, its body as it came, and the headers that matter here.
/// </summary>
internal sealed record LedgerAnswer(HttpStatusCode Status, string Body, bool IsReplay, TimeSpan? RetryAfter, Uri Url)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>Whether it is the problem with that code.</summary>
    public bool IsProblem(string code) => !IsSuccess && Problem.Parse(Body)?.Code == code;

    /// <summary>The body as a record, or a failure that names the address whose answer was not understood.</summary>
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

    /// <summary>The refusal or failure as the line that a person reads.</summary>
    public FaException ToFailure()
    {
        var problem = Problem.Parse(Body);
        return new FaException(problem?.Describe() ?? $"{Url} answered {(int)Status} {Status}: is it the ledger's address?")
        {
            IsOutcomeUnknown = (int)Status >= 500,
            Problem = problem is null ? null : JsonNode.Parse(Body)!.AsObject(),
        };
    }

    private FaException NotUnderstood() => new($"The answer of {Url} was not understood: is it the ledger's address?") { IsOutcomeUnknown = true };
}
