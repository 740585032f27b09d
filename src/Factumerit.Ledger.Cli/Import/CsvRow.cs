using System.Text.Unicode;
using CsvHelper;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>The current row of a CSV file, with its cells by the names of their columns.</summary>
internal sealed class CsvRow(CsvReader csv, string[] header)
{
    private readonly Dictionary<string, int> _columns =
        header.Index().ToDictionary(column => column.Item, column => column.Index, StringComparer.Ordinal);

    /// <summary>The row's first line as an editor counts lines, including line breaks inside quotes.</summary>
    public long Line => csv.LineNumber;

    /// <summary>The trimmed cell; null if it is blank or the file has no such column.</summary>
    public string? this[string column] => Raw(column)?.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>The cell as it is in the file; null if it is empty or the file has no such column.</summary>
    public string? Raw(string column) =>
        _columns.TryGetValue(column, out var index) && !csv.IsEmpty(index) ? csv.GetString(index) : null;

    /// <summary>Why the row is malformed; null if it is well-formed.</summary>
    public string? FindFault()
    {
        if (csv.FieldCount != header.Length)
            return $"has {csv.FieldCount} fields, but the first line names {header.Length} columns";
        return Utf8.IsValid(csv.RawRecord) ? null : "is not UTF-8 text";
    }
}
