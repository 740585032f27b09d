using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The database's clock, which dates the entries, as this service knows it. No commit is made while it is too far ahead
/// of the service's clock: created_at never decreases (R13), so one commit with a time in the future would date all
/// later ones.
/// </summary>
internal sealed class DatabaseClock(TimeSpan aheadMax, TimeProvider clock, ILogger logger)
{
    // Every commit detects a wrong clock, and there may be hundreds of commits a second.
    private static readonly TimeSpan LogEvery = TimeSpan.FromMinutes(1);

    // How long the database's time is used before it is read again. In between, the service's clock measures the time
    // that has passed.
    private static readonly TimeSpan IsGoodFor = TimeSpan.FromSeconds(1);

    private long _loggedAt = -1;
    private (DateTimeOffset DatabaseTime, DateTimeOffset NewestTime, long ReadAt)? _time;

    /// <summary>Remembers the time of the database's clock, which was just read, and that of the commit.</summary>
    public void Set(DateTimeOffset databaseTime, DateTimeOffset commitTime) =>
        _time = (databaseTime, commitTime, clock.GetTimestamp());

    /// <summary>
    /// The time of a commit that is made now, or null if the database's clock must be read again. While the newest
    /// entry is ahead of the clock, later ones get its time, until the clock has caught up.
    /// </summary>
    public DateTimeOffset? Estimate()
    {
        if (_time is not { } time || clock.GetElapsedTime(time.ReadAt) is var passed && passed > IsGoodFor)
            return null;
        // In whole microseconds, the precision of the database.
        var now = time.DatabaseTime.AddTicks(passed.Ticks - (passed.Ticks % TimeSpan.TicksPerMicrosecond));
        return now > time.NewestTime ? now : time.NewestTime;
    }

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
