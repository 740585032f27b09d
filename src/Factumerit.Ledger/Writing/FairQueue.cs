using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The commands that wait for the writer. The API keys that wait get equal shares of the writer, counted in commands,
/// however many each key sends. The commands of one key stay in order.
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

    // The position of a key's next command, for keys that are ahead of the position being served.
    private readonly Dictionary<int, long> _nextOfKey = [];
    private long _served;
    private long _added;
    private int _commands;

    /// <summary>The number of waiting commands.</summary>
    public int Commands => Volatile.Read(ref _commands);

    public bool IsEmpty => !_waiting.Reader.TryPeek(out _);

    /// <summary>Adds the submission; returns false when the queue is closed.</summary>
    /// <param name="submission">The submission.</param>
    /// <param name="commands">The number of commands that wait now.</param>
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

    /// <summary>
    /// Takes the next submission; returns false if none waits or it has more than <paramref name="commandsMax"/>
    /// commands.
    /// </summary>
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

    /// <summary>Completes with true when a submission waits, with false when the queue is closed and empty.</summary>
    public ValueTask<bool> WaitAsync() => _waiting.Reader.WaitToReadAsync();

    /// <summary>Accepts no more submissions.</summary>
    public void Close() => _waiting.Writer.TryComplete();
}
