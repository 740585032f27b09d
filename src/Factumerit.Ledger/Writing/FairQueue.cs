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
    private readonly Channel<PendingCall> _waiting = Channel.CreateUnboundedPrioritized(
        new UnboundedPrioritizedChannelOptions<PendingCall>
        {
            Comparer = Comparer<PendingCall>.Create((one, other) => one.Position.CompareTo(other.Position)),
        });

    // The position of a key's next command, for keys that are ahead of the position being served.
    private readonly Dictionary<int, long> _nextOfKey = [];
    private long _served;
    private long _added;
    private int _commands;

    public bool IsEmpty => !_waiting.Reader.TryPeek(out _);

    /// <summary>Adds the call; returns false when the queue is closed.</summary>
    public bool TryAdd(PendingCall call)
    {
        using var _ = _lock.EnterScope();
        var count = call.Commands.Count;
        var start = Math.Max(_served, _nextOfKey.GetValueOrDefault(call.By.Id));
        call.Position = (start, _added++);
        if (!_waiting.Writer.TryWrite(call))
            return false;
        _nextOfKey[call.By.Id] = start + count;
        _commands += count;
        return true;
    }

    /// <summary>
    /// Takes the next call; returns false if none waits or it has more than <paramref name="commandsMax"/>
    /// commands.
    /// </summary>
    public bool TryTake(int commandsMax, [NotNullWhen(true)] out PendingCall? call)
    {
        using var _ = _lock.EnterScope();
        if (!_waiting.Reader.TryPeek(out call) || call.Commands.Count > commandsMax)
            return false;
        _waiting.Reader.TryRead(out call);
        _served = call!.Position.Start;
        _commands -= call.Commands.Count;
        if (_commands == 0)
            _nextOfKey.Clear();
        return true;
    }

    /// <summary>Completes with true when a call waits, with false when the queue is closed and empty.</summary>
    public ValueTask<bool> WaitAsync() => _waiting.Reader.WaitToReadAsync();

    /// <summary>Accepts no more calls.</summary>
    public void Close() => _waiting.Writer.TryComplete();
}
