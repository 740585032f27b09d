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

    /// <summary>The same failure with what to do next added to its line.</summary>
    public FaException WithAdvice(string advice) =>
        new($"{Message}{(Message.EndsWith('.') ? "" : ".")} {advice}", ExitCode) { IsOutcomeUnknown = IsOutcomeUnknown, IsUnreachable = IsUnreachable };
}

/// <summary>What the process returns.</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130;
}
