using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// A command as a document prints it. Blocks fenced as <c>sh</c> hold commands. Blocks fenced as <c>console</c> hold
/// commands after <c>$ </c> and their output. Blocks fenced as <c>crontab</c> hold lines of a crontab.
/// </summary>
internal sealed partial record DocumentedCommand(string Place, string Text, IReadOnlyList<string> Output)
{
    /// <summary>
    /// What the command needs beyond what the project's scripts install, as the document says it. Null if nothing.
    /// </summary>
    public string? Needs => NeedsComment().Match(Text) is { Success: true } match ? match.Groups[1].Value : null;

    public string TextWithoutNeeds => NeedsComment().Replace(Text, "").TrimEnd();

    /// <summary>Serves until it is stopped, so that the reader goes on in another terminal.</summary>
    public bool Serves => ServiceStart().IsMatch(Text);

    public static IEnumerable<DocumentedCommand> In(string document)
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, document));
        for (var number = 0; number < lines.Length; number++)
        {
            if (!lines[number].StartsWith("```", StringComparison.Ordinal))
                continue;
            var begin = number + 1;
            number = Array.IndexOf(lines, "```", begin);
            var block = lines[begin..number];
            var commands = lines[begin - 1][3..] switch
            {
                "sh" => Script(block),
                "console" => Session(block),
                "crontab" => block.Select((line, index) => (index, CronCommand(line), new List<string>())),
                _ => [],
            };
            foreach (var (index, text, output) in commands)
                yield return new DocumentedCommand($"{document}:{begin + index + 1}", text, output);
        }
    }

    private static IEnumerable<(int Index, string Text, List<string> Output)> Script(string[] lines)
    {
        for (var index = 0; index < lines.Length; index++)
        {
            if (lines[index].Length == 0 || lines[index].StartsWith('#'))
                continue;
            var (start, text) = (index, lines[index]);
            while (GoesOn(text))
                text += $"\n{lines[++index]}";
            yield return (start, text, []);
        }
    }

    private static IEnumerable<(int Index, string Text, List<string> Output)> Session(string[] lines)
    {
        for (var index = 0; index < lines.Length;)
        {
            if (!lines[index].StartsWith("$ ", StringComparison.Ordinal))
                throw new FormatException($"A block of a session begins with a command, not '{lines[index]}'.");
            var (start, text, output) = (index, lines[index++][2..], new List<string>());
            while (index < lines.Length && lines[index].StartsWith("> ", StringComparison.Ordinal))
                text += $"\n{lines[index++][2..]}";
            while (index < lines.Length && !lines[index].StartsWith("$ ", StringComparison.Ordinal))
                output.Add(lines[index++]);
            yield return (start, text, output);
        }
    }

    // Five fields of the schedule, then the command, in which cron takes a bare % for a line break.
    private static string CronCommand(string line) =>
        string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5..])
            .Replace("\\%", "%", StringComparison.Ordinal);

    // A command goes on where a line ends in a backslash, or inside of quotes.
    private static bool GoesOn(string text)
    {
        var quote = '\0';
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] == '\\' && quote != '\'')
                index++;
            else if (quote == '\0' && text[index] is '\'' or '"')
                quote = text[index];
            else if (text[index] == quote)
                quote = '\0';
        }
        return quote != '\0' || text.EndsWith('\\');
    }

    [GeneratedRegex(@"\s+# (needs .+)$")]
    private static partial Regex NeedsComment();

    [GeneratedRegex(@"(^|\s)scripts/run(\s+#.*)?$")]
    private static partial Regex ServiceStart();
}
