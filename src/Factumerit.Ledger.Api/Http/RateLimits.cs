using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// The configuration section <c>RateLimits</c>: limits per API key, and per address without a valid key.
/// </summary>
public sealed class RateLimitOptions
{
    /// <summary>Requests per second that each key may send in the long run; 0 is no limit.</summary>
    [Range(0, 1_000_000, ErrorMessage = "RateLimits:RequestsPerSecond must be from {1} to {2}; 0 is no limit.")]
    public int RequestsPerSecond { get; set; }

    /// <summary>Requests without a valid key that an address may send per second; 0 is no limit.</summary>
    [Range(0, 1_000_000, ErrorMessage = "RateLimits:UnauthenticatedPerSecond must be from {1} to {2}; 0 is no limit.")]
    public int UnauthenticatedPerSecond { get; set; } = 1000;

    /// <summary>Requests that a key may send at once after a pause; 0 is as many as in a second.</summary>
    [Range(0, 1_000_000, ErrorMessage = "RateLimits:Burst must be from {1} to {2}; 0 is as many as in a second.")]
    public int Burst { get; set; }
}

/// <summary>Limits requests by a token bucket per API key. A key over its limit gets 429 with Retry-After.</summary>
public static class RateLimits
{
    public static void AddRateLimits(this IServiceCollection services)
    {
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<RateLimitOptions>>((limiter, limits) =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.GlobalLimiter =
                PartitionedRateLimiter.Create<HttpContext, string>(http => Partition(http, limits.Value));
            limiter.OnRejected = (rejected, _) =>
            {
                var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after)
                    ? after
                    : TimeSpan.FromSeconds(1);
                rejected.HttpContext.Response.Headers.RetryAfter =
                    Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
                return new ValueTask(Problems.WriteAsync(
                    rejected.HttpContext,
                    "rate-limited",
                    $"This key may send {limits.Value.RequestsPerSecond} requests per second. "
                    + "Wait for the seconds in Retry-After."));
            };
        });
    }

    /// <summary>Adds nothing unless a limit is configured.</summary>
    public static void UseRateLimits(this WebApplication app)
    {
        if (app.Configuration.GetValue<int>("RateLimits:RequestsPerSecond") > 0)
            app.UseRateLimiter();
    }

    private static RateLimitPartition<string> Partition(HttpContext http, RateLimitOptions limits)
    {
        if (http.Features.Get<Caller>() is not { } caller)
            return RateLimitPartition.GetNoLimiter("");
        // Partition by key, because two keys may share a name.
        return RateLimitPartition.GetTokenBucketLimiter(caller.KeyPrefix, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = limits.Burst > 0 ? limits.Burst : limits.RequestsPerSecond,
            TokensPerPeriod = limits.RequestsPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        });
    }
}
