namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// Asks before a move that can't be undone. Without a terminal there is no one to ask: scripts have to pass
/// <c>--yes</c>.
/// </summary>
internal static class Confirmation
{
    /// <summary>Returns if the move may go on. Throws if it was declined or there is no terminal to ask on.</summary>
    public static async Task RequireAsync(
        string question, bool isGiven, FaEnvironment environment, CancellationToken cancellationToken)
    {
        if (isGiven)
            return;
        RequireTerminal(environment);
        await AskAsync($"{question} This can't be undone.", environment, cancellationToken);
    }

    /// <summary>Throws if there is no terminal to ask on.</summary>
    public static void RequireTerminal(FaEnvironment environment)
    {
        if (!environment.StdinIsTerminal)
            throw new FaException(
                "This can't be undone. Without a terminal to ask on, confirm it with --yes.", ExitCode.WrongUsage);
    }

    /// <summary>Asks on the terminal. Returns after a yes and throws after anything else.</summary>
    public static async Task AskAsync(string question, FaEnvironment environment, CancellationToken cancellationToken)
    {
        await environment.Stderr.WriteAsync($"{Output.Printable(question)} [y/N] ".AsMemory(), cancellationToken);
        await environment.Stderr.FlushAsync(cancellationToken);
        var answer = await ReadLineAsync(environment, cancellationToken);
        if (answer?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            throw new FaException("Nothing was done.");
    }

    // Reading a line from a console blocks the calling thread and ignores the token. So another thread reads, and the
    // wait for it ends when the token is cancelled.
    private static async Task<string?> ReadLineAsync(FaEnvironment environment, CancellationToken cancellationToken)
    {
        string? answer = null;
        try
        {
            return answer = await Task.Run(environment.Stdin.ReadLine, CancellationToken.None)
                .WaitAsync(cancellationToken);
        }
        finally
        {
            // A typed answer has already ended the line.
            if (answer is null)
                await environment.Stderr.WriteLineAsync();
        }
    }
}
