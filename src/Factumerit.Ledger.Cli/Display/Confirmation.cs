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
        if (!environment.StdinIsTerminal)
            throw new FaException("This can't be undone: without a terminal to ask on, give --yes.", ExitCode.WrongUsage);

        await environment.Stderr.WriteAsync($"{Output.Printable(question)} This can't be undone. [y/N] ".AsMemory(), cancellationToken);
        await environment.Stderr.FlushAsync(cancellationToken);
        var answer = await environment.Stdin.ReadLineAsync(cancellationToken);
        if (answer?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            throw new FaException("Nothing was done.");
    }
}
