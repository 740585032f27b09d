using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Lists, reports and checks of the books take turns, so that a crowd of them can't keep keys from being looked up and balances from being told: lists and reports get
/// half of the connections for reading, and of the checks one runs at a time beside them, as each leaves the next one less to read. Who waits for a turn holds no connection, and
/// whoever goes away meanwhile is forgotten, other than a query that was begun (<see cref="Queries"/>).
/// </summary>
public sealed class LongReads(IOptions<DatabaseOptions> options) : IDisposable
{
    private const int WaitingMax = 100;
    private static readonly Refusal TooMany = new Refusal.Unavailable("Too many lists and reports are waiting for their turn.");

    public RateLimiter Reports { get; } = NewTurns(Math.Max(1, options.Value.PoolSize / 2));
    public RateLimiter Checks { get; } = NewTurns(1);

    /// <summary>Not to be waited for by those who only want to know what is new.</summary>
    public RateLimiter FullChecks { get; } = NewTurns(1);

    public void Dispose()
    {
        Reports.Dispose();
        Checks.Dispose();
        FullChecks.Dispose();
    }

    internal static async ValueTask<object?> TakeTurnAsync(
        EndpointFilterInvocationContext call, EndpointFilterDelegate next, Func<LongReads, HttpContext, RateLimiter> choose)
    {
        var http = call.HttpContext;
        var turns = choose(http.RequestServices.GetRequiredService<LongReads>(), http);
        using var turn = await Turns.TakeAsync(wait => turns.AcquireAsync(1, wait), http.RequestAborted);
        return turn.IsAcquired ? await next(call) : Problems.Of(http, TooMany).ToResult();
    }

    private static ConcurrencyLimiter NewTurns(int atOnce) =>
        new(new ConcurrencyLimiterOptions { PermitLimit = atOnce, QueueLimit = WaitingMax, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
}

/// <summary>Marks the routes whose reads take turns.</summary>
public static class LongReadRoutes
{
    public static RouteHandlerBuilder ReadsLong(this RouteHandlerBuilder route) => route.ReadsLong((reads, _) => reads.Reports);

    public static RouteHandlerBuilder ReadsLong(this RouteHandlerBuilder route, Func<LongReads, HttpContext, RateLimiter> choose) =>
        route.AddEndpointFilter((call, next) => LongReads.TakeTurnAsync(call, next, choose));
}
