using System.Text.Unicode;
using CsvHelper;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>The row that a CSV file is read to, with its cells by the names of their columns.</summary>
internal sealed class CsvRow(CsvReader csv, string[] header)
{
    private readonly Dictionary<string, int> _columns =
        header.Index().ToDictionary(column => column.Item, column => column.Index, StringComparer.Ordinal);

    /// <summary>Its first line, as an editor counts, also behind quoted line breaks.</summary>
    public long Line => csv.LineNumber;

    /// <summary>The cell without white space around it; null where nothing is left or the file has no such column.</summary>
    public string? this[string column] => Raw(column)?.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>The cell as it stands; null where it is empty or the file has no such column.</summary>
    public string? Raw(string column) =>
        _columns.TryGetValue(column, out var index) && !csv.IsEmpty(index) ? csv.GetString(index) : null;

    /// <summary>What is wrong with the row as a row of CSV; null where nothing is.</summary>
    public string? FindFault()
    {
        if (csv.FieldCount != header.Length)
            return $"has {csv.FieldCount} fields where the first line names {header.Length} columns";
        return Utf8.IsValid(csv.RawRecord) ? null : "is not UTF-8 text";
    }
}
