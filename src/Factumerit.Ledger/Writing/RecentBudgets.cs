using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The budgets of the last commits as this writer left them. A batch of plain usages decides on them instead of reading them again, and is saved and
/// committed in one round trip. What is remembered is a guess, and saving proves it: each budget must still have the balance that was decided on, each
/// key must be new, and no entry may be younger. If not, nothing is saved, and the batch is decided again on what is read.
/// </summary>
internal sealed class RecentBudgets(WriterOptions options, TimeProvider clock)
{
    private const int PauseMax = 127;

    // How often the database is asked what time it is. In between, ours tells how much has passed.
    private static readonly TimeSpan TimeIsGoodFor = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, UserAccount> _users = new(StringComparer.Ordinal);
    private (DateTimeOffset Now, long ReadAt)? _time;

    // Budgets that commands decide on just now, or that were left behind by an attempt that came to nothing.
    private LedgerState? _lent;

    // Where guesses are wrong again and again, as with two writers for the same users or callers who repeat themselves, fewer are made.
    private int _pause;
    private int _turnsToRead;

    /// <summary>A balance had been moved by somebody else when the last guess was made: there is another writer.</summary>
    public bool OthersWrite { get; set; }

    /// <summary>The database's time, just read.</summary>
    public void SetTime(DateTimeOffset now) => _time = (now, clock.GetTimestamp());

    /// <summary>
    /// State on which all the commands can decide; null when it must be read. The budgets are lent: <see cref="Keep"/> says that they are right, else they
    /// are forgotten.
    /// </summary>
    public LedgerState? Lend(IReadOnlyList<Command> commands)
    {
        Forget();
        if (_time is not { } time)
            return null;
        var passed = clock.GetElapsedTime(time.ReadAt);
        if (passed > TimeIsGoodFor)
            return null;
        foreach (var command in commands)
            if (!command.IsProvenBySaving || !_users.ContainsKey(command.UserId!))
                return null;
        if (_turnsToRead > 0)
        {
            _turnsToRead--;
            return null;
        }

        // In whole microseconds, as the database keeps them.
        var state = new LedgerState(time.Now.AddTicks(passed.Ticks - (passed.Ticks % TimeSpan.TicksPerMicrosecond)), commands.Count);
        foreach (var command in commands)
            if (state.FindUser(command.UserId!) is null)
                state.Load(_users[command.UserId!]);
        return _lent = state;
    }

    /// <summary>
    /// Whether saving can prove what was decided on lent budgets: it brings a usage for each command, and moves each budget. A refusal, a replay, or a
    /// balance that was only looked at, could be wrong unnoticed.
    /// </summary>
    public static bool IsProvenBySaving(LedgerState state, IReadOnlyList<Command> commands) =>
        state.NewUsages.Count == commands.Count && state.ChangedUsers.Count == state.Users.Count;

    /// <summary>A guess was right, or was not.</summary>
    public void Learn(bool wasRight)
    {
        _pause = wasRight ? _pause / 2 : Math.Min((_pause * 2) + 1, PauseMax);
        _turnsToRead = wasRight ? 0 : _pause;
        if (wasRight)
            OthersWrite = false;
        LedgerMetrics.Guessed(wasRight);
    }

    /// <summary>The budgets as they are after a commit.</summary>
    public void Keep(LedgerState state)
    {
        if (state == _lent)
        {
            _lent = null;
            return;
        }
        Forget();
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

    private void Forget()
    {
        foreach (var user in _lent?.Users ?? [])
            _users.Remove(user.UserId);
        _lent = null;
    }
}
