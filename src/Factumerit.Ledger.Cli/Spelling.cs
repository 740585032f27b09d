using System.CommandLine.Parsing;

namespace Factumerit.Ledger.Cli;

/// <summary>Finds the command or option that a misspelt word most likely means.</summary>
internal static class Spelling
{
    private const int PrefixLengthMin = 3;

    /// <summary>
    /// The most similar name that may stand there: of the command's options if the word begins with a dash, otherwise
    /// of its subcommands. Null if none is similar.
    /// </summary>
    public static string? Correct(string word, CommandResult command)
    {
        // An option may carry its value: --amount=5.
        var written = word.Split('=', ':')[0];
        return (written.StartsWith('-') ? OptionsOf(command) : command.Command.Subcommands.Select(sub => sub.Name))
            .Select(name => (Name: name, Edits: EditsBetween(written, name)))
            .Where(match => IsSimilar(written, match.Name, match.Edits))
            .OrderBy(match => match.Edits)
            .Select(match => match.Name)
            .FirstOrDefault();
    }

    // Those of the commands above count only if they are recursive, such as --json.
    private static IEnumerable<string> OptionsOf(CommandResult command)
    {
        var names = command.Command.Options.Select(option => option.Name);
        for (var above = command.Parent as CommandResult; above is not null; above = above.Parent as CommandResult)
            names = names.Concat(above.Command.Options.Where(option => option.Recursive).Select(option => option.Name));
        return names;
    }

    // An abbreviation, or at most one mistake in three letters.
    private static bool IsSimilar(string written, string name, int edits) =>
        edits * 3 <= name.TrimStart('-').Length
        || (written.TrimStart('-').Length >= PrefixLengthMin && name.StartsWith(written, StringComparison.Ordinal));

    // The number of letters to add, leave out, replace, or swap with the next one (optimal string alignment).
    private static int EditsBetween(string one, string other)
    {
        var edits = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
            for (var j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    edits[i, j] = i + j;
                    continue;
                }
                var replaced = edits[i - 1, j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
                edits[i, j] = Math.Min(replaced, 1 + Math.Min(edits[i - 1, j], edits[i, j - 1]));
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
            }
        return edits[one.Length, other.Length];
    }
}
