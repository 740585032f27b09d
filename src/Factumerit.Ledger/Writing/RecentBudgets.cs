using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The budgets of the last commits as this writer leaves them. A batch of plain usages decides on them instead of reading them again, and is saved and
/// committed in one round trip. What is remembered is a guess, and saving proves it: each budget must still have the balance that was decided on, each
/// key must be new, and no entry may be younger. If not, nothing is saved, and the batch is decided again on what is read.
/// </summary>
internal sealed class RecentBudgets(WriterOptions options, TimeProvider clock)
{
    private const int PauseMax = 127;

    // How often the database is asked what time it is. In between, ours tells how much has passed.
    private static readonly TimeSpan TimeIsGoodFor = TimeSpan.FromSeconds(1);

    // One commit may end while the next is decided.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, UserAccount> _users = new(StringComparer.Ordinal);
    private (DateTimeOffset Now, long ReadAt)? _time;

    // Where guesses are wrong again and again, as with two writers for the same users or callers who repeat themselves,
    // fewer are made.
    private int _pause;
    private int _turnsToRead;
    private bool _othersWrite;

    /// <summary>A balance had been moved by somebody else when the last guess was made: there is another writer.</summary>
    public bool OthersWrite
    {
        get => Volatile.Read(ref _othersWrite);
        set => Volatile.Write(ref _othersWrite, value);
    }

    /// <summary>The database's time, just read.</summary>
    public void SetTime(DateTimeOffset now)
    {
        using var _ = _lock.EnterScope();
        _time = (now, clock.GetTimestamp());
    }

    /// <summary>An empty state to which budgets are lent; null when this turn they must be read.</summary>
    public LedgerState? Begin(int commands)
    {
        using var _ = _lock.EnterScope();
        if (_time is not { } time)
            return null;
        var passed = clock.GetElapsedTime(time.ReadAt);
        if (passed > TimeIsGoodFor)
            return null;
        if (_turnsToRead > 0)
        {
            _turnsToRead--;
            return null;
        }
        // In whole microseconds, as the database keeps them.
        return new LedgerState(time.Now.AddTicks(passed.Ticks - (passed.Ticks % TimeSpan.TicksPerMicrosecond)), commands);
    }

    /// <summary>
    /// Lends what the command decides on; false when that has to be read. It stays remembered with what is decided on it, so that the next commit may
    /// decide on what this one is to leave: where that comes to nothing, <see cref="Forget"/> it.
    /// </summary>
    public bool TryLend(LedgerState state, Command command)
    {
        if (!command.IsProvenBySaving)
            return false;
        if (state.FindUser(command.UserId!) is not null)
            return true;
        using var _ = _lock.EnterScope();
        if (!_users.TryGetValue(command.UserId!, out var user))
            return false;
        state.Load(user);
        return true;
    }

    /// <summary>
    /// Whether saving can prove what so many commands decided on lent budgets: it brings a usage for each, and moves each budget. A refusal, a replay, or a
    /// balance that was only looked at, could be wrong unnoticed.
    /// </summary>
    public static bool IsProvenBySaving(LedgerState state, int commands) =>
        state.NewUsages.Count == commands && state.ChangedUsers.Count == state.Users.Count;

    /// <summary>A guess was right, or was not.</summary>
    public void Learn(bool wasRight)
    {
        using var _ = _lock.EnterScope();
        _pause = wasRight ? _pause / 2 : Math.Min((_pause * 2) + 1, PauseMax);
        _turnsToRead = wasRight ? 0 : _pause;
        if (wasRight)
            OthersWrite = false;
        LedgerMetrics.Guessed(wasRight);
    }

    /// <summary>The budgets as they were read, and are after a commit.</summary>
    public void Keep(LedgerState state)
    {
        using var _ = _lock.EnterScope();
        if (_users.Count + state.Users.Count > options.RememberedUsersMax)
            _users.Clear();
        if (state.Users.Count > options.RememberedUsersMax)
            return;
        foreach (var user in state.Users)
            if (user.IsDeleted)
                _users.Remove(user.UserId);
            else
                _users[user.UserId] = user;
    }

    /// <summary>What was decided on these came to nothing.</summary>
    public void Forget(LedgerState state)
    {
        using var _ = _lock.EnterScope();
        foreach (var user in state.Users)
            _users.Remove(user.UserId);
    }
}
