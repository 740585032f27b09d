using System.CommandLine;
using Factumerit.Ledger.Cli;
using Factumerit.Ledger.Cli.Commands;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>Looks up commands of <c>fa</c> that a text names, with <c>|</c> between those of one group.</summary>
internal static class FaUsage
{
    /// <summary>The first word that <c>fa</c> does not know; null when it knows all.</summary>
    public static string? MistakeIn(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
        var path = new Stack<Command>([CommandTree.Build(FaEnvironment.OfThisProcess())]);
        var isAlternative = false;
        foreach (var word in words)
        {
            if (word == "|")
            {
                if (path.Count > 1)
                    path.Pop();
                isAlternative = true;
                continue;
            }
            if (word.StartsWith("--", StringComparison.Ordinal)
                && !path.SelectMany(command => command.Options).Any(option => option.Name == word.Split('=')[0]))
                return word;
            if (path.Peek().Subcommands.FirstOrDefault(command => command.Name == word) is { } next)
                path.Push(next);
            else if (isAlternative || path.Peek().Subcommands.Count > 0 && !word.StartsWith('-'))
                return word;
            isAlternative = false;
        }
        return null;
    }
}
