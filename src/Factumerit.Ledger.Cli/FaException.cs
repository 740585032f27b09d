using System.Text.Json.Nodes;

namespace Factumerit.Ledger.Cli;

/// <summary>
/// A failure that a person can act on: its message is the one line that goes to stderr, its code what the process returns.
/// Everything else that is thrown is a bug and shows as one.
/// </summary>
public sealed class FaException(string message, int exitCode = ExitCode.Failed) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>True where the request may have been carried out although no proper answer came.</summary>
    public bool IsOutcomeUnknown { get; init; }

    /// <summary>True where no connection came about, so that nothing was sent.</summary>
    public bool IsUnreachable { get; init; }

    /// <summary>The service's own problem as it was answered; null for failures on this side.</summary>
    public JsonObject? Problem { get; init; }

    // What to do next, behind what happened.
    private string? Advice { get; init; }

    /// <summary>The same failure with what to do next added to its line.</summary>
    public FaException WithAdvice(string advice) => new(Join(Message, advice), ExitCode)
    {
        IsOutcomeUnknown = IsOutcomeUnknown,
        IsUnreachable = IsUnreachable,
        Problem = Problem,
        Advice = Advice is null ? advice : Join(Advice, advice),
    };

    /// <summary>The same failure with the file that it is about before its line.</summary>
    public FaException Of(string file) => new($"{file}: {Message}", ExitCode)
    {
        IsOutcomeUnknown = IsOutcomeUnknown,
        IsUnreachable = IsUnreachable,
        Problem = Problem,
        Advice = Advice,
    };

    /// <summary>
    /// The failure for programs: the problem of the service with the advice in its detail, or a code of <c>fa</c>'s own with the
    /// message as its detail.
    /// </summary>
    public JsonObject ToJson()
    {
        if (Problem is null)
            return new JsonObject { ["code"] = Code, ["detail"] = Message };
        var problem = Problem.DeepClone().AsObject();
        if (Advice is not null)
            problem["detail"] = problem["detail"] is { } detail ? Join(detail.ToString(), Advice) : Advice;
        return problem;
    }

    private string Code => ExitCode switch
    {
        Cli.ExitCode.WrongUsage => "wrong-usage",
        Cli.ExitCode.Interrupted => "interrupted",
        _ when IsUnreachable => "unreachable",
        _ when IsOutcomeUnknown => "outcome-unknown",
        _ => "failed",
    };

    private static string Join(string text, string more) => $"{text}{(text.EndsWith('.') ? "" : ".")} {more}";
}

/// <summary>What the process returns.</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130;
}
