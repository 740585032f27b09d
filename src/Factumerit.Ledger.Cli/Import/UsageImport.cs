using System.Text.Json;
using Factumerit.Ledger.Cli.Commands;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// <c>fa usage import</c>: records a file of usages batch by batch and reports the refused rows by code. A second run
/// moves nothing that the first one recorded. After any failure, run it again.
/// </summary>
internal sealed class UsageImport(CommandContext context, string path, UsageFormat format, int batchSize)
{
    // Below the service's limit of 4 MiB, with room for the brackets and commas.
    private const int BodyBytesMax = 4 * 1024 * 1024 - 64 * 1024;

    private readonly List<UsageRow> _batch = [];
    private readonly SentRequests _sent = new();
    private readonly Refusals _refusals = new();
    private readonly ProgressLine _progress = new(context.Environment, context.IsJson);
    private string _unit = "";
    private int _batchBytes;
    private long _recorded;
    private long _waiting;
    private long _empty;
    private long _alreadyThere;
    private decimal _recordedCents;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var file = await UsageFile.OpenAsync(path, context.Environment, format, cancellationToken);
        _unit = file.Unit;
        var sender = new UsageBatchSender(context.Client, context.Environment.Time);
        FaException? failure = null;
        try
        {
            await SendRowsAsync(file, sender, cancellationToken);
        }
        catch (FaException stop)
        {
            failure = stop.WithAdvice("The import stopped. Run it again: recorded rows are not recorded twice.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            failure = new FaException(
                "Interrupted. To continue, run it again: recorded rows are not recorded twice.", ExitCode.Interrupted);
        }

        _progress.Clear();
        if (context.IsJson)
            PrintJson(file.Note);
        else
            PrintSummary(file.Note);
        return failure is not null ? throw failure : _refusals.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private async Task SendRowsAsync(UsageSource file, UsageBatchSender sender, CancellationToken cancellationToken)
    {
        FaException? unreadable = null;
        await using var rows = file.RowsAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await rows.MoveNextAsync())
                    break;
            }
            catch (FaException failure)
            {
                // The rows before the unreadable place are still sent.
                unreadable = failure;
                break;
            }

            var row = Judge(rows.Current);
            if (row.IsEmpty)
            {
                _empty++;
                continue;
            }

            if (_batch.Count == batchSize || _batchBytes + row.Json.Length + 1 > BodyBytesMax)
                await SendBatchAsync(sender, file.Progress, cancellationToken);
            _batch.Add(row);
            _batchBytes += row.Json.Length + 1;
        }

        await SendBatchAsync(sender, 1, cancellationToken);
        if (unreadable is not null)
            throw unreadable;
    }

    // The service would take a duplicate call as a replay of the first, or as another call with the same id. In both
    // cases a person has to check the file.
    private UsageRow Judge(UsageRow row) => row.Fault is null && _sent.FindEarlier(row) is { } line
        ? UsageRow.Faulty(row.Line, $"request_id {row.Key!.Value.RequestId} is already on line {line}", "duplicate-row")
        : row;

    private async Task SendBatchAsync(UsageBatchSender sender, double progress, CancellationToken cancellationToken)
    {
        var rows = _batch.Where(row => row.Fault is null).ToList();
        var results = new Queue<BatchResult>(await sender.SendAsync(rows, cancellationToken));
        foreach (var row in _batch)
        {
            if (row.Fault is not null)
                _refusals.Add(row.Code, row.Line, Output.Printable(row.Fault));
            else
                Count(row, results.Dequeue());
        }

        _batch.Clear();
        _batchBytes = 0;
        _progress.Show(progress, RowCount);
    }

    private void Count(UsageRow row, BatchResult result)
    {
        if (result.Usage is null)
        {
            _refusals.Add((string?)result.Problem!.Code ?? "refused", row.Line, result.Problem.Describe());
        }
        else if (result.Status == 200)
        {
            _alreadyThere++;
        }
        else
        {
            _recorded++;
            _waiting += result.Usage.AmountCents is null ? 1 : 0;
            _recordedCents += result.Usage.AmountCents ?? 0;
        }
    }

    private long RowCount => _recorded + _alreadyThere + _refusals.Count;

    private void PrintJson(string? note)
    {
        using var body = new JsonBody();
        body.Number("rows", RowCount)
            .Number("recorded", _recorded)
            .Number("already_there", _alreadyThere)
            .Number("refused", _refusals.Count)
            .Number("recorded_cents", _recordedCents)
            .Number("needs_review", _waiting)
            .Number("empty", _empty)
            .Json("refusals", JsonSerializer.Serialize(_refusals.Groups, FaJson.Default.IReadOnlyListRefusalGroup))
            .Text("note", note);
        context.Output.Line(body.ToText());
    }

    private void PrintSummary(string? note)
    {
        var stderr = context.Environment.Stderr;
        foreach (var group in _refusals.Groups)
        {
            foreach (var row in group.First)
                stderr.WriteLine($"{path}:{_unit}{row.Line}: {row.Detail}");
            if (group.Count > group.First.Count)
                stderr.WriteLine($"{path}: {MoneyFormat.Count(group.Count - group.First.Count)} more {group.Code}");
        }
        if (note is not null)
            stderr.WriteLine(note);

        var waiting = _waiting == 0 ? "" : $" ({MoneyFormat.Count(_waiting)} for review)";
        var empty = _empty == 0 ? "" : $"; {MoneyFormat.Count(_empty)} empty {(_empty == 1 ? "row" : "rows")} skipped";

        context.Output.Line(
            $"{MoneyFormat.Count(RowCount)} {(RowCount == 1 ? "row" : "rows")}: "
            + $"{MoneyFormat.Count(_recorded)} recorded{waiting}, "
            + $"{MoneyFormat.Count(_alreadyThere)} already there, {MoneyFormat.Count(_refusals.Count)} refused; "
            + $"{MoneyFormat.Format(_recordedCents)} recorded{empty}");
    }
}
