using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Reading;
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
    // As long as no book was read, calls would be put aside for review that could be priced.
    private static readonly TimeSpan UntilRead = TimeSpan.FromSeconds(1);

    private bool _isRead;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryRefreshAsync(isFirst: true, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var period = TimeSpan.FromSeconds(options.Value.RefreshSeconds);
        using var timer = new PeriodicTimer(_isRead ? period : UntilRead, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await TryRefreshAsync(isFirst: false, stoppingToken);
                timer.Period = _isRead ? period : UntilRead;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops, or did not even start; the framework would log the latter as a failure of its own.
        }
    }

    // A database that is away, or not migrated yet, is met again at the next look; only then is it worth a line.
    private async Task TryRefreshAsync(bool isFirst, CancellationToken cancellationToken)
    {
        try
        {
            await store.RefreshAsync(cancellationToken);
            _isRead = true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            if (!isFirst)
                LogSkipped(logger, exception.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The price book could not be read: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string reason);
}

/// <summary>The price book: what is in force, where it is kept, and the watch for imports elsewhere.</summary>
public static class PriceBookSetup
{
    public static void AddPriceBook(this IServiceCollection services)
    {
        services.AddSingleton(s => new CurrentPrices(new Markups(s.GetRequiredService<IOptions<PricingOptions>>().Value)));
        services.AddSingleton<PriceStore>();
        services.AddSingleton<PriceQueries>();
        services.AddHostedService<PriceWatch>();
    }
}
