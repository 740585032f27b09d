namespace Factumerit.Ledger.Writing;

/// <summary>
/// Decides how many commands may wait for the writer. While the queue empties now and then, a wait is a hiccup that is soon over, and everybody is
/// served. A queue that has not been empty for a second and several batches stands: then work comes in faster than it can be done, and every wait
/// only makes the next one longer; a single batch that takes long is a database that stumbles. From then on no more may wait than can be written within <see cref="WriterOptions.OverloadTimeoutMs"/> at the present rate.
/// (Controlled delay: Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012; the bound on the queue is Little's law.)
/// </summary>
internal sealed class Admission(WriterOptions options, TimeProvider clock)
{
    private static readonly TimeSpan StandingAfter = TimeSpan.FromSeconds(1);

    private const int StandingBatches = 3;

    // The newest batch counts for so much in the average: about the last ten matter.
    private const int Batches = 10;

    private long _lastEmpty = clock.GetTimestamp();
    private TimeSpan _timePerCommand;
    private int _batchesSinceEmpty;
    private int _waiting;
    private volatile int _room = options.QueueLimit;

    /// <summary>Commands that wait or are being written.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>One more would be refused.</summary>
    public bool IsFull => Waiting >= _room;

    /// <summary>Lets so many commands wait, or not. A large submission is let in whole where a single command would be.</summary>
    public bool TryEnter(int commands)
    {
        var before = Interlocked.Add(ref _waiting, commands) - commands;
        if (before == 0 || (before + commands <= options.QueueLimit && before < _room))
            return true;
        Leave(commands);
        return false;
    }

    /// <summary>So many commands have been answered.</summary>
    public void Leave(int commands) => Interlocked.Add(ref _waiting, -commands);

    /// <summary>The queue is empty, or who waits does so for a database that stumbles and not because too much comes in.</summary>
    public void NotStanding()
    {
        _lastEmpty = clock.GetTimestamp();
        _batchesSinceEmpty = 0;
        _room = options.QueueLimit;
    }

    /// <summary>A batch was written, in so much time since it was taken.</summary>
    public void Written(int commands, TimeSpan elapsed)
    {
        _batchesSinceEmpty++;
        var newest = elapsed / commands;
        _timePerCommand += _timePerCommand == default ? newest : (newest - _timePerCommand) / Batches;
        if (IsStanding)
            _room = (int)Math.Clamp(options.OverloadTimeoutMs * TimeSpan.TicksPerMillisecond / Math.Max(1, _timePerCommand.Ticks), 1, options.QueueLimit);
    }

    /// <summary>How long a submission may have waited before it is refused instead of being written.</summary>
    public TimeSpan Patience(int commands) => TimeSpan.FromMilliseconds(
        IsStanding ? Math.Min(options.QueueTimeoutMs, options.OverloadTimeoutMs + commands) : options.QueueTimeoutMs);

    private bool IsStanding => _batchesSinceEmpty >= StandingBatches && clock.GetElapsedTime(_lastEmpty) >= StandingAfter;
}
