using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads the price book before the first request comes, then looks again and again whether another process imported prices. An import of this
/// process is in force at once without it.
/// </summary>
public sealed partial class PriceWatch(PriceStore store, IOptions<PricingOptions> options, TimeProvider clock, ILogger<PriceWatch> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryRefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.RefreshSeconds), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TryRefreshAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops, or did not even start; the framework would log the latter as a failure of its own.
        }
    }

    // A database that is away, or not migrated yet, is met again at the next look.
    private async Task TryRefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.RefreshAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            LogSkipped(logger, exception.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The price book could not be read: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string reason);
}
