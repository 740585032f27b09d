using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// What the service answered: its status, its body as it came, and the headers that matter here.
/// </summary>
internal sealed record LedgerAnswer(HttpStatusCode Status, string Body, bool IsReplay, TimeSpan? RetryAfter, Uri Url)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

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
    public FaException ToFailure() =>
        new(Problem.Parse(Body)?.Describe() ?? $"{Url} answered {(int)Status} {Status}: is it the ledger's address?")
        {
            IsOutcomeUnknown = (int)Status >= 500,
        };

    private FaException NotUnderstood() => new($"The answer of {Url} was not understood: is it the ledger's address?") { IsOutcomeUnknown = true };
}
