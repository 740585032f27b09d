using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Reads the price book before the first request, then polls for imports by other processes. An import by this process
/// takes effect at once without polling.
/// </summary>
public sealed class PriceWatch(
    PriceStore store, IOptions<PricingOptions> options, BackgroundJobs jobs, ILogger<PriceWatch> logger)
    : BackgroundService
{
    // Until a price book is read, calls that could be priced go to review.
    private static readonly TimeSpan UntilRead = TimeSpan.FromSeconds(1);

    private bool _isRead;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RefreshAsync(cancellationToken);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The database may be unreachable or not migrated yet. The first round tries again and logs its failure.
        }
        await base.StartAsync(cancellationToken);
    }

    // No backoff beyond the period: a failed attempt costs the database next to nothing, and a missing price sends
    // calls to review.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        jobs.RunAsync(
            new("Reading the price book", Period, RefreshAsync) { PauseMax = TimeSpan.Zero }, logger, stoppingToken);

    private TimeSpan Period() => _isRead ? TimeSpan.FromSeconds(options.Value.RefreshSeconds) : UntilRead;

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await store.RefreshAsync(cancellationToken);
        _isRead = true;
    }
}

/// <summary>
/// Registers the price book: the prices in force, their store, and the watch for imports by other processes.
/// </summary>
public static class PriceBookSetup
{
    // A commit gives up once 15 seconds have passed and its last attempt has been answered.
    private static readonly TimeSpan CommitMax = TimeSpan.FromMinutes(1);

    public static void AddPriceBook(this IServiceCollection services)
    {
        services.AddSingleton(
            s => new CurrentPrices(new Markups(s.GetRequiredService<IOptions<PricingOptions>>().Value)));
        services.AddSingleton(MakeStore);
        services.AddSingleton<PriceQueries>();
        services.AddHostedService<PriceWatch>();
    }

    private static PriceStore MakeStore(IServiceProvider services) => new(
        services.GetRequiredService<LedgerDatabase>(), services.GetRequiredService<CurrentPrices>(),
        services.GetRequiredService<TimeProvider>())
    {
        // Assumes that all processes have the settings of this process.
        UsedAfterCancelling =
            TimeSpan.FromSeconds(services.GetRequiredService<IOptions<PricingOptions>>().Value.RefreshSeconds)
            + TimeSpan.FromMilliseconds(services.GetRequiredService<WriterOptions>().QueueTimeoutMs) + CommitMax,
    };
}
