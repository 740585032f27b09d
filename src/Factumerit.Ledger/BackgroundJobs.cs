using System.Numerics;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger;

/// <summary>A task that repeats in the background.</summary>
/// <param name="Name">The work as a log line names it, such as "Checking the books".</param>
/// <param name="Period">How long to wait after a successful round.</param>
/// <param name="DoAsync">One round. Any exception is a failed round.</param>
public sealed record BackgroundJob(string Name, Func<TimeSpan> Period, Func<CancellationToken, Task> DoAsync)
{
    /// <summary>The longest pause after failed rounds, unless the period is longer.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Completes when there is new work, so that the next round starts at once. Called before each round. Null means
    /// that every round waits for its pause.
    /// </summary>
    public Func<Task>? Wake { get; init; }

    /// <summary>Whether the first round begins at once.</summary>
    public bool BeginsAtOnce { get; init; }
}

/// <summary>
/// Runs all work in the background. No exception ends it: a failed round is logged and retried with exponential
/// backoff, from the period up to a limit. Of consecutive failures the first, second, fourth, eighth and so on are
/// logged, so that a long outage does not fill the log.
/// </summary>
public sealed class BackgroundJobs(LedgerDatabase database, TimeProvider clock)
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(10);

    /// <summary>Runs until the service stops, then returns. Never throws.</summary>
    public async Task RunAsync(BackgroundJob round, ILogger logger, CancellationToken stopping)
    {
        var failures = 0;
        for (var isFirst = true; !stopping.IsCancellationRequested; isFirst = false)
        {
            var wake = round.Wake?.Invoke();
            if (!isFirst || round.BeginsAtOnce)
                failures = await TryAsync(round, failures, logger, stopping);
            await PauseAsync(PauseAfter(round, failures), wake, stopping);
        }
    }

    internal static TimeSpan PauseAfter(BackgroundJob round, int failures)
    {
        var period = round.Period();
        if (failures == 0 || period >= round.PauseMax)
            return period;
        var first = period > PauseMin ? period : PauseMin;
        // After 20 doublings the limit is reached, whatever the period is.
        var pause = first * Math.Pow(2, Math.Min(failures, 20) - 1);
        return pause < round.PauseMax ? pause : round.PauseMax;
    }

    // Returns the number of consecutive failures.
    private async Task<int> TryAsync(BackgroundJob round, int failures, ILogger logger, CancellationToken stopping)
    {
        try
        {
            await round.DoAsync(stopping);
            if (failures > 0)
                LogRecovered(logger, round.Name, failures);
            return 0;
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            return failures;
        }
        catch (Exception exception)
        {
            failures++;
            if (DatabaseFailure.MayLieInSession(exception))
                database.RenewSessions();
            if (BitOperations.IsPow2(failures))
                LogFailed(logger, round.Name, failures, exception.GetType().Name, FirstLineOf(exception.Message));
            return failures;
        }
    }

    private async Task PauseAsync(TimeSpan pause, Task? wake, CancellationToken stopping)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var waiting = Task.Delay(pause, clock, enough.Token);
        await Task.WhenAny(wake is null ? [waiting] : [waiting, wake]);
        await enough.CancelAsync();
    }

    // The lines after the first only say that Npgsql withholds details.
    private static string FirstLineOf(string message) => message.Split('\n')[0].TrimEnd();

    private static void LogFailed(ILogger logger, string work, int failures, string kind, string reason) =>
        logger.LogWarning(
            "{Work} failed, {Failures} times in a row by now, and is tried again: {Kind}: {Reason}",
            work, failures, kind, reason);

    private static void LogRecovered(ILogger logger, string work, int failures) =>
        logger.LogInformation("{Work} works again, after {Failures} failures", work, failures);
}
