using System.Text;
using Spectre.Console;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>The one table, on the terminal and between the markers of a page whose other text it leaves alone.</summary>
internal sealed class Report(IReadOnlyList<Measure> measures, Machine machine)
{
    private const string Begin = "<!-- scripts/bench writes from here -->";
    private const string End = "<!-- scripts/bench writes to here -->";

    private const string Introduction = $"""
        # Performance

        What a gateway that posts every call needs to know: how many usages a second the ledger takes, how long one waits, and how that compares with
        what PostgreSQL itself does on the same machine in the same minutes. Everything is measured with full durability (fsync and
        synchronous_commit on), serializable transactions, an API key and an idempotency key on each request, and the legacy tables written.

        Repeat it with `scripts/bench`; `scripts/bench --full` adds the growth to 10 million entries. It starts a PostgreSQL and the service of its own,
        and `wrk` sends the load from another process. After every scenario an audit compares what clients were told with what the database holds;
        a single lost, doubled or wrong usage fails the run.

        How to read it: absolute values depend on the machine, and here the load, the service and PostgreSQL share its cores; the ratios to the
        yardsticks of the same run are what can be compared. *TPC-B* is pgbench's transaction, one commit each. The *raw limit* is one connection that
        inserts the rows of 500 usages by one statement in one commit, without HTTP. *One at a time* is a plain service that makes one commit per request.

        {Begin}
        {End}

        """;

    private static readonly string[] Columns = ["what", "value", "in relation", "must", "aim", "met"];

    public void Print()
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in Columns)
            table.AddColumn(column is "what" or "in relation" ? new TableColumn(column) : new TableColumn(column).RightAligned());
        foreach (var row in Rows())
            table.AddRow([.. row.Select(cell => Colour(cell))]);
        // A file or a pipe gets plain text, and room for whole lines.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (Console.IsOutputRedirected)
            console.Profile.Width = 160;
        console.Write(table);
    }

    public void WriteTo(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var page = File.Exists(path) ? File.ReadAllText(path) : Introduction;
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new InvalidOperationException($"'{path}' lacks the markers '{Begin}' and '{End}': put them where the table belongs.");
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
