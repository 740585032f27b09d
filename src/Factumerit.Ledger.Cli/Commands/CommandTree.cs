using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Commands;

/// <summary>
/// The tree of all commands and the options that all of them accept. The tree is built anew for each run, with the
/// environment of that run.
/// </summary>
internal sealed class CommandTree
{
    private readonly FaEnvironment _environment;

    private readonly Option<string?> _url = new("--url")
    {
        Description = $"The service's address (default: {Settings.UrlVariable}, then the embedded service's address, "
            + $"then {Settings.DefaultUrl})",
        HelpName = "URL",
        Recursive = true,
    };

    private readonly Option<string?> _apiKey = new("--api-key")
    {
        Description = $"The API key (default: {Settings.ApiKeyVariable}, then the embedded service's admin key)",
        HelpName = "KEY",
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print JSON instead of text and tables",
        Recursive = true,
    };

    private CommandTree(FaEnvironment environment)
    {
        _environment = environment;
        _url.Validators.Add(result => Require(
            result, Settings.IsUrl, $"is not an http or https URL such as {Settings.DefaultUrl}"));
    }

    public static Command Build(FaEnvironment environment)
    {
        var tree = new CommandTree(environment);
        var root = new Command(
            "fa",
            "The command line of a ledger of prepaid LLM credit: balances, users, usage, grants, purchases and "
            + "write-downs.")
        {
            tree._url,
            tree._apiKey,
            tree._json,
            new HelpOption(),
            new VersionOption { Action = new PrintVersion() },
            LedgerCommands.Build(tree),
            ReportCommands.Build(tree),
            UserCommands.Build(tree),
            UsageCommands.Build(tree),
            HoldCommands.Build(tree),
            ReviewCommands.Build(tree),
            PriceCommands.Build(tree),
            LiteLlmCommands.Build(tree),
            MoveCommands.BuildGrant(tree),
            MoveCommands.BuildPurchase(tree),
            WriteDownCommand.Build(tree),
            VirtualKeyCommands.Build(tree),
            ApiKeyCommands.Build(tree),
            AuditLogCommand.Build(tree),
        };
        return root;
    }

    /// <summary>
    /// A command that runs <paramref name="run"/> with the given arguments and options and with the common options.
    /// </summary>
    public Command Create(
        string name,
        string description,
        Func<CommandContext, CancellationToken, Task<int>> run,
        params ReadOnlySpan<Symbol> symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Arguments.Add(argument);
            else if (symbol is Option option)
                command.Options.Add(option);
        }

        command.SetAction(async (parse, cancellationToken) =>
        {
            using var context = new CommandContext(
                _environment,
                parse,
                parse.GetValue(_json),
                () => Settings.Find(parse.GetValue(_url), parse.GetValue(_apiKey), _environment));
            try
            {
                return await run(context, cancellationToken);
            }
            catch (Exception failure) when (OutputFailure.Is(failure))
            {
                throw OutputFailure.Of(failure, context.HasChanged);
            }
        });
        return command;
    }

    /// <summary>The words that lead to the command, for example <c>fa ledger balances</c>.</summary>
    public static string PathOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{PathOf(parent)} {command.Command.Name}" : command.Command.Name;

    /// <summary>Adds an error if the text of the option or argument breaks the rule.</summary>
    public static void Require(SymbolResult result, Func<string, bool> rule, string complaint)
    {
        var name = result is OptionResult option ? option.Option.Name : ((ArgumentResult)result).Argument.Name;
        foreach (var token in result.Tokens.Where(token => !rule(token.Value)))
            result.AddError($"{name}: '{token.Value}' {complaint}.");
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override bool Terminating => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(FaClient.Version);
            return ExitCode.Done;
        }
    }
}
