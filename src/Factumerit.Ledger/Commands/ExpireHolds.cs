namespace Factumerit.Ledger.Commands;

/// <summary>The number of holds that were marked as expired.</summary>
public sealed record ExpiredHolds(int Count);

/// <summary>
/// Marks holds whose time is over. Nothing depends on when this happens: every commit and every answer judges a hold by
/// the clock (R23).
/// </summary>
/// <param name="due">Holds that had expired when they were read.</param>
public sealed class ExpireHolds(IReadOnlyList<Hold> due) : Command<ExpiredHolds>
{
    internal override void Declare(Needs needs)
    {
        foreach (var hold in due)
        {
            needs.User(hold.UserId);
            needs.Hold(hold.Id);
        }
    }

    public override void Validate(FieldErrors errors)
    {
    }

    protected override Outcome<ExpiredHolds> Decide(WorkingSet state)
    {
        var count = 0;
        foreach (var hold in state.Holds.FindExpired(due.Select(hold => hold.Id)))
        {
            state.Holds.Change(hold, state.FindUser(hold.UserId)!);
            count++;
        }
        return new ExpiredHolds(count);
    }
}
