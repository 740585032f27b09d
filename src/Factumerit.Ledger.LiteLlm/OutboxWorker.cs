using System.Collections.Concurrent;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Delivers the outbox to LiteLLM (R20): in order per key, several keys at a time, with retries until it succeeds.
/// Postings never wait for a delivery: they write an entry and wake the worker. Several processes may deliver on one
/// database.
/// </summary>
public sealed class OutboxWorker(
    LiteLlmOutbox outbox, LedgerWriter writer, BudgetService budgets, LiteLlmClient client,
    IOptions<LiteLlmOptions> options, BackgroundJobs rounds, TimeProvider clock, ILogger<OutboxWorker> logger)
    : BackgroundService
{
    private const int ParallelMax = 4;
    private const int FirstPauseMs = 1_000;
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RetryAfterMax = TimeSpan.FromHours(1);
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MeasureEvery = TimeSpan.FromSeconds(10);

    // The part of a claim's lease that is left to record the answer, after LiteLLM's own time.
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<Guid, bool> _stuck = [];
    private readonly TimeSpan _patience = TimeSpan.FromMilliseconds(options.Value.TimeoutMs * 2L);
    private long? _measuredAt;

    /// <summary>Raised when a delivery has ended, successfully or not.</summary>
    public Signal Delivered { get; } = new();

    /// <summary>
    /// Delivers the due entries, and those that become due meanwhile. Returns the number of attempted deliveries.
    /// </summary>
    public async Task<int> DeliverAsync(CancellationToken cancellationToken)
    {
        var running = new List<Task>();
        var tried = 0;
        do
        {
            running.RemoveAll(task => task.IsCompleted);
            var filled = writer.OutboxFilled.Next;
            if (running.Count < ParallelMax)
                foreach (var delivery in await outbox.ClaimAsync(
                    ParallelMax - running.Count, _patience + SettleTime, cancellationToken))
                {
                    running.Add(DeliverAsync(delivery, cancellationToken));
                    tried++;
                }
            if (running.Count > 0)
                await Task.WhenAny([.. running, .. running.Count < ParallelMax ? (Task[])[filled] : []]);
        }
        while (running.Count > 0 && !cancellationToken.IsCancellationRequested);
        await Task.WhenAll(running);
        return tried;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        !client.IsConfigured || options.Value.OutboxPollMs == 0
            ? Task.CompletedTask
            : rounds.RunAsync(
                new(
                    "Telling LiteLLM of users' keys",
                    () => TimeSpan.FromMilliseconds(options.Value.OutboxPollMs),
                    MeasureAndDeliverAsync)
                {
                    Wake = () => writer.OutboxFilled.Next,
                    BeginsAtOnce = true,
                },
                logger,
                stoppingToken);

    private async Task MeasureAndDeliverAsync(CancellationToken cancellationToken)
    {
        if (_measuredAt is not { } last || clock.GetElapsedTime(last) > MeasureEvery)
        {
            LedgerMetrics.Observe(await outbox.MeasureAsync(cancellationToken));
            _measuredAt = clock.GetTimestamp();
        }
        await DeliverAsync(cancellationToken);
    }

    private async Task DeliverAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        try
        {
            if (await TellAsync(delivery, cancellationToken) is { } failure)
            {
                NoteFailure(delivery, failure.Message);
                await outbox.PostponeAsync(
                    delivery, PauseAfter(delivery.Attempts, failure.RetryAfter), failure.Message, cancellationToken);
            }
        }
        catch (Exception exception)
        {
            // The claim expires, and another worker may deliver the entry again. Delivery is idempotent at LiteLLM.
            if (!cancellationToken.IsCancellationRequested)
                LogSkipped(logger, exception.Message);
        }
        finally
        {
            Delivered.Raise();
        }
    }

    // Returns the error; null when LiteLLM received the change and the delivery is recorded.
    private async Task<LiteLlmException?> TellAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(_patience);
        var isKnown = true;
        try
        {
            await (delivery.Action switch
            {
                "block" => client.BlockAsync(delivery.KeyHash, enough.Token),
                "unblock" => client.UnblockAsync(delivery.KeyHash, enough.Token),
                "delete" => client.DeleteAsync(delivery.KeyHash, enough.Token),
                _ => throw new InvalidOperationException($"There is no action {delivery.Action}."),
            });
        }
        catch (LiteLlmException exception) when (exception.IsKeyUnknown)
        {
            isKnown = false;
        }
        catch (LiteLlmException exception)
        {
            return exception;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return LiteLlmErrors.TimedOut((int)_patience.TotalMilliseconds);
        }
        // Not cancelled: the result at LiteLLM must be recorded here, even when the service stops.
        var outcome = await budgets.SettleDeliveryAsync(
            new SettledDelivery(delivery.Id, delivery.VirtualKeyId, isKnown), CancellationToken.None);
        if (outcome.Refusal is null && _stuck.TryRemove(delivery.VirtualKeyId, out _))
            LogUnstuck(logger, delivery.VirtualKeyId, delivery.Action, delivery.Attempts);
        return null;
    }

    private void NoteFailure(Delivery delivery, string reason)
    {
        if (delivery.Age > StuckAfter && _stuck.TryAdd(delivery.VirtualKeyId, true))
            LogStuck(logger, delivery.VirtualKeyId, delivery.Action, (long)delivery.Age.TotalSeconds, reason);
    }

    // 1 s, 2 s, 4 s ... 5 min, each shortened at random by up to half, so that many keys don't retry at the same time.
    // A longer Retry-After takes precedence, up to RetryAfterMax.
    internal static TimeSpan PauseAfter(int attempts, TimeSpan? retryAfter)
    {
        var pause = Math.Min(FirstPauseMs * Math.Pow(2, Math.Min(attempts, 20) - 1), PauseMax.TotalMilliseconds);
        pause *= 1 - Random.Shared.NextDouble() / 2;
        var asked = retryAfter > RetryAfterMax ? RetryAfterMax : retryAfter ?? TimeSpan.Zero;
        return asked > TimeSpan.FromMilliseconds(pause) ? asked : TimeSpan.FromMilliseconds(pause);
    }

    private static void LogSkipped(ILogger logger, string reason) =>
        logger.LogWarning("The outbox for LiteLLM could not be read or updated: {Reason}", reason);

    private static void LogStuck(ILogger logger, Guid virtualKeyId, string action, long seconds, string reason) =>
        logger.LogWarning(
            "LiteLLM has not received {Action} for {Seconds} s for the virtual key {VirtualKeyId}; "
            + "retrying: {Reason}",
            action, seconds, virtualKeyId, reason);

    private static void LogUnstuck(ILogger logger, Guid virtualKeyId, string action, int attempts) =>
        logger.LogInformation(
            "LiteLLM received {Action} for the virtual key {VirtualKeyId} at attempt {Attempts}",
            action, virtualKeyId, attempts);
}
