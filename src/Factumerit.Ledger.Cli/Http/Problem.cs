using System.Text.Json;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// A problem of the service (RFC 9457): the reason for a refusal, with a stable code.
/// </summary>
internal sealed record Problem(string? Code, string? Title, string? Detail, Dictionary<string, string[]>? Errors)
{
    /// <summary>
    /// The problem on one line: <c>code: detail</c>, then the errors of the fields that the detail doesn't mention.
    /// </summary>
    public string Describe()
    {
        var fields = Errors is null ? [] : Errors
            .Where(field => !field.Value.All(error =>
                Detail?.Contains($"{field.Key} ", StringComparison.Ordinal) == true
                && Detail.Contains(error, StringComparison.Ordinal)))
            .Select(field => $"{field.Key}: {string.Join(", ", field.Value)}");
        var reasons = new[] { Detail ?? Title, string.Join("; ", fields) }
            .Where(reason => !string.IsNullOrWhiteSpace(reason));
        return Output.Printable($"{Code ?? "refused"}: {string.Join(" ", reasons)}");
    }

    /// <summary>
    /// The problem in the body of a refusal; null if the body is something else, such as a proxy's page.
    /// </summary>
    public static Problem? Parse(string body)
    {
        try
        {
            var problem = JsonSerializer.Deserialize(body, LedgerJson.Default.Problem);
            return problem is { Code: null, Title: null } ? null : problem;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
