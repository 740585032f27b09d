using System.CommandLine;
using System.CommandLine.Invocation;
using Factumerit.Ledger.Cli.Commands;

namespace Factumerit.Ledger.Cli;

/// <summary>
/// One run of <c>fa</c>: arguments in, text and an exit code out. Wrong usage is 2 and tells where help is,
/// failures are 1 and one line on stderr.
/// </summary>
public static class FaApplication
{
    /// <summary>Runs one command line and returns the exit code of the process.</summary>
    public static async Task<int> RunAsync(string[] args, FaEnvironment environment, CancellationToken cancellationToken = default)
    {
        var parse = CommandTree.Build(environment).Parse(args, new ParserConfiguration
        {
            // '@bob:matrix.org' is a user, not a file of arguments.
            ResponseFileTokenReplacer = null,
            EnablePosixBundling = false,
        });
        if (parse.Action is ParseErrorAction)
            return RefuseUsage(parse, environment);

        var invocation = new InvocationConfiguration
        {
            Output = environment.Stdout,
            Error = environment.Stderr,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parse.InvokeAsync(invocation, cancellationToken);
        }
        catch (FaException failure)
        {
            await environment.Stderr.WriteLineAsync(failure.Message);
            return failure.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await environment.Stderr.WriteLineAsync("Interrupted.");
            return ExitCode.Interrupted;
        }
    }

    private static int RefuseUsage(ParseResult parse, FaEnvironment environment)
    {
        foreach (var message in parse.Errors.Select(error => error.Message).Distinct())
            environment.Stderr.WriteLine(message);
        environment.Stderr.WriteLine($"Try '{CommandTree.PathOf(parse.CommandResult)} --help'.");
        return ExitCode.WrongUsage;
    }
}
