using System.Threading.RateLimiting;
using Factumerit.Ledger.Api.Hosting;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Limits how many lists, reports and checks of the books run at once, so that key and balance lookups never wait for a
/// connection. Lists and reports get half of the connections for reading. Checks run beside them, one at a time,
/// because each check leaves less for the next check to read. A waiting request holds no connection, and leaves the
/// queue when its client disconnects. A query that has started runs to its end (<see cref="UncancelledQueries"/>).
/// </summary>
public sealed class ReadConcurrency(IOptions<DatabaseOptions> options) : IDisposable
{
    private const int WaitingMax = 100;
    private static readonly Refusal TooMany =
        new Refusal.Unavailable("Too many lists and reports are waiting.");

    public RateLimiter Reports { get; } = NewLimiter(Math.Max(1, options.Value.PoolSize / 2));
    public RateLimiter Checks { get; } = NewLimiter(1);

    /// <summary>Full checks have a limiter of their own, so that checks of new entries don't wait for them.</summary>
    public RateLimiter FullChecks { get; } = NewLimiter(1);

    public void Dispose()
    {
        Reports.Dispose();
        Checks.Dispose();
        FullChecks.Dispose();
    }

    internal static async ValueTask<object?> LimitAsync(
        EndpointFilterInvocationContext call, EndpointFilterDelegate next,
        Func<ReadConcurrency, HttpContext, RateLimiter> choose)
    {
        var http = call.HttpContext;
        var limiter = choose(http.RequestServices.GetRequiredService<ReadConcurrency>(), http);
        using var lease = await TimedLease.AcquireAsync(wait => limiter.AcquireAsync(1, wait), http.RequestAborted);
        return lease.IsAcquired ? await next(call) : Problems.Of(http, TooMany).ToResult();
    }

    private static ConcurrencyLimiter NewLimiter(int atOnce) => new(new ConcurrencyLimiterOptions
    {
        PermitLimit = atOnce,
        QueueLimit = WaitingMax,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });
}

/// <summary>Marks the routes whose reads are limited by <see cref="ReadConcurrency"/>.</summary>
public static class ReadConcurrencyRoutes
{
    public static RouteHandlerBuilder LimitsReadConcurrency(this RouteHandlerBuilder route) =>
        route.LimitsReadConcurrency((limits, _) => limits.Reports);

    public static RouteHandlerBuilder LimitsReadConcurrency(
        this RouteHandlerBuilder route, Func<ReadConcurrency, HttpContext, RateLimiter> choose) =>
        route.AddEndpointFilter((call, next) => ReadConcurrency.LimitAsync(call, next, choose));
}
