using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Reading;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads the price book before the first request comes, then looks again and again whether another process imported prices. An import of this
/// process is in force at once without it.
/// </summary>
public sealed class PriceWatch(PriceStore store, IOptions<PricingOptions> options, Rounds rounds, ILogger<PriceWatch> logger) : BackgroundService
{
    // As long as no book was read, calls would be put aside for review that could be priced.
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
            // A database that is away, or not migrated yet, is met again by the first round; only then is it worth a
            // line.
        }
        await base.StartAsync(cancellationToken);
    }

    // A failed look costs the database next to nothing, and a price that is missed sends calls to review: no pause
    // grows longer than the period.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        rounds.RunAsync(new("Reading the price book", Period, RefreshAsync) { PauseMax = TimeSpan.Zero }, logger, stoppingToken);

    private TimeSpan Period() => _isRead ? TimeSpan.FromSeconds(options.Value.RefreshSeconds) : UntilRead;

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await store.RefreshAsync(cancellationToken);
        _isRead = true;
    }
}

/// <summary>The price book: what is in force, where it is kept, and the watch for imports elsewhere.</summary>
public static class PriceBookSetup
{
    // A commit gives up after 15 seconds and the answer to its last attempt.
    private static readonly TimeSpan CommitMax = TimeSpan.FromMinutes(1);

    public static void AddPriceBook(this IServiceCollection services)
    {
        services.AddSingleton(s => new CurrentPrices(new Markups(s.GetRequiredService<IOptions<PricingOptions>>().Value)));
        services.AddSingleton(MakeStore);
        services.AddSingleton<PriceQueries>();
        services.AddHostedService<PriceWatch>();
    }

    private static PriceStore MakeStore(IServiceProvider services) => new(
        services.GetRequiredService<LedgerDatabase>(), services.GetRequiredService<CurrentPrices>(),
        services.GetRequiredService<TimeProvider>())
    {
        // All processes are taken to have the settings of this one.
        UsedAfterCancelling =
            TimeSpan.FromSeconds(services.GetRequiredService<IOptions<PricingOptions>>().Value.RefreshSeconds)
            + TimeSpan.FromMilliseconds(services.GetRequiredService<WriterOptions>().QueueTimeoutMs) + CommitMax,
    };
}
