using System.Collections.Concurrent;
using Factumerit.Ledger.Outbox;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Delivers the outbox to LiteLLM (R20): in order per key, several keys at a time, with retries until it succeeds.
/// Postings never wait for a delivery: they write an entry and wake the worker. Several processes may deliver on one
/// database.
/// </summary>
public sealed class OutboxWorker(
    OutboxStore outbox, VirtualKeyQueries keys, LedgerWriter writer, BudgetService budgets, LiteLlmClient client,
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
                foreach (var change in await ClaimAsync(ParallelMax - running.Count, cancellationToken))
                {
                    running.Add(DeliverAsync(change, cancellationToken));
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
            LiteLlmMetrics.Observe(await outbox.MeasureAsync(VirtualKeyChanges.OutboxKind, cancellationToken));
            _measuredAt = clock.GetTimestamp();
        }
        await DeliverAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<KeyChange>> ClaimAsync(int limit, CancellationToken cancellationToken)
    {
        var claimed = await outbox.ClaimAsync(
            VirtualKeyChanges.OutboxKind, limit, _patience + SettleTime, cancellationToken);
        if (claimed.Count == 0)
            return [];
        var hashes = await keys.FindHashesAsync([.. claimed.Select(c => Guid.Parse(c.OrderingKey))], cancellationToken);
        return [.. claimed.Select(delivery =>
        {
            var id = Guid.Parse(delivery.OrderingKey);
            return new KeyChange(delivery, id, hashes[id], VirtualKeyChanges.ActionOf(delivery.Payload));
        })];
    }

    private async Task DeliverAsync(KeyChange change, CancellationToken cancellationToken)
    {
        try
        {
            if (await TellAsync(change, cancellationToken) is { } failure)
            {
                NoteFailure(change, failure.Message);
                await outbox.PostponeAsync(
                    change.Delivery, PauseAfter(change.Delivery.Attempts, failure.RetryAfter), failure.Message,
                    cancellationToken);
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
    private async Task<LiteLlmException?> TellAsync(KeyChange change, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(_patience);
        var isKnown = true;
        try
        {
            await (change.Action switch
            {
                "block" => client.BlockAsync(change.KeyHash, enough.Token),
                "unblock" => client.UnblockAsync(change.KeyHash, enough.Token),
                "delete" => client.DeleteAsync(change.KeyHash, enough.Token),
                _ => throw new InvalidOperationException($"There is no action {change.Action}."),
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
            new SettledDelivery(change.Delivery.Id, change.VirtualKeyId, isKnown), CancellationToken.None);
        if (outcome.Refusal is null && _stuck.TryRemove(change.VirtualKeyId, out _))
            LogUnstuck(logger, change.VirtualKeyId, change.Action, change.Delivery.Attempts);
        return null;
    }

    private void NoteFailure(KeyChange change, string reason)
    {
        var age = change.Delivery.Age;
        if (age > StuckAfter && _stuck.TryAdd(change.VirtualKeyId, true))
            LogStuck(logger, change.VirtualKeyId, change.Action, (long)age.TotalSeconds, reason);
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

    /// <summary>A claimed change of a key.</summary>
    /// <param name="Delivery">The row of the outbox.</param>
    /// <param name="VirtualKeyId">The key.</param>
    /// <param name="KeyHash">LiteLLM's id of the key.</param>
    /// <param name="Action">block, unblock or delete.</param>
    private sealed record KeyChange(Delivery Delivery, Guid VirtualKeyId, string KeyHash, string Action);
}
