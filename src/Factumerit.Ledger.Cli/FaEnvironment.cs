namespace Factumerit.Ledger.Cli;

/// <summary>
/// Everything that a run of <c>fa</c> reads from or writes to, except the service and the files named on the command
/// line. The process builds it from its console; tests build it from strings.
/// </summary>
public sealed record FaEnvironment
{
    /// <summary>The output for answers.</summary>
    public required TextWriter Stdout { get; init; }

    /// <summary>The output for errors, questions and progress.</summary>
    public required TextWriter Stderr { get; init; }

    /// <summary>The input for the user's answers to questions.</summary>
    public required TextReader Stdin { get; init; }

    /// <summary>Opens standard input as bytes, for files that are piped in.</summary>
    public Func<Stream> OpenStdin { get; init; } = () => Stream.Null;

    /// <summary>The environment variables by name.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>The absolute directory that relative paths and the search for <c>.factumerit</c> start from.</summary>
    public required string WorkingDirectory { get; init; }

    public bool StdinIsTerminal { get; init; }

    public bool StdoutIsTerminal { get; init; }

    public bool StderrIsTerminal { get; init; }

    /// <summary>The terminal's width in columns. Meaningless without a terminal.</summary>
    public int TerminalWidth { get; init; } = 80;

    /// <summary>The clock for the delays between attempts.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// True if colour may be written: stdout is a terminal that supports colour, and NO_COLOR is not set.
    /// </summary>
    public bool HasColor => StdoutIsTerminal && Variable("NO_COLOR") is null && Variable("TERM") != "dumb";

    /// <summary>The variable's trimmed value, or null if it is unset or blank.</summary>
    public string? Variable(string name) =>
        Variables.TryGetValue(name, out var value) && value.Trim() is { Length: > 0 } trimmed ? trimmed : null;

    /// <summary>The console, variables and directory of the running process.</summary>
    public static FaEnvironment OfThisProcess() => new()
    {
        Stdout = Console.Out,
        Stderr = Console.Error,
        Stdin = Console.In,
        OpenStdin = OpenStdinOfThisProcess,
        Variables = ReadVariables(),
        WorkingDirectory = Directory.GetCurrentDirectory(),
        StdinIsTerminal = !Console.IsInputRedirected,
        StdoutIsTerminal = !Console.IsOutputRedirected,
        StderrIsTerminal = !Console.IsErrorRedirected,
        TerminalWidth = Console.IsOutputRedirected || Console.WindowWidth <= 0 ? 80 : Console.WindowWidth,
    };

    private static Stream OpenStdinOfThisProcess() =>
        IsStdinClosed()
            ? throw new FaException("Standard input is closed: pass the name of a file, or pipe one in.")
            : Console.OpenStandardInput();

    // If standard input is closed (<&-), the runtime has opened a file of its own as descriptor 0, and reading that
    // file would block forever. The runtime's files are closed on exec; standard input never is.
    private static bool IsStdinClosed()
    {
        const string flags = "flags:";
        const int closedOnExec = 0x80000;
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            var line = File.ReadLines("/proc/self/fdinfo/0")
                .First(line => line.StartsWith(flags, StringComparison.Ordinal));
            return (Convert.ToInt32(line[flags.Length..].Trim(), 8) & closedOnExec) != 0;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without /proc, assume that standard input is open.
            return false;
        }
    }

    private static Dictionary<string, string> ReadVariables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        return variables;
    }
}
