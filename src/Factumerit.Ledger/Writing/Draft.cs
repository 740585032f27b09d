using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The next batch. While the previous commit is in flight, the batch is decided ahead on cached budgets, as its
/// commands arrive and if the cache suffices. When its turn begins, the database need not wait for the decisions.
/// </summary>
internal sealed class Draft(RecentBudgets recent, TimeProvider clock)
{
    // All decisions carry the time at which the batch began to decide. A commit should not be much later than its time.
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly List<Submission> _submissions = [];
    private LedgerState? _state;
    private long _begunAt;
    private int _decided;
    private int _lastCount;

    public IReadOnlyList<Submission> Submissions => _submissions;

    /// <summary>The number of commands in all submissions.</summary>
    public int Count { get; private set; }

    public void Add(Submission submission)
    {
        _submissions.Add(submission);
        Count += submission.Commands.Count;
    }

    /// <summary>
    /// Decides the commands that are not decided yet. If the cached budgets are not enough for one of them, all
    /// decisions of the batch are discarded, and the commit decides it on loaded state.
    /// </summary>
    public void Decide()
    {
        if (_decided == 0 && _submissions.Count > 0)
            (_state, _begunAt) = (recent.Begin(Math.Max(Count, _lastCount)), clock.GetTimestamp());
        for (; _decided < _submissions.Count; _decided++)
            if (_state is not null && !_submissions[_decided].Commands.All(TryDecide))
                Undecide();
    }

    /// <summary>
    /// The decisions of the whole batch, for the commit to verify; null when it must be decided on loaded state.
    /// </summary>
    public LedgerState? Decided()
    {
        if (_state is not null && !RecentBudgets.IsProvenBySaving(_state, Count))
            Undecide();
        return _state;
    }

    /// <summary>
    /// Discards decisions that are too old, and removes the submissions that are over. The rest is decided again.
    /// </summary>
    public void Renew(Predicate<Submission> isOver)
    {
        if (_submissions.Count == 0 || clock.GetElapsedTime(_begunAt) <= GoodFor)
            return;
        Undecide();
        _decided = 0;
        _submissions.RemoveAll(isOver);
        Count = _submissions.Sum(s => s.Commands.Count);
    }

    public void Clear()
    {
        (_state, _decided, _lastCount, Count) = (null, 0, Count, 0);
        _submissions.Clear();
    }

    private bool TryDecide(Command command)
    {
        try
        {
            if (!recent.TryLend(_state!, command))
                return false;
            command.Apply(_state!);
            return true;
        }
        catch (Exception)
        {
            // A bug. The commit decides the command again and handles the exception.
            return false;
        }
    }

    private void Undecide()
    {
        if (_state is not null)
            recent.Forget(_state);
        _state = null;
    }
}
