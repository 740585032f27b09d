namespace Factumerit.Ledger.Writing;

/// <summary>
/// Decides how many commands may wait for the writer. All that the queue holds, while the writer makes headway: a burst, or what piled up behind a
/// database that stumbled, is soon worked off, and everybody is served. When much is left after a batch and a quarter of a second and several
/// batches later it has not become less, work comes in faster than it can be done, and every wait only makes the next one longer. From then on no
/// more may wait than can be written within <see cref="WriterOptions.OverloadTimeoutMs"/> at the present rate, until that was room enough for a while.
/// Where the processor is what there is too little of, requests wait for a thread before they come here: those count as waiting too.
/// An API key is refused only what is more than its share of the room, which is the same for all keys that wait: one that
/// sends much does not keep out the others.
/// (After "Controlling Queue Delay", Nichols and Jacobson, ACM Queue 2012; the bound on the queue is Little's law.)
/// </summary>
/// <param name="options">The limits.</param>
/// <param name="clock">The clock.</param>
/// <param name="waitingForThread">How much waits for a thread; null asks the runtime.</param>
internal sealed class Admission(WriterOptions options, TimeProvider clock, Func<long>? waitingForThread = null)
{
    /// <summary>
    /// So many may wait in any case. A commit takes hardly longer for some hundred commands than for one: with less room a slow disk would make each
    /// of them dearer, that would leave room for fewer still, and none would be answered sooner.
    /// </summary>
    public const int RoomMin = 500;

    // Fewer are no sign of anything: a thousand callers who each wait for an answer before they send again are served,
    // however slow it goes.
    private const int ManyWait = 1000;

    // Longer than Retry-After, so that those who were refused come back before the room is given up.
    private static readonly TimeSpan OverAfter = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan HeadwayWithin = TimeSpan.FromMilliseconds(250);

    private const int HeadwayBatches = 3;

    // The newest batch counts for so much in the average: about the last ten matter.
    private const int Batches = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, int> _waitingOfKey = [];
    private readonly Func<long> _waitingForThread = waitingForThread ?? (() => ThreadPool.PendingWorkItemCount);
    private TimeSpan _timePerCommand;
    private int _waiting;
    private volatile int _room = options.QueueLimit;
    private long _overloadedUntil = long.MinValue;

    // How many waited when the writer began to be watched for headway, and since when. Null while few wait.
    private (long Waiting, long Since, int Batches)? _watch;

    /// <summary>Commands that wait or are being written.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>
    /// One more of this key would be refused, or is better not begun with: in an overload as many may wait for a thread as
    /// for the writer.
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

    /// <summary>Lets so many commands wait, or not. A batch is let in whole where a single command would be.</summary>
    public bool TryEnter(Actor by, int commands)
    {
        var room = Room;
        using var _ = _lock.EnterScope();
        var (before, after) = (_waiting, _waiting + commands);
        var fits = before == 0 || (after <= options.QueueLimit && before < room);
        // Beyond the limit there is room for single commands of keys that have less than their share.
        if (!fits && !(after <= options.QueueLimit * (commands == 1 ? 2L : 1L) && HasShareLeft(by, room)))
            return false;
        Volatile.Write(ref _waiting, after);
        _waitingOfKey[by.Id] = _waitingOfKey.GetValueOrDefault(by.Id) + commands;
        if (after >= room && room < options.QueueLimit)
            KeepOverload();
        return true;
    }

    /// <summary>So many commands have been answered.</summary>
    public void Leave(Actor by, int commands)
    {
        using var _ = _lock.EnterScope();
        Volatile.Write(ref _waiting, _waiting - commands);
        if ((_waitingOfKey[by.Id] -= commands) == 0)
            _waitingOfKey.Remove(by.Id);
    }

    // Alone, a key has no share but the room itself.
    private bool HasShareLeft(Actor by, int room)
    {
        var own = _waitingOfKey.GetValueOrDefault(by.Id);
        var keys = _waitingOfKey.Count + (own == 0 ? 1 : 0);
        return keys > 1 && own < Math.Max(1, room / keys);
    }

    /// <summary>Who waits does so for a database that stumbles and not because too much comes in.</summary>
    public void NotStanding() => _watch = null;

    /// <summary>A batch was written, in so much time since it was taken, and is about to leave.</summary>
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

    private void KeepOverload() => Volatile.Write(ref _overloadedUntil, clock.GetTimestamp() + (long)(OverAfter.TotalSeconds * clock.TimestampFrequency));
}
