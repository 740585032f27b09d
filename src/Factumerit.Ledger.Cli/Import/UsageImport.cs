using Factumerit.Ledger.Cli.Commands;
using Factumerit.Ledger.Cli.Display;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// <c>fa usage import</c>: records a file of usages batch by batch and tells of each row that was refused. A second run moves
/// nothing that the first one recorded, so that the way out of any failure is to run it again.
/// </summary>
internal sealed class UsageImport(CommandContext context, string path, int batchSize)
{
    // Below the 4 MiB that the service takes, with room for the brackets and commas.
    private const int BodyBytesMax = 4 * 1024 * 1024 - 64 * 1024;

    private readonly List<UsageRow> _batch = [];
    private readonly ProgressLine _progress = new(context.Environment);
    private int _batchBytes;
    private long _recorded;
    private long _alreadyThere;
    private long _refused;
    private decimal _recordedCents;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var file = await UsageFile.OpenAsync(path, context.Environment.WorkingDirectory, cancellationToken);
        var sender = new UsageBatchSender(context.Client, context.Environment.Time);
        FaException? failure = null;
        try
        {
            await SendRowsAsync(file, sender, cancellationToken);
        }
        catch (FaException stop)
        {
            failure = stop.WithAdvice("The import stopped: run it again, what is recorded is not recorded twice.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            failure = new FaException("Interrupted. Run it again to go on, what is recorded is not recorded twice.", ExitCode.Interrupted);
        }

        _progress.Clear();
        PrintSummary();
        return failure is not null ? throw failure : _refused > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private async Task SendRowsAsync(UsageFile file, UsageBatchSender sender, CancellationToken cancellationToken)
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
                // What came before the place where the file breaks off still goes out.
                unreadable = failure;
                break;
            }

            var row = rows.Current;
            if (_batch.Count == batchSize || _batchBytes + row.Json.Length + 1 > BodyBytesMax)
                await SendBatchAsync(sender, file.Progress, cancellationToken);
            _batch.Add(row);
            _batchBytes += row.Json.Length + 1;
        }

        await SendBatchAsync(sender, 1, cancellationToken);
        if (unreadable is not null)
            throw unreadable;
    }

    private async Task SendBatchAsync(UsageBatchSender sender, double progress, CancellationToken cancellationToken)
    {
        var results = new Queue<UsageResult>(await sender.SendAsync(_batch.Where(row => row.Fault is null).ToList(), cancellationToken));
        foreach (var row in _batch)
        {
            if (row.Fault is not null)
                Refuse(row, $"malformed-row: {row.Fault}");
            else
                Count(row, results.Dequeue());
        }

        _batch.Clear();
        _batchBytes = 0;
        _progress.Show(progress, _recorded + _alreadyThere + _refused);
    }

    private void Count(UsageRow row, UsageResult result)
    {
        if (result.Usage is null)
        {
            Refuse(row, result.Problem!.Describe());
        }
        else if (result.Status == 200)
        {
            _alreadyThere++;
        }
        else
        {
            _recorded++;
            _recordedCents += result.Usage.AmountCents ?? 0;
        }
    }

    private void Refuse(UsageRow row, string reason)
    {
        _refused++;
        _progress.Clear();
        context.Environment.Stderr.WriteLine($"{path}:{row.Line}: {Output.Printable(reason)}");
    }

    private void PrintSummary()
    {
        var rows = _recorded + _alreadyThere + _refused;
        if (context.IsJson)
        {
            using var body = new JsonBody();
            body.Number("rows", rows)
                .Number("recorded", _recorded)
                .Number("already_there", _alreadyThere)
                .Number("refused", _refused)
                .Number("recorded_cents", _recordedCents);
            context.Output.Line(System.Text.Encoding.UTF8.GetString(body.ToBytes()));
            return;
        }

        context.Output.Line(
            $"{MoneyFormat.Count(rows)} {(rows == 1 ? "row" : "rows")}: {MoneyFormat.Count(_recorded)} recorded, " +
            $"{MoneyFormat.Count(_alreadyThere)} already there, {MoneyFormat.Count(_refused)} refused; {MoneyFormat.Format(_recordedCents)} recorded");
    }
}
