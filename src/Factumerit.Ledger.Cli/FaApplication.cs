using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
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
        // A misspelt option must not become the name of a user who is then created or deleted.
        if (parse.Action is not HelpAction && FindStrayOption(args, parse) is { } stray)
            return RefuseUsage([$"Unrecognized option '{stray}'; put -- before an argument that begins with '-'."], parse, environment);
        // Called by the name of a group alone: what there is says more than what is missing.
        if (parse is { Action: ParseErrorAction, UnmatchedTokens.Count: 0, CommandResult.Command.Subcommands.Count: > 0 })
        {
            await CommandTree.Build(environment).Parse([.. args, "--help"]).InvokeAsync(
                new InvocationConfiguration { Output = environment.Stderr }, cancellationToken);
            return ExitCode.WrongUsage;
        }
        if (parse.Action is ParseErrorAction)
            return RefuseUsage(parse.Errors.Select(error => error.Message).Distinct(), parse, environment);

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

    private static string? FindStrayOption(string[] args, ParseResult parse) => args.Contains("--")
        ? null
        : parse.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .FirstOrDefault(value => value.StartsWith('-'));

    private static int RefuseUsage(IEnumerable<string> messages, ParseResult parse, FaEnvironment environment)
    {
        foreach (var message in messages)
            environment.Stderr.WriteLine(message);
        environment.Stderr.WriteLine($"Try '{CommandTree.PathOf(parse.CommandResult)} --help'.");
        return ExitCode.WrongUsage;
    }
}
