using System.Text;
using Spectre.Console;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// Writes the table to the terminal and between the markers of a page. The page's other text stays as it is.
/// </summary>
internal sealed class Report(IReadOnlyList<Measure> measures, Machine machine)
{
    private const string Begin = "<!-- scripts/bench writes from here -->";
    private const string End = "<!-- scripts/bench writes to here -->";

    private static readonly string[] Columns = ["what", "value", "in relation", "must", "aim", "met"];

    public void Print()
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in Columns)
            table.AddColumn(
                column is "what" or "in relation" ? new TableColumn(column) : new TableColumn(column).RightAligned());
        foreach (var row in Rows())
            table.AddRow([.. row.Select(cell => Colour(cell))]);
        // A file or a pipe gets plain text, and room for whole lines.
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (Console.IsOutputRedirected)
            console.Profile.Width = 160;
        console.Write(table);
    }

    public void WriteTo(string path)
    {
        var page = File.ReadAllText(path);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new InvalidOperationException(
                $"'{path}' lacks the markers '{Begin}' and '{End}': put them where the table belongs.");
        File.WriteAllText(path, page[..(begin + Begin.Length)] + "\n\n" + Markdown() + "\n" + page[end..]);
    }

    private string Markdown()
    {
        var text = new StringBuilder();
        text.Append("| ").AppendJoin(" | ", Columns).Append(" |\n|---|--:|---|--:|--:|--:|\n");
        foreach (var row in Rows())
            text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
        text.Append("\nMeasured on:\n\n");
        foreach (var (name, value) in machine.Facts)
            text.Append("- ").Append(name).Append(": ").Append(value).Append('\n');
        return text.ToString();
    }

    // A measure with several bounds takes a row for each; its name and value stand in the first.
    private IEnumerable<string[]> Rows()
    {
        foreach (var measure in measures)
        {
            var (what, value) = (measure.What, Measure.Format(measure.Value, measure.Unit));
            if (measure.Bounds.Count == 0)
                yield return [what, value, "", "", "", ""];
            foreach (var bound in measure.Bounds)
            {
                yield return [what, value, bound.Ratio, bound.MustText, bound.AimText, bound.Met];
                (what, value) = ("", "");
            }
        }
    }

    private static string Colour(string cell) => cell switch
    {
        "NO" => "[red]NO[/]",
        "yes" or "aim" => $"[green]{cell}[/]",
        _ => Markup.Escape(cell),
    };
}
