using System.Net;

namespace Factumerit.Ledger.Client;

/// <summary>
/// Sends a request until it has a final answer. Only requests that take effect once, however often they are sent, are
/// sent again: after 429, 503 and lost connections.
/// </summary>
internal sealed class Retries(LedgerConnection connection, LedgerClientOptions options)
{
    public async Task<LedgerAnswer> SendAsync(LedgerRequest request, CancellationToken cancellationToken)
    {
        LedgerOutcomeUnknownException? lost = null;
        for (var attempt = 1; ; attempt++)
        {
            var isLast = attempt >= options.AttemptsMax || !request.IsRepeatable;
            TimeSpan? retryAfter = null;
            try
            {
                var answer = await connection.SendAsync(request, cancellationToken);
                if (!IsPassing(answer.Status))
                    return answer;
                // An earlier attempt may have been carried out, and this answer does not say.
                if (isLast || answer.RetryAfter > options.DelayMax)
                    return lost is null ? answer : throw lost;
                retryAfter = answer.RetryAfter;
            }
            catch (LedgerOutcomeUnknownException failure) when (lost != failure)
            {
                lost = failure;
                if (isLast)
                    throw;
            }
            catch (LedgerUnreachableException) when (!isLast || lost is not null)
            {
                if (isLast)
                    throw lost!;
            }
            await Task.Delay(retryAfter ?? DelayAfter(attempt), options.Time, cancellationToken);
        }
    }

    private static bool IsPassing(HttpStatusCode status) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable;

    // Between half the delay and the whole, so that clients that failed together don't come back together.
    private TimeSpan DelayAfter(int attempt)
    {
        var ticks = Math.Min(options.FirstDelay.Ticks << Math.Min(attempt - 1, 20), options.DelayMax.Ticks);
        return TimeSpan.FromTicks(Random.Shared.NextInt64(ticks / 2, ticks + 1));
    }
}
