using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// Those who share the next commit. While the last one is under way, the next is decided ahead, as its commands come, as far as that can be done on
/// remembered budgets: when its turn begins, the database need not wait for it.
/// </summary>
internal sealed class Draft(RecentBudgets recent, TimeProvider clock)
{
    // What is decided carries the time of its first decision: no commit should be much older than it says.
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly List<Submission> _submissions = [];
    private LedgerState? _state;
    private long _begunAt;
    private int _decided;
    private int _lastCount;

    public IReadOnlyList<Submission> Submissions => _submissions;

    /// <summary>Commands of all submissions.</summary>
    public int Count { get; private set; }

    public void Add(Submission submission)
    {
        _submissions.Add(submission);
        Count += submission.Commands.Count;
    }

    /// <summary>Lets those decide who have not yet. Once one of them can't, on what is remembered, none can.</summary>
    public void Decide()
    {
        if (_decided == 0 && _submissions.Count > 0)
            (_state, _begunAt) = (recent.Begin(Math.Max(Count, _lastCount)), clock.GetTimestamp());
        for (; _decided < _submissions.Count; _decided++)
            if (_state is not null && !_submissions[_decided].Commands.All(TryDecide))
                Undecide();
    }

    /// <summary>What all have decided, for the commit to prove; null when it has to be decided on what is read.</summary>
    public LedgerState? Decided()
    {
        if (_state is not null && !RecentBudgets.IsProvenBySaving(_state, Count))
            Undecide();
        return _state;
    }

    /// <summary>Takes back what was decided too long ago; then those can still be left out who should not have waited for so long.</summary>
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
            // A bug, which the commit meets again, and has its ways.
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
