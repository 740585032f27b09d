namespace Factumerit.Ledger.Commands;

/// <summary>Gives the credit of an open hold back. Releasing it again changes nothing (R24).</summary>
/// <param name="request">The request.</param>
/// <param name="seen">The hold as read before the commit; it is loaded again with its user.</param>
public sealed class ReleaseHold(HoldReleaseRequest request, Hold seen) : Command<HoldAnswer>
{
    internal override void Declare(Needs needs)
    {
        needs.User(seen.UserId);
        needs.Hold(seen.Id);
    }

    public override void Validate(FieldErrors errors) => errors.CheckText("reason", request.Reason);

    protected override Outcome<HoldAnswer> Decide(WorkingSet state)
    {
        var (hold, user) = (state.Holds.Find(seen.Id)!, state.FindUser(seen.UserId)!);
        if (hold.IsOpen)
            hold = state.Holds.Change(
                hold with
                {
                    State = Hold.Released,
                    HeldCents = 0,
                    ClosedAt = state.Now,
                    ClosedBy = By.Id,
                    ReleaseReason = request.Reason,
                },
                user);
        else if (hold.State != Hold.Released)
            return new Refusal.HoldClosed(hold);
        return hold.ToAnswer(user.BalanceCents, user.AvailableCents);
    }
}
