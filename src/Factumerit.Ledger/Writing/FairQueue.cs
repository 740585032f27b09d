using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The commands that wait for the writer. Each API key has its turn after as many commands as every other, however many it
/// sends; those of one key stay in order.
/// (Start-time fair queuing: Goyal, Vin and Cheng, SIGCOMM 1996.)
/// </summary>
internal sealed class FairQueue
{
    private readonly Lock _lock = new();
    private readonly Channel<Submission> _waiting = Channel.CreateUnboundedPrioritized(
        new UnboundedPrioritizedChannelOptions<Submission>
        {
            Comparer = Comparer<Submission>.Create((one, other) => one.Position.CompareTo(other.Position)),
        });

    // Where a key's next command goes, for keys that are ahead of the one being served.
    private readonly Dictionary<int, long> _nextOfKey = [];
    private long _served;
    private long _added;
    private int _commands;

    /// <summary>How many commands wait.</summary>
    public int Commands => Volatile.Read(ref _commands);

    public bool IsEmpty => !_waiting.Reader.TryPeek(out _);

    /// <summary>False when the queue is closed; otherwise says how many commands wait now.</summary>
    public bool TryAdd(Submission submission, out int commands)
    {
        using var _ = _lock.EnterScope();
        var count = submission.Commands.Count;
        var start = Math.Max(_served, _nextOfKey.GetValueOrDefault(submission.By.Id));
        submission.Position = (start, _added++);
        var isOpen = _waiting.Writer.TryWrite(submission);
        if (isOpen)
        {
            _nextOfKey[submission.By.Id] = start + count;
            _commands += count;
        }
        commands = _commands;
        return isOpen;
    }

    /// <summary>Takes the next one, unless it has more commands than fit.</summary>
    public bool TryTake(int commandsMax, [NotNullWhen(true)] out Submission? submission)
    {
        using var _ = _lock.EnterScope();
        if (!_waiting.Reader.TryPeek(out submission) || submission.Commands.Count > commandsMax)
            return false;
        _waiting.Reader.TryRead(out submission);
        _served = submission!.Position.Start;
        _commands -= submission.Commands.Count;
        if (_commands == 0)
            _nextOfKey.Clear();
        return true;
    }

    /// <summary>Completes when something waits; false when nothing does and the queue is closed.</summary>
    public ValueTask<bool> WaitAsync() => _waiting.Reader.WaitToReadAsync();

    /// <summary>Takes nothing new.</summary>
    public void Close() => _waiting.Writer.TryComplete();
}
