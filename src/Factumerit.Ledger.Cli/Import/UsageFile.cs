using System.Runtime.CompilerServices;
using CsvHelper;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// A CSV file of usages, read as a stream. Its format defines the meaning of a row. Line numbers are those of an
/// editor, including line breaks inside quotes.
/// </summary>
internal sealed class UsageFile : UsageSource
{
    // An unclosed quote would otherwise swallow the rest of the file.
    private const int RecordBytesMax = 1024 * 1024;

    /// <summary>The path that stands for standard input.</summary>
    public const string StandardInput = "-";

    private readonly string _path;
    private readonly long _bytes;
    private readonly UsageFormat _format;
    private readonly CsvReader _csv;
    private string? _quotingFault;
    private string[] _header = [];

    private UsageFile(string path, Stream stream, UsageFormat format)
    {
        (_path, _format) = (path, format);
        _bytes = stream.CanSeek ? stream.Length : 0;
        _csv = CsvReader.Create(stream, CsvReaderOptions.Default with
        {
            Separator = ',',
            TrackLineNumbers = true,
            MaxRecordSize = RecordBytesMax,
            OnMalformedRecord = record => _quotingFault = record.Reason == CsvMalformedReason.UnterminatedQuote
                ? "a quote is never closed"
                : "a quote is in the wrong place",
        });
    }

    public override double Progress => _bytes == 0 ? 0 : Math.Min(1, (double)_csv.ByteOffset / _bytes);

    /// <summary>Opens the file and checks its header.</summary>
    public static async Task<UsageSource> OpenAsync(
        string path, FaEnvironment environment, UsageFormat format, CancellationToken cancellationToken)
    {
        Stream? stream = null;
        try
        {
            stream = path == StandardInput ? environment.OpenStdin() : OpenFile(path, environment.WorkingDirectory);
            if (format is OpenAiCosts && !stream.CanSeek)
                stream = await OpenAiPage.BufferAsync(path, stream, cancellationToken);
            if (format is OpenAiCosts costs && OpenAiPage.IsPage(stream))
            {
                await using (stream)
                    return await OpenAiPage.ReadAsync(path, stream, costs, cancellationToken);
            }
            var file = new UsageFile(path, stream, format);
            await file._csv.ReadHeaderAsync(cancellationToken);
            file._header = file.JudgeHeader();
            return file;
        }
        catch (Exception failure)
        {
            if (stream is not null)
                await stream.DisposeAsync();
            throw failure switch
            {
                FileNotFoundException or DirectoryNotFoundException => new FaException($"{path}: no such file."),
                IOException or UnauthorizedAccessException => new FaException($"{path}: {failure.Message}"),
                CsvFormatException => LedgerCsv.NotCsv(path),
                _ => failure,
            };
        }
    }

    private static FileStream OpenFile(string path, string workingDirectory)
    {
        var fullPath = Path.GetFullPath(path, workingDirectory);
        if (Directory.Exists(fullPath))
            throw new FaException($"{path}: is a directory.");
        return new FileStream(
            fullPath,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite,
            1,
            FileOptions.SequentialScan | FileOptions.Asynchronous);
    }

    public override async IAsyncEnumerable<UsageRow> RowsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var row = new CsvRow(_csv, _header);
        while (await ReadAsync(cancellationToken))
        {
            if ((_quotingFault ?? row.FindFault()) is { } fault)
            {
                yield return UsageRow.Faulty(row.Line, fault);
            }
            else
            {
                foreach (var usage in _format.Read(row))
                    yield return usage;
            }

            _quotingFault = null;
        }
    }

    public override void Dispose() => _csv.Dispose();

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _csv.ReadAsync(cancellationToken);
        }
        catch (CsvFormatException failure)
        {
            throw new FaException(
                $"{_path}:{failure.LineNumber}: the row is longer than {RecordBytesMax} bytes; "
                + "check for a quote that is never closed.");
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
        _format.JudgeHeader(_path, header);
        return header;
    }
}
