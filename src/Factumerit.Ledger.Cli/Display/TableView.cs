using Spectre.Console;

namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// The columns and rows of a table before it is drawn. Money and counts are right-aligned, and amounts are aligned at
/// the decimal point. The total, if there is one, is the last row. Only the last column may be wrapped, between
/// words: a number, an id or a time that is split can't be read or copied.
/// </summary>
internal sealed class TableView
{
    private const int ColumnGap = 2;

    // Below this width, wrapped text takes too many lines.
    private const int WrappedWidthMin = 20;

    private readonly List<(string Title, ColumnKind Kind)> _columns = [];
    private readonly List<object?[]> _rows = [];
    private object?[]? _total;

    private enum ColumnKind
    {
        Text,
        Count,
        Money,
    }

    public bool IsEmpty => _rows.Count == 0;

    public TableView Text(string title) => Add(title, ColumnKind.Text);

    /// <summary>A column of whole numbers; its cells are <c>long</c>.</summary>
    public TableView Count(string title) => Add(title, ColumnKind.Count);

    /// <summary>A column of amounts in cents; its cells are <c>decimal</c> or null.</summary>
    public TableView Money(string title) => Add(title, ColumnKind.Money);

    public void Row(params object?[] cells) => _rows.Add(cells);

    public void Total(params object?[] cells) => _total = cells;

    /// <summary>The table, or null if it doesn't fit the width.</summary>
    public Table? ToTable(int width)
    {
        var rows = Rows;
        var columns = TextsOf(rows);
        if (WidthsIn(columns, width) is not { } widths)
            return null;
        var table = new Table { Border = TableBorder.None };
        var heading = new Style(decoration: Decoration.Bold);
        foreach (var (index, (title, kind)) in _columns.Index())
            table.AddColumn(new TableColumn(new Text(Heading(title), heading))
            {
                Alignment = kind == ColumnKind.Text ? Justify.Left : Justify.Right,
                NoWrap = index < _columns.Count - 1,
                Width = widths[index],
                Padding = new Padding(0, 0, index < _columns.Count - 1 ? ColumnGap : 0, 0),
            });
        for (var index = 0; index < rows.Count; index++)
        {
            var row = rows[index];
            table.AddRow(columns.Select(
                (texts, column) => new Text(texts[index], StyleOf(row[column], row == _total))));
        }

        return table;
    }

    /// <summary>The rows as lists of names and values, with an empty line between two rows.</summary>
    public IEnumerable<string> ToRecords()
    {
        var columns = TextsOf(Rows);
        var width = _columns.Max(column => column.Title.Length);
        for (var index = 0; index < columns[0].Count; index++)
        {
            if (index > 0)
                yield return "";
            foreach (var (column, (title, _)) in _columns.Index())
                if (columns[column][index].Trim() is { Length: > 0 } text)
                    yield return $"{title.PadRight(width)}  {text}";
        }
    }

    private List<object?[]> Rows => _total is null ? _rows : [.. _rows, _total];

    private List<IReadOnlyList<string>> TextsOf(List<object?[]> rows) =>
        _columns.Select((column, index) => Texts(column.Kind, rows, index)).ToList();

    // Every column is as wide as its longest text, except the last one: it may be narrower, down to its longest word.
    private List<int>? WidthsIn(List<IReadOnlyList<string>> columns, int width)
    {
        var widths = columns
            .Select((texts, index) => texts.Prepend(Heading(_columns[index].Title)).Max(Measure))
            .ToList();
        var left = width - widths.SkipLast(1).Sum(w => w + ColumnGap);
        var isText = _columns[^1].Kind == ColumnKind.Text;
        var least = isText ? Math.Max(columns[^1].Max(LongestWord), Math.Min(widths[^1], WrappedWidthMin)) : widths[^1];
        if (left < Math.Max(least, Measure(Heading(_columns[^1].Title))))
            return null;
        widths[^1] = Math.Min(widths[^1], left);
        return widths;
    }

    private static int LongestWord(string text) => text.Split(' ').Max(Measure);

    private static int Measure(string text) => text.GetCellWidth();

    private static string Heading(string title) => title.ToUpperInvariant();

    private static IReadOnlyList<string> Texts(ColumnKind kind, List<object?[]> rows, int index) => kind switch
    {
        ColumnKind.Money => MoneyFormat.Align(rows.Select(row => (decimal?)row[index])),
        ColumnKind.Text or ColumnKind.Count =>
            rows.ConvertAll(row => row[index] is string { Length: 0 } ? "" : Output.TextOf(row[index])),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static Style StyleOf(object? cell, bool isTotal) =>
        new(cell is < 0m ? Color.Red : Color.Default, decoration: isTotal ? Decoration.Bold : Decoration.None);

    private TableView Add(string title, ColumnKind kind)
    {
        _columns.Add((title, kind));
        return this;
    }
}
