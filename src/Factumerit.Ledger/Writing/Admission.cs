namespace Factumerit.Ledger.Writing;

/// <summary>
/// Limits the number of commands that may wait for the writer. While the writer makes headway, the limit is
/// <see cref="WriterOptions.QueueLimit"/>: a burst, or a backlog after a database failure, is soon written, and every
/// caller is served.
/// If many commands wait after a batch, and a quarter of a second and several batches later no fewer do, commands
/// arrive faster than they are written and the wait only grows: an overload. During an overload, no more may wait than
/// can be written within <see cref="WriterOptions.OverloadTimeoutMs"/> at the present rate. It ends when this room has
/// sufficed for a while. If the processor is the bottleneck, requests wait for a thread before they reach the queue,
/// so work items that wait for a thread count as waiting too.
/// A command is refused only if its API key has used up its share of the room. All keys with waiting commands have
/// equal shares, so a key that sends many commands does not crowd out the others.
/// (After "Controlling Queue Delay", Nichols and Jacobson, ACM Queue 2012; the bound on the queue is Little's law.)
/// </summary>
/// <param name="options">The limits.</param>
/// <param name="clock">The clock.</param>
/// <param name="waitingForThread">Returns how many work items wait for a thread; null asks the runtime.</param>
internal sealed class Admission(WriterOptions options, TimeProvider clock, Func<long>? waitingForThread = null)
{
    /// <summary>
    /// The smallest room during an overload. A commit of some hundred commands takes hardly longer than a commit of
    /// one. With less room, a slow disk would raise the time per command, which would shrink the room further, and no
    /// command would be answered sooner.
    /// </summary>
    public const int RoomMin = 500;

    // Fewer waiting commands never count as an overload: a thousand clients that each wait for their response before
    // they send the next request are all served, however slow the writer is.
    private const int ManyWait = 1000;

    // Longer than Retry-After, so refused clients retry before the overload ends.
    private static readonly TimeSpan OverAfter = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan HeadwayWithin = TimeSpan.FromMilliseconds(250);

    private const int HeadwayBatches = 3;

    // The newest batch has a weight of 1/10 in the moving average, so about the last ten batches matter.
    private const int Batches = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, int> _waitingOfKey = [];
    private readonly Func<long> _waitingForThread = waitingForThread ?? (() => ThreadPool.PendingWorkItemCount);
    private TimeSpan _timePerCommand;
    private int _waiting;
    private volatile int _room = options.QueueLimit;
    private long _overloadedUntil = long.MinValue;

    // The start of the current check for headway: the number of waiting commands, the time, and the batches written
    // since. Null while no check runs.
    private (long Waiting, long Since, int Batches)? _watch;

    /// <summary>Commands that wait or are being written.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>
    /// Whether the next command of this key would be refused, or should not be started: during an overload, the same
    /// limit applies to work items that wait for a thread.
    /// </summary>
    public bool IsFullFor(Actor by)
    {
        var room = Room;
        if (room < options.QueueLimit && _waitingForThread() >= room)
            KeepOverload();
        else if (Waiting < room)
            return false;
        using var _ = _lock.EnterScope();
        return !HasShareLeft(by, room);
    }

    private int Room => clock.GetTimestamp() < Volatile.Read(ref _overloadedUntil) ? _room : options.QueueLimit;

    /// <summary>
    /// Admits the commands together, or returns false. A batch may exceed the room if a single command would still fit.
    /// </summary>
    public bool TryEnter(Actor by, int commands)
    {
        var room = Room;
        using var _ = _lock.EnterScope();
        var (before, after) = (_waiting, _waiting + commands);
        var fits = before == 0 || (after <= options.QueueLimit && before < room);
        // A key with less than its share may exceed the room up to the queue limit, and with single commands up to
        // twice the queue limit.
        if (!fits && !(after <= options.QueueLimit * (commands == 1 ? 2L : 1L) && HasShareLeft(by, room)))
            return false;
        Volatile.Write(ref _waiting, after);
        _waitingOfKey[by.Id] = _waitingOfKey.GetValueOrDefault(by.Id) + commands;
        if (after >= room && room < options.QueueLimit)
            KeepOverload();
        return true;
    }

    /// <summary>Ends the wait of commands that were answered.</summary>
    public void Leave(Actor by, int commands)
    {
        using var _ = _lock.EnterScope();
        Volatile.Write(ref _waiting, _waiting - commands);
        if ((_waitingOfKey[by.Id] -= commands) == 0)
            _waitingOfKey.Remove(by.Id);
    }

    // A key that waits alone has no share beyond the room.
    private bool HasShareLeft(Actor by, int room)
    {
        var own = _waitingOfKey.GetValueOrDefault(by.Id);
        var keys = _waitingOfKey.Count + (own == 0 ? 1 : 0);
        return keys > 1 && own < Math.Max(1, room / keys);
    }

    /// <summary>
    /// Starts the check for headway anew: the commands wait because the database failed, not because of an overload.
    /// </summary>
    public void RestartHeadwayCheck() => _watch = null;

    /// <summary>Records a batch that was written; its commands still count as waiting.</summary>
    /// <param name="commands">The number of commands in the batch.</param>
    /// <param name="elapsed">The time since the writer began to write the batch.</param>
    public void Written(int commands, TimeSpan elapsed)
    {
        var newest = elapsed / commands;
        _timePerCommand += _timePerCommand == default ? newest : (newest - _timePerCommand) / Batches;
        var timely = options.OverloadTimeoutMs * TimeSpan.TicksPerMillisecond / Math.Max(1, _timePerCommand.Ticks);
        _room = (int)Math.Min(Math.Max(timely, RoomMin), options.QueueLimit);
        if (!MakesHeadway(Waiting + _waitingForThread()))
            KeepOverload();
    }

    private bool MakesHeadway(long waiting)
    {
        if (waiting <= Math.Max(_room, ManyWait))
            _watch = null;
        else if (_watch is not { } watch)
            _watch = (waiting, clock.GetTimestamp(), 0);
        else if (watch.Batches + 1 < HeadwayBatches || clock.GetElapsedTime(watch.Since) < HeadwayWithin)
            _watch = watch with { Batches = watch.Batches + 1 };
        else
        {
            _watch = null;
            return waiting < watch.Waiting;
        }
        return true;
    }

    private void KeepOverload() =>
        Volatile.Write(
            ref _overloadedUntil,
            clock.GetTimestamp() + (long)(OverAfter.TotalSeconds * clock.TimestampFrequency));
}
