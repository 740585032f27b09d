using System.Text.Json.Nodes;

namespace Factumerit.Ledger.Cli;

/// <summary>
/// A failure that the user can act on. Its message is the line on stderr, its code the exit code of the process. Any
/// other exception is a bug and is shown as one.
/// </summary>
public sealed class FaException(string message, int exitCode = ExitCode.Failed) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>True if the request may have been carried out although no valid answer arrived.</summary>
    public bool IsOutcomeUnknown { get; init; }

    /// <summary>True if no connection was established, so nothing was sent.</summary>
    public bool IsUnreachable { get; init; }

    /// <summary>The problem as the service returned it; null for failures on this side.</summary>
    public JsonObject? Problem { get; init; }

    // What to do next. The message ends with it.
    private string? Advice { get; init; }

    /// <summary>The same failure with advice on what to do next added to its message.</summary>
    public FaException WithAdvice(string advice) => new(Join(Message, advice), ExitCode)
    {
        IsOutcomeUnknown = IsOutcomeUnknown,
        IsUnreachable = IsUnreachable,
        Problem = Problem,
        Advice = Advice is null ? advice : Join(Advice, advice),
    };

    /// <summary>The same failure with the name of the file in front of its message.</summary>
    public FaException Of(string file) => new($"{file}: {Message}", ExitCode)
    {
        IsOutcomeUnknown = IsOutcomeUnknown,
        IsUnreachable = IsUnreachable,
        Problem = Problem,
        Advice = Advice,
    };

    /// <summary>
    /// The failure as JSON: the service's problem with the advice added to its detail, or one of <c>fa</c>'s own codes
    /// with the message as its detail.
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

/// <summary>The exit codes of the process.</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130;
}
