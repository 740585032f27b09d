namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// Asks before a move that can't be undone. Without a terminal there is nobody to ask, so that scripts have to say <c>--yes</c>.
/// </summary>
internal static class Confirmation
{
    /// <summary>Returns where the move may go on; throws where it was declined or nobody can be asked.</summary>
    public static async Task RequireAsync(string question, bool isGiven, FaEnvironment environment, CancellationToken cancellationToken)
    {
        if (isGiven)
            return;
        RequireTerminal(environment);
        await AskAsync($"{question} This can't be undone.", environment, cancellationToken);
    }

    /// <summary>Throws where nobody can be asked.</summary>
    public static void RequireTerminal(FaEnvironment environment)
    {
        if (!environment.StdinIsTerminal)
            throw new FaException("This can't be undone: without a terminal to ask on, give --yes.", ExitCode.WrongUsage);
    }

    /// <summary>Asks on the terminal; returns after a yes and throws after anything else.</summary>
    public static async Task AskAsync(string question, FaEnvironment environment, CancellationToken cancellationToken)
    {
        await environment.Stderr.WriteAsync($"{Output.Printable(question)} [y/N] ".AsMemory(), cancellationToken);
        await environment.Stderr.FlushAsync(cancellationToken);
        var answer = await ReadLineAsync(environment, cancellationToken);
        if (answer?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            throw new FaException("Nothing was done.");
    }

    // A console reads lines on the calling thread and takes no notice of the token.
    private static async Task<string?> ReadLineAsync(FaEnvironment environment, CancellationToken cancellationToken)
    {
        string? answer = null;
        try
        {
            return answer = await Task.Run(environment.Stdin.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
        }
        finally
        {
            // Whoever answered has ended the line.
            if (answer is null)
                await environment.Stderr.WriteLineAsync();
        }
    }
}
