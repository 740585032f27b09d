using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// Writes answers to stdout. On a terminal, a table fits the terminal's width or is shown as records, and may have
/// colour. Elsewhere it is plain text with one line per row, whatever its length, for other programs to read.
/// </summary>
internal sealed class Output
{
    // No row is ever wrapped for a pipe or a file.
    private const int UnlimitedWidth = 1_000_000;

    private readonly FaEnvironment _environment;

    public Output(FaEnvironment environment) => _environment = environment;

    /// <summary>One line of text.</summary>
    public void Line(string text) => _environment.Stdout.WriteLine(text);

    /// <summary>One word for a good or bad result, in colour if colour is allowed.</summary>
    public void Verdict(string word, bool isGood) =>
        Render(
            new Text(word, new Style(isGood ? Color.Green : Color.Red, decoration: Decoration.Bold)),
            endsLine: true);

    private int Width => _environment.StdoutIsTerminal ? _environment.TerminalWidth : UnlimitedWidth;

    /// <summary>
    /// A table, or a sentence if it has no rows. A table wider than the terminal is shown row by row as records.
    /// </summary>
    public void Table(TableView view, string whenEmpty)
    {
        if (view.IsEmpty)
            Line(whenEmpty);
        else if (view.ToTable(Width) is { } table)
            Render(table, endsLine: false);
        else
            foreach (var line in view.ToRecords())
                Line(line);
    }

    /// <summary>Names and values below each other. Amounts are aligned at the decimal point.</summary>
    public void Properties(params (string Name, object? Value)[] properties)
    {
        var width = properties.Max(property => property.Name.Length);
        var cents = properties.Select(property => property.Value).OfType<decimal>().Cast<decimal?>();
        var amounts = new Queue<string>(MoneyFormat.Align(cents));
        foreach (var (name, value) in properties)
        {
            var text = value is decimal ? amounts.Dequeue() : TextOf(value);
            Line($"{name.PadRight(width)}  {text}".TrimEnd());
        }
    }

    /// <summary>
    /// A value as one line of text: a dash for null or empty text, times in UTC, and spaces for control characters.
    /// </summary>
    public static string TextOf(object? value) => value switch
    {
        null or "" => "-",
        bool yes => yes ? "yes" : "no",
        long count => MoneyFormat.Count(count),
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        _ => Printable(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "-"),
    };

    /// <summary>
    /// The text with a space for each control character. It can't break a row or send commands to a terminal.
    /// </summary>
    public static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;

    private void Render(IRenderable content, bool endsLine)
    {
        var text = new StringWriter(new StringBuilder(), CultureInfo.InvariantCulture) { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = _environment.HasColor ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = _environment.HasColor ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = Width;
        console.Write(content);
        if (endsLine)
            console.WriteLine();
        foreach (var line in text.ToString().TrimEnd('\n').Split('\n'))
            Line(line.TrimEnd());
    }
}
