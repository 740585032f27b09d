using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Limits per address how many requests without a valid key get a 401; further requests get a 429. Only these requests
/// count, so callers with valid keys behind the same address are not affected.
/// </summary>
public sealed class UnknownKeyLimits : IDisposable
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(10);

    private readonly PartitionedRateLimiter<IPAddress>? _failures;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private int _refused;
    private long _reportedAt;

    public UnknownKeyLimits(IOptions<RateLimitOptions> options, TimeProvider clock, ILogger<UnknownKeyLimits> logger)
    {
        (_clock, _logger) = (clock, logger);
        if (options.Value.UnauthenticatedPerSecond is > 0 and var perSecond)
            _failures = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
                RateLimitPartition.GetTokenBucketLimiter(address, _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = perSecond,
                    TokensPerPeriod = perSecond,
                    ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                    QueueLimit = 0,
                }));
    }

    /// <summary>Counts a request without a valid key; false if its address has sent too many.</summary>
    public bool TryCount(HttpContext http)
    {
        if (_failures is null)
            return true;
        using var lease = _failures.AttemptAcquire(NetworkOf(http.Connection.RemoteIpAddress));
        if (!lease.IsAcquired)
            Report();
        return lease.IsAcquired;
    }

    public void Dispose() => _failures?.Dispose();

    // A client with one IPv6 address usually has the whole /64 network, 2^64 addresses.
    private static IPAddress NetworkOf(IPAddress? address)
    {
        if (address is null)
            return IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        if (bytes.Length == 4)
            return address;
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private void Report()
    {
        Interlocked.Increment(ref _refused);
        var (now, last) = (_clock.GetTimestamp(), Volatile.Read(ref _reportedAt));
        if ((last == 0 || _clock.GetElapsedTime(last, now) >= ReportInterval)
            && Interlocked.CompareExchange(ref _reportedAt, now, last) == last)
            LogRefused(_logger, Interlocked.Exchange(ref _refused, 0));
    }

    private static void LogRefused(ILogger logger, int refused) =>
        logger.LogWarning(
            "Too many requests without a valid key: {Refused} refused with 429 since the last such line",
            refused);
}
