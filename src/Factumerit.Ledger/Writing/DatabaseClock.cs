using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Compares the database's clock, which dates the entries, with the service's clock. No commit is made while the
/// database's clock is too far ahead: created_at never decreases (R13), so one commit with a time in the future would
/// date all later ones.
/// </summary>
internal sealed class DatabaseClock(TimeSpan aheadMax, TimeProvider clock, ILogger logger)
{
    // Every commit detects a wrong clock, and there may be hundreds of commits a second.
    private static readonly TimeSpan LogEvery = TimeSpan.FromMinutes(1);

    private long _loggedAt = -1;

    /// <exception cref="ClockAheadException">The database's clock is further ahead than the bound allows.</exception>
    public void Require(DateTimeOffset databaseTime)
    {
        var ahead = databaseTime - clock.GetUtcNow();
        if (ahead.Duration() <= aheadMax / 10)
            return;
        var isRefused = ahead > aheadMax;
        if (_loggedAt < 0 || clock.GetElapsedTime(_loggedAt) >= LogEvery)
        {
            _loggedAt = clock.GetTimestamp();
            logger.Log(
                isRefused ? LogLevel.Error : LogLevel.Warning,
                "The database's clock is {Seconds} s {Direction} this service's; "
                + "Database:ClockSkewSecondsMax is {Max}{Consequence}",
                Math.Round(ahead.Duration().TotalSeconds, 1), ahead > TimeSpan.Zero ? "ahead of" : "behind",
                aheadMax.TotalSeconds, isRefused ? ": writes are answered 503" : "");
        }
        if (isRefused)
            throw new ClockAheadException(ahead);
    }
}

/// <summary>The database's clock is too far ahead of the service's for a commit.</summary>
internal sealed class ClockAheadException(TimeSpan ahead) : Exception(string.Create(
    CultureInfo.InvariantCulture, $"The database's clock is {ahead.TotalSeconds:0.#} seconds ahead of the service's."));
