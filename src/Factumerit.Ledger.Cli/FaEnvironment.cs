namespace Factumerit.Ledger.Cli;

/// <summary>
/// Everything that a run of <c>fa</c> reads from or writes to besides the service and the files named on the command line.
/// The process builds it from its console; tests build it from strings.
/// </summary>
public sealed record FaEnvironment
{
    /// <summary>Where answers go.</summary>
    public required TextWriter Stdout { get; init; }

    /// <summary>Where errors, questions and progress go.</summary>
    public required TextWriter Stderr { get; init; }

    /// <summary>Where answers to questions come from.</summary>
    public required TextReader Stdin { get; init; }

    /// <summary>Opens standard input as bytes, for files that are piped in.</summary>
    public Func<Stream> OpenStdin { get; init; } = () => Stream.Null;

    /// <summary>The environment variables by name.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>The absolute directory in which relative files and <c>.factumerit</c> are looked for.</summary>
    public required string WorkingDirectory { get; init; }

    public bool StdinIsTerminal { get; init; }

    public bool StdoutIsTerminal { get; init; }

    public bool StderrIsTerminal { get; init; }

    /// <summary>The columns of the terminal; without meaning where there is none.</summary>
    public int TerminalWidth { get; init; } = 80;

    /// <summary>The clock of waits between attempts.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>True where colour may be written: a terminal that understands it, and a user who did not say NO_COLOR.</summary>
    public bool HasColor => StdoutIsTerminal && Variable("NO_COLOR") is null && Variable("TERM") != "dumb";

    /// <summary>The variable's value without white space around it, or null where it is not set or blank.</summary>
    public string? Variable(string name) => Variables.TryGetValue(name, out var value) && value.Trim() is { Length: > 0 } trimmed ? trimmed : null;

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
            ? throw new FaException("Standard input is closed: give a file, or pipe one in.")
            : Console.OpenStandardInput();

    // Where standard input was closed (<&-), the runtime has opened a file of its own under that number, and reading it
    // would wait for ever. Such files are closed on exec, which standard input never is.
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
            // Without /proc nobody can tell.
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
