using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// A cache of the budgets in this writer's last commits. A batch of plain usages decides on cached budgets instead of
/// reading them again, and is saved and committed in one round trip. A cached budget is a guess that saving verifies:
/// each budget must still have the balance that was decided on, each idempotency key must be new, and no entry may be
/// younger than the commit. Otherwise nothing is saved, and the batch is decided again on loaded state.
/// </summary>
internal sealed class RecentBudgets(WriterOptions options, TimeProvider clock)
{
    private const int PauseMax = 127;

    // How long the database's time is used before it is read again. In between, the service's clock measures the time
    // that has passed.
    private static readonly TimeSpan TimeIsGoodFor = TimeSpan.FromSeconds(1);

    // A commit may end while the next batch is being decided.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, UserAccount> _users = new(StringComparer.Ordinal);
    private (DateTimeOffset Now, long ReadAt)? _time;

    // After each wrong guess, more batches are decided on loaded state before the next guess. Guesses are often wrong
    // with two writers for the same users, or with callers that repeat their requests.
    private int _pause;
    private int _turnsToRead;
    private bool _othersWrite;

    /// <summary>
    /// Whether another writer is active: its changes were found when the last guess was verified.
    /// </summary>
    public bool OthersWrite
    {
        get => Volatile.Read(ref _othersWrite);
        set => Volatile.Write(ref _othersWrite, value);
    }

    /// <summary>Stores the database's time, which was just read.</summary>
    public void SetTime(DateTimeOffset now)
    {
        using var _ = _lock.EnterScope();
        _time = (now, clock.GetTimestamp());
    }

    /// <summary>
    /// Creates an empty state for cached budgets; returns null when this batch must be decided on loaded state.
    /// </summary>
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
        // In whole microseconds, the precision of the database.
        return new LedgerState(
            time.Now.AddTicks(passed.Ticks - (passed.Ticks % TimeSpan.TicksPerMicrosecond)), commands);
    }

    /// <summary>
    /// Loads the cached budget that the command decides on into the state; returns false when the budget must be read.
    /// The cache and the state share the budget, so the next batch can be decided on the balances of this one. If the
    /// decisions are discarded, call <see cref="Forget"/>.
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
    /// Whether saving verifies all decisions on cached budgets: each command must have recorded a usage, and each
    /// budget must have moved. A refusal, a replay, or a balance that was only read could be wrong without being
    /// detected.
    /// </summary>
    public static bool IsProvenBySaving(LedgerState state, int commands) =>
        state.NewUsages.Count == commands && state.ChangedUsers.Count == state.Users.Count;

    /// <summary>Records whether a guess was right.</summary>
    public void Learn(bool wasRight)
    {
        using var _ = _lock.EnterScope();
        _pause = wasRight ? _pause / 2 : Math.Min((_pause * 2) + 1, PauseMax);
        _turnsToRead = wasRight ? 0 : _pause;
        if (wasRight)
            OthersWrite = false;
        LedgerMetrics.Guessed(wasRight);
    }

    /// <summary>Caches the budgets of a batch that was decided on loaded state, as they are after its commit.</summary>
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

    /// <summary>Removes the state's budgets from the cache, because the decisions on them are discarded.</summary>
    public void Forget(LedgerState state)
    {
        using var _ = _lock.EnterScope();
        foreach (var user in state.Users)
            _users.Remove(user.UserId);
    }
}
