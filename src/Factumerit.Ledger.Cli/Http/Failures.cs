using System.Text.Json;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>Reads answers, and turns what went wrong into failures with a message of one line.</summary>
internal static class Failures
{
    /// <summary>True if the answer is the problem with that code.</summary>
    public static bool IsProblem(this LedgerAnswer answer, string code) => answer.Problem?.Code == code;

    /// <summary>The body as a contract. If it is something else, the failure names the address.</summary>
    public static T As<T>(this LedgerAnswer answer)
    {
        try
        {
            return answer.Read<T>();
        }
        catch (LedgerAnswerException failure)
        {
            throw new FaException(failure.Message) { IsOutcomeUnknown = true };
        }
    }

    /// <summary>The refusal or failure with a message of one line.</summary>
    public static FaException ToFailure(this LedgerAnswer answer)
    {
        var problem = answer.Problem;
        return new FaException(problem?.Describe() ?? answer.ToException(null).Message)
        {
            IsOutcomeUnknown = (int)answer.Status >= 500,
            Problem = problem is null ? null : JsonNode.Parse(answer.Body)!.AsObject(),
        };
    }

    public static FaException ToFailure(this LedgerException failure) => failure switch
    {
        LedgerUnreachableException => new FaException(
            $"{failure.Message} Start it, or give its address with --url or FACTUMERIT_URL.")
        {
            IsUnreachable = true,
        },
        LedgerOutcomeUnknownException => new FaException(failure.Message) { IsOutcomeUnknown = true },
        _ => new FaException(failure.Message) { IsOutcomeUnknown = failure.InnerException is JsonException },
    };

    /// <summary>
    /// The problem on one line: <c>code: detail</c>, then the errors of the fields that the detail doesn't mention.
    /// </summary>
    public static string Describe(this Problem problem)
    {
        // Proxies may send problems with fewer fields.
        var (code, detail) = ((string?)problem.Code, (string?)problem.Detail);
        var fields = problem.Errors is null ? [] : problem.Errors
            .Where(field => !field.Value.All(error =>
                detail?.Contains($"{field.Key} ", StringComparison.Ordinal) == true
                && detail.Contains(error, StringComparison.Ordinal)))
            .Select(field => $"{field.Key}: {string.Join(", ", field.Value)}");
        var reasons = new[] { detail ?? problem.Title, string.Join("; ", fields) }
            .Where(reason => !string.IsNullOrWhiteSpace(reason));
        return Output.Printable($"{code ?? "refused"}: {string.Join(" ", reasons)}");
    }
}
