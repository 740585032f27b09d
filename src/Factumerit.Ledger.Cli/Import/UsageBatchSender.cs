using System.Net;
using Factumerit.Ledger.Cli.Http;

namespace Factumerit.Ledger.Cli.Import;

/// <summary>
/// Sends rows in one request and retries until each row has a final answer. A retry is safe, because every row carries
/// its request id (R9). A busy or unreachable service is retried a bounded number of times.
/// </summary>
internal sealed class UsageBatchSender(FaClient client, TimeProvider time)
{
    private const int AttemptsMax = 8;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan RetryAfterMax = TimeSpan.FromMinutes(5);

    // Before the first answer, an unreachable service is more likely a wrong address than a restart, so no retry.
    private bool _wasReached;

    /// <summary>The answer to each row, in order.</summary>
    public async Task<BatchResult[]> SendAsync(IReadOnlyList<UsageRow> rows, CancellationToken cancellationToken)
    {
        var results = new BatchResult[rows.Count];
        var pending = Enumerable.Range(0, rows.Count).ToList();
        for (var attempt = 1; pending.Count > 0; attempt++)
        {
            FaException failure;
            TimeSpan? retryAfter = null;
            try
            {
                var answer = await client.TrySendAsync(
                    HttpMethod.Post,
                    "usage/batch",
                    Join(pending.Select(index => rows[index])),
                    null,
                    cancellationToken);
                _wasReached = true;
                if (answer.IsSuccess)
                    pending = Settle(pending, answer.As<BatchAnswer>().Results, results);
                else if (IsAboutTheRows(answer.Status))
                    return await SendHalvesAsync(rows, answer, cancellationToken);
                else if (!IsPassing((int)answer.Status))
                    throw answer.ToFailure();
                if (pending.Count == 0)
                    break;
                failure = answer.IsSuccess
                    ? new FaException(results[pending[0]].Problem!.Describe())
                    : answer.ToFailure();
                retryAfter = answer.RetryAfter;
            }
            catch (FaException lost) when (lost.IsOutcomeUnknown || (lost.IsUnreachable && _wasReached))
            {
                failure = lost;
            }

            if (attempt == AttemptsMax || retryAfter > RetryAfterMax)
                throw failure;
            await Task.Delay(retryAfter ?? DelayAfter(attempt), time, cancellationToken);
        }

        return results;
    }

    /// <summary>Stores the answers and returns the rows that have to be sent again.</summary>
    private static List<int> Settle(List<int> sent, IReadOnlyList<BatchResult> answers, BatchResult[] results)
    {
        if (answers.Count != sent.Count || answers.Any(answer => answer.Usage is null && answer.Problem is null))
            throw new FaException(
                $"The response to {sent.Count} rows has {answers.Count} results. Check that the URL is the ledger's.");
        for (var index = 0; index < sent.Count; index++)
            results[sent[index]] = answers[index];
        return sent.Where(index => IsPassing(results[index].Status)).ToList();
    }

    /// <summary>
    /// Handles a request that was refused as a whole because of its content: sends halves of it until the faulty row is
    /// alone.
    /// </summary>
    private async Task<BatchResult[]> SendHalvesAsync(
        IReadOnlyList<UsageRow> rows, LedgerAnswer refusal, CancellationToken cancellationToken)
    {
        if (rows.Count == 1)
        {
            var problem = refusal.Problem ?? throw refusal.ToFailure();
            return [new BatchResult((int)refusal.Status, null, problem)];
        }
        var first = await SendAsync(rows.Take(rows.Count / 2).ToList(), cancellationToken);
        var second = await SendAsync(rows.Skip(rows.Count / 2).ToList(), cancellationToken);
        return [.. first, .. second];
    }

    private static bool IsAboutTheRows(HttpStatusCode status) =>
        status is HttpStatusCode.BadRequest
            or HttpStatusCode.RequestEntityTooLarge
            or HttpStatusCode.UnprocessableContent;

    private static bool IsPassing(int status) => status is 429 or 502 or 503 or 504;

    private static TimeSpan DelayAfter(int attempt) => FirstDelay * Math.Pow(2, attempt - 1);

    private static byte[] Join(IEnumerable<UsageRow> rows)
    {
        using var body = new MemoryStream();
        var separator = (byte)'[';
        foreach (var row in rows)
        {
            body.WriteByte(separator);
            body.Write(row.Json);
            separator = (byte)',';
        }

        body.WriteByte((byte)']');
        return body.ToArray();
    }
}
