using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.Encodings.Web;
using System.Text.Json;
using Factumerit.Ledger.Cli.Commands;

namespace Factumerit.Ledger.Cli;

/// <summary>
/// One run of <c>fa</c>: arguments in, text and an exit code out. Wrong usage exits with 2 and points to the help. A
/// failure exits with 1 and prints one line on stderr. With <c>--json</c> that line is a JSON object with a code and a
/// detail.
/// </summary>
public static class FaApplication
{
    private static readonly JsonSerializerOptions OneLine = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Runs one command line and returns the exit code of the process.</summary>
    public static async Task<int> RunAsync(
        string[] args, FaEnvironment environment, CancellationToken cancellationToken = default)
    {
        var isJson = args.Contains("--json");
        try
        {
            return await InvokeAsync(args, isJson, environment, cancellationToken);
        }
        catch (FaException failure)
        {
            return Report(failure, isJson, environment);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Report(new FaException("Interrupted.", ExitCode.Interrupted), isJson, environment);
        }
        catch (Exception failure) when (OutputFailure.Is(failure))
        {
            return Report(OutputFailure.Of(failure, hasChanged: false), isJson, environment);
        }
    }

    private static async Task<int> InvokeAsync(
        string[] args, bool isJson, FaEnvironment environment, CancellationToken cancellationToken)
    {
        var parse = CommandTree.Build(environment).Parse(args, new ParserConfiguration
        {
            // '@bob:matrix.org' is a user, not a file of arguments.
            ResponseFileTokenReplacer = null,
            EnablePosixBundling = false,
        });
        // A misspelt option must not be taken as a user id: that user would then be created or deleted.
        if (parse.Action is not HelpAction && FindStrayOption(args, parse) is { } stray)
            return RefuseUsage(
                [$"Unrecognized option '{stray}'. If it is an argument, put -- before it.", .. HintAt([stray], parse)],
                parse,
                isJson,
                environment);
        // For a group without a subcommand, the group's help is more useful than an error.
        if (!isJson && parse is
            { Action: ParseErrorAction, UnmatchedTokens.Count: 0, CommandResult.Command.Subcommands.Count: > 0 })
        {
            await CommandTree.Build(environment).Parse([.. args, "--help"]).InvokeAsync(
                new InvocationConfiguration { Output = environment.Stderr }, cancellationToken);
            return ExitCode.WrongUsage;
        }
        if (parse.Action is ParseErrorAction)
            return RefuseUsage(
                [.. parse.Errors.Select(error => error.Message).Distinct(), .. HintAt(parse.UnmatchedTokens, parse)],
                parse,
                isJson,
                environment);

        var invocation = new InvocationConfiguration
        {
            Output = environment.Stdout,
            Error = environment.Stderr,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await parse.InvokeAsync(invocation, cancellationToken);
    }

    private static string? FindStrayOption(string[] args, ParseResult parse) => args.Contains("--")
        ? null
        : parse.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .FirstOrDefault(value => value is ['-', _, ..]);

    // One hint is enough: the words after a misspelt command are unknown only because the command is.
    private static IEnumerable<string> HintAt(IEnumerable<string> words, ParseResult parse) => words
        .Select(word => Spelling.Correct(word, parse.CommandResult))
        .OfType<string>()
        .Take(1)
        .Select(name => $"Did you mean '{name}'?");

    private static int RefuseUsage(
        IEnumerable<string> messages, ParseResult parse, bool isJson, FaEnvironment environment)
    {
        string[] lines = [.. messages, $"Try '{CommandTree.PathOf(parse.CommandResult)} --help'."];
        var message = string.Join(isJson ? ' ' : '\n', lines);
        return Report(new FaException(message, ExitCode.WrongUsage), isJson, environment);
    }

    private static int Report(FaException failure, bool isJson, FaEnvironment environment)
    {
        try
        {
            environment.Stderr.WriteLine(isJson ? failure.ToJson().ToJsonString(OneLine) : failure.Message);
        }
        catch (Exception lost) when (OutputFailure.Is(lost))
        {
            // Stderr can't be written. The exit code still reports the failure.
        }
        return failure.ExitCode;
    }
}
