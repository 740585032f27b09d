using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Checks every half second whether another process changed API keys, and saves once a minute when keys were last used.
/// Polling works through every connection pooler and does not depend on detecting a lost connection: while the database
/// does not answer, cached keys are valid for at most a second.
/// </summary>
public sealed class KeyWatch(ApiKeyCache keys, BackgroundJobs jobs, ILogger<KeyWatch> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(1);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await keys.SaveLastUsesAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            LogNotSaved(logger, exception.Message);
        }
    }

    // No backoff: during a longer pause cached keys would expire, and every request would look up its key.
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var look = new BackgroundJob("Looking for changes of API keys", () => LookEvery, keys.ConfirmAsync)
        {
            PauseMax = TimeSpan.Zero,
            BeginsAtOnce = true,
        };
        var save = new BackgroundJob("Saving when API keys were last used", () => SaveEvery, keys.SaveLastUsesAsync);
        return Task.WhenAll(
            jobs.RunAsync(look, logger, stoppingToken), jobs.RunAsync(save, logger, stoppingToken));
    }

    private static void LogNotSaved(ILogger logger, string reason) =>
        logger.LogWarning("The times of last use of API keys could not be saved: {Reason}", reason);
}
