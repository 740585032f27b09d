using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Queries;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Compares users' keys here and at LiteLLM and corrects differences (R20). A key that was made but never recorded is
/// removed at LiteLLM. A key that is gone at LiteLLM ends here. A key that is blocked or open contrary to its user's
/// balance is blocked or unblocked.
/// </summary>
public sealed class VirtualKeyWatch(
    VirtualKeyQueries keys, BudgetService budgets, LiteLlmClient client, IOptions<LiteLlmOptions> options,
    BackgroundJobs rounds, TimeProvider clock, ILogger<VirtualKeyWatch> logger)
    : BackgroundService
{
    public const string NeverRecorded = "LiteLLM did not answer. If it created the key, the key was removed.";

    private const int UnfinishedMax = 100;
    private static readonly TimeSpan UnfinishedAfterMin = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Removes keys whose creation has an unknown outcome: at LiteLLM by their alias, then here. Returns how many.
    /// </summary>
    public async Task<int> RemoveOrphansAsync(CancellationToken cancellationToken)
    {
        // After twice the timeout of a request, no request can still be creating the key.
        var after = TimeSpan.FromMilliseconds(options.Value.TimeoutMs * 2L);
        var unfinished = await keys.ListUnfinishedAsync(
            clock.GetUtcNow() - (after > UnfinishedAfterMin ? after : UnfinishedAfterMin),
            UnfinishedMax,
            cancellationToken);
        return await ForEachAsync(unfinished, async key =>
        {
            await client.DeleteByAliasAsync(key.Alias, cancellationToken);
            await budgets.DiscardVirtualKeyAsync(key.Id, NeverRecorded, cancellationToken);
            LogOrphan(logger, key.Id);
        });
    }

    /// <summary>Compares the next few active keys with LiteLLM. Returns how many.</summary>
    public async Task<int> CheckKeysAsync(CancellationToken cancellationToken)
    {
        var due = await keys.ListDueAsync(clock.GetUtcNow(), cancellationToken);
        return await ForEachAsync(due, async key =>
        {
            var there = await client.FindKeyAsync(key.KeyHash!, cancellationToken);
            bool? isBlockedThere = there is null ? null : there.Blocked ?? false;
            var noted = await budgets.NoteVirtualKeyAsync(key, isBlockedThere, cancellationToken);
            if (noted.Answer is { Status: VirtualKey.Revoked, LastError: NoteVirtualKey.GoneThere } gone)
                LogGone(logger, gone.Id, gone.UserId);
        });
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        !client.IsConfigured || options.Value.WatchSeconds == 0
            ? Task.CompletedTask
            : rounds.RunAsync(
                new(
                    "Comparing virtual keys with LiteLLM",
                    () => TimeSpan.FromSeconds(options.Value.WatchSeconds),
                    WatchAsync),
                logger,
                stoppingToken);

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        await RemoveOrphansAsync(cancellationToken);
        await CheckKeysAsync(cancellationToken);
    }

    // A key that LiteLLM refuses to handle must not delay the others. If LiteLLM is unreachable, the round ends.
    private async Task<int> ForEachAsync(List<VirtualKey> which, Func<VirtualKey, Task> act)
    {
        var done = 0;
        foreach (var key in which)
        {
            try
            {
                await act(key);
                done++;
            }
            catch (LiteLlmException exception) when (exception.Failure == LiteLlmFailure.Refused)
            {
                LogRefused(logger, key.Id, exception.Message);
            }
        }
        return done;
    }

    private static void LogOrphan(ILogger logger, Guid virtualKeyId) =>
        logger.LogWarning(
            "The creation of the virtual key {VirtualKeyId} never finished; the key was removed",
            virtualKeyId);

    private static void LogGone(ILogger logger, Guid virtualKeyId, string userId) =>
        logger.LogWarning(
            "LiteLLM no longer knows the virtual key {VirtualKeyId} of {UserId}; its status is now revoked",
            virtualKeyId, userId);

    private static void LogRefused(ILogger logger, Guid virtualKeyId, string reason) =>
        logger.LogWarning(
            "The state of the virtual key {VirtualKeyId} could not be read from LiteLLM: {Reason}",
            virtualKeyId, reason);
}
