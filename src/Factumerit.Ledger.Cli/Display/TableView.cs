using Spectre.Console;

namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// The columns and rows of a table before it is drawn. Money and counts are right-aligned, amounts with their decimal points
/// below each other; the total, where there is one, is the last row.
/// </summary>
internal sealed class TableView
{
    private const int ColumnGap = 2;

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

    public Table ToTable()
    {
        var table = new Table { Border = TableBorder.None };
        var heading = new Style(decoration: Decoration.Bold);
        foreach (var (title, kind) in _columns)
            table.AddColumn(new TableColumn(new Text(title.ToUpperInvariant(), heading))
            {
                Alignment = kind == ColumnKind.Text ? Justify.Left : Justify.Right,
                NoWrap = kind != ColumnKind.Text,
                Padding = new Padding(0, 0, ColumnGap, 0),
            });

        var rows = _total is null ? _rows : [.. _rows, _total];
        var columns = _columns.Select((column, index) => Texts(column.Kind, rows, index)).ToList();
        for (var index = 0; index < rows.Count; index++)
        {
            var row = rows[index];
            table.AddRow(columns.Select((texts, column) => new Text(texts[index], StyleOf(row[column], row == _total))));
        }

        return table;
    }

    private static IReadOnlyList<string> Texts(ColumnKind kind, List<object?[]> rows, int index) => kind switch
    {
        ColumnKind.Money => MoneyFormat.Align(rows.Select(row => (decimal?)row[index])),
        ColumnKind.Text or ColumnKind.Count => rows.ConvertAll(row => row[index] is string { Length: 0 } ? "" : Output.TextOf(row[index])),
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
