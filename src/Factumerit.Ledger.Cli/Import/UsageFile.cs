using System.Runtime.CompilerServices;
using System.Text.Unicode;
using CsvHelper;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// A CSV file of usages, read as a stream: each row becomes the JSON that is sent for it, or the reason why it can't be sent.
/// Line numbers are those of an editor, also behind quoted line breaks.
/// </summary>
internal sealed class UsageFile : IDisposable
{
    // A quote that is never closed would otherwise take in the whole rest of the file.
    private const int RecordBytesMax = 1024 * 1024;

    public static readonly string[] Columns =
        ["user_id", "amount_cents", "request_id", "model", "prompt_tokens", "completion_tokens", "description", "occurred_at"];

    private static readonly string[] Required = ["user_id", "amount_cents", "request_id"];

    private readonly string _path;
    private readonly long _bytes;
    private readonly CsvReader _csv;
    private string? _quotingFault;
    private string[] _header = [];

    private UsageFile(string path, string fullPath)
    {
        _path = path;
        var stream = new FileStream(fullPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1, FileOptions.SequentialScan | FileOptions.Asynchronous);
        _bytes = stream.CanSeek ? stream.Length : 0;
        _csv = CsvReader.Create(stream, CsvReaderOptions.Default with
        {
            Separator = ',',
            TrackLineNumbers = true,
            MaxRecordSize = RecordBytesMax,
            OnMalformedRecord = record => _quotingFault = record.Reason == CsvMalformedReason.UnterminatedQuote ? "a quote is never closed" : "a quote stands in the wrong place",
        });
    }

    /// <summary>How much of the file has been read, from 0 to 1.</summary>
    public double Progress => _bytes == 0 ? 0 : Math.Min(1, (double)_csv.ByteOffset / _bytes);

    /// <summary>Opens the file and judges its header.</summary>
    public static async Task<UsageFile> OpenAsync(string path, string workingDirectory, CancellationToken cancellationToken)
    {
        var fullPath = Path.GetFullPath(path, workingDirectory);
        if (Directory.Exists(fullPath))
            throw new FaException($"{path}: is a directory.");
        UsageFile? file = null;
        try
        {
            file = new UsageFile(path, fullPath);
            await file._csv.ReadHeaderAsync(cancellationToken);
            file._header = file.JudgeHeader();
            return file;
        }
        catch (Exception failure)
        {
            file?.Dispose();
            throw failure switch
            {
                FileNotFoundException or DirectoryNotFoundException => new FaException($"{path}: no such file."),
                IOException or UnauthorizedAccessException => new FaException($"{path}: {failure.Message}"),
                CsvFormatException => NotCsv(path),
                _ => failure,
            };
        }
    }

    /// <summary>The rows in order. Where the file stops making sense as a whole, the last thing that comes is an exception.</summary>
    public async IAsyncEnumerable<UsageRow> RowsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await ReadAsync(cancellationToken))
        {
            yield return ToRow();
            _quotingFault = null;
        }
    }

    public void Dispose() => _csv.Dispose();

    private static FaException NotCsv(string path) =>
        new($"{path}: is not a CSV file of usages: its first line must name its columns, separated by commas ({string.Join(", ", Columns)}).");

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _csv.ReadAsync(cancellationToken);
        }
        catch (CsvFormatException failure)
        {
            throw new FaException($"{_path}:{failure.LineNumber}: the row does not end within {RecordBytesMax} bytes: is a quote never closed?");
        }
        catch (IOException failure)
        {
            throw new FaException($"{_path}: {failure.Message}");
        }
    }

    private string[] JudgeHeader()
    {
        var header = _csv.Headers.ToArray().Select(name => name.Trim()).ToArray();
        if (header.Length == 0)
            throw new FaException($"{_path}: is empty.");
        if (!header.Intersect(Columns).Any())
            throw NotCsv(_path);
        if (header.Except(Columns).FirstOrDefault() is { } unknown)
            throw new FaException(
                $"{_path}: unknown column '{Output.Printable(unknown)}'; columns are {string.Join(", ", Columns)}.", ExitCode.WrongUsage);
        if (Required.Except(header).FirstOrDefault() is { } missing)
            throw new FaException($"{_path}: the column {missing} is missing.", ExitCode.WrongUsage);
        if (header.Distinct().Count() != header.Length)
            throw new FaException($"{_path}: a column is there twice.", ExitCode.WrongUsage);
        return header;
    }

    private UsageRow ToRow()
    {
        var line = _csv.LineNumber;
        if (FindFault() is { } fault)
            return new UsageRow(line, [], fault);
        using var body = new JsonBody();
        for (var index = 0; index < _header.Length; index++)
        {
            if (_csv.IsEmpty(index))
                continue;
            if (IsNumeric(_header[index]))
                body.Number(_header[index], _csv.GetString(index).Trim());
            else
                body.Text(_header[index], _csv.GetSpan(index));
        }

        return new UsageRow(line, body.ToBytes(), null);
    }

    private string? FindFault()
    {
        if (_quotingFault is not null)
            return _quotingFault;
        if (_csv.FieldCount != _header.Length)
            return $"has {_csv.FieldCount} fields where the first line names {_header.Length} columns";
        if (!Utf8.IsValid(_csv.RawRecord))
            return "is not UTF-8 text";
        for (var index = 0; index < _header.Length; index++)
        {
            var name = _header[index];
            if (_csv.IsEmpty(index))
            {
                if (Required.Contains(name))
                    return $"{name} is empty";
            }
            else if (IsNumeric(name) && !MoneyFormat.IsNumber(_csv.GetString(index).Trim()))
            {
                return $"{name} '{Shorten(_csv.GetString(index))}' is not a number";
            }
        }

        return null;
    }

    private static bool IsNumeric(string column) => column is "amount_cents" or "prompt_tokens" or "completion_tokens";

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";
}

/// <summary>One row: its first line in the file, and the JSON that is sent for it or what is wrong with it.</summary>
internal sealed record UsageRow(long Line, byte[] Json, string? Fault);
