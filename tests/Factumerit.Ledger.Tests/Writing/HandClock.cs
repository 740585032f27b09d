namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// A clock that stands until it is set ahead: nothing grows old because the machine is slow. Unlike those of the
/// framework's FakeTimeProvider its timers are real, so that a commit that is tried again does not wait forever.
/// </summary>
internal sealed class HandClock : TimeProvider
{
    // Not 0, which some take for never.
    private long _ticks = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
}
