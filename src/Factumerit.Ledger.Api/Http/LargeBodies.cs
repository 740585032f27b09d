using System.Threading.RateLimiting;
using Factumerit.Ledger.Api.Hosting;
using Microsoft.AspNetCore.Http.Metadata;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Bounds the memory of request bodies. Bodies of more than 32 KiB that are held whole share 32 MiB, of which one
/// key gets at most 4. When the share is used up, further large bodies wait. Small bodies, nearly all of them, pass at
/// once. A body keeps its share until its response is written.
/// </summary>
public sealed class LargeBodies : IDisposable
{
    /// <summary>A body of up to this many bytes does not wait.</summary>
    public const int SmallBytesMax = 32 * 1024;

    private const int BytesMax = 32 * 1024 * 1024;
    private const int BytesOfKeyMax = 4 * 1024 * 1024;
    private const int PermitBytes = 32 * 1024;
    private const int Permits = BytesMax / PermitBytes;
    private const int PermitsOfKey = BytesOfKeyMax / PermitBytes;
    private const int WaitingMax = 100;

    private static readonly Refusal TooMany =
        new Refusal.Unavailable("Too many large bodies are waiting.");

    // After this time without a large body, unused memory is returned to the system. Less than RetainedBytes is not
    // worth a pause of the garbage collector.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);
    private const long RetainedBytes = 64 * 1024 * 1024;

    private readonly ConcurrencyLimiter _all = new(Limit(Permits));
    private readonly PartitionedRateLimiter<string> _ofKey = PartitionedRateLimiter.Create<string, string>(
        key => RateLimitPartition.GetConcurrencyLimiter(key, _ => Limit(PermitsOfKey)));

    private readonly Timer _idleTimer = new(_ => ReleaseMemory());

    /// <summary>
    /// A lease for this many bytes, to be disposed of. Not acquired if the queue is full or the wait takes too long.
    /// </summary>
    public async ValueTask<RateLimitLease> AcquireAsync(long bytes, CancellationToken cancellationToken)
    {
        _idleTimer.Change(IdleTime, Timeout.InfiniteTimeSpan);
        return await TimedLease.AcquireAsync(wait => _all.AcquireAsync(PermitsOf(bytes), wait), cancellationToken);
    }

    public void Dispose()
    {
        _all.Dispose();
        _ofKey.Dispose();
        _idleTimer.Dispose();
    }

    internal async Task ServeAsync(HttpContext http, long bytes, RequestDelegate next)
    {
        var key = http.Features.Get<Caller>()?.KeyPrefix ?? "";
        using var own = await TimedLease.AcquireAsync(
            wait => _ofKey.AcquireAsync(key, PermitsOf(bytes), wait), http.RequestAborted);
        using var lease = own.IsAcquired ? await AcquireAsync(bytes, http.RequestAborted) : own;
        if (lease.IsAcquired)
            await next(http);
        else
            await Problems.Of(http, TooMany).ToResult().ExecuteAsync(http);
    }

    private static void ReleaseMemory()
    {
        if (GC.GetGCMemoryInfo().TotalCommittedBytes > RetainedBytes)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }

    private static int PermitsOf(long bytes) =>
        (int)Math.Clamp((bytes + PermitBytes - 1) / PermitBytes, 1, PermitsOfKey);

    private static ConcurrencyLimiterOptions Limit(int permits) => new()
    {
        PermitLimit = permits,
        QueueLimit = WaitingMax * permits,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    };
}

/// <summary>Applies <see cref="LargeBodies"/> to the routes that hold the whole body in memory.</summary>
public static class LargeBodyRoutes
{
    /// <summary>Must run after authentication: requests without a valid key must not hold up other callers.</summary>
    public static void UseLargeBodyLimits(this WebApplication app)
    {
        var bodies = app.Services.GetRequiredService<LargeBodies>();
        app.Use((http, next) => BytesToHold(http) is > LargeBodies.SmallBytesMax and var bytes
            ? bodies.ServeAsync(http, bytes, next)
            : next(http));
    }

    /// <summary>The route reads its body piece by piece and never holds it whole.</summary>
    public static RouteHandlerBuilder StreamsBody(this RouteHandlerBuilder route) =>
        route.WithMetadata(new StreamedBody());

    private static long BytesToHold(HttpContext http)
    {
        var headers = http.Request.Headers;
        var isEncoded = headers.ContentEncoding.Count > 0;
        if (!isEncoded && http.Request.ContentLength is { } length and <= LargeBodies.SmallBytesMax)
            return length;
        if (http.GetEndpoint()?.Metadata is not { } route || route.GetMetadata<StreamedBody>() is not null)
            return 0;
        // A compressed body, or a body without a Content-Length, may become as large as the route allows.
        if (!isEncoded && http.Request.ContentLength is { } known)
            return known;
        return isEncoded || headers.TransferEncoding.Count > 0
            ? route.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize ?? ServiceSetup.BodyBytesMax
            : 0;
    }

    private sealed class StreamedBody;
}
