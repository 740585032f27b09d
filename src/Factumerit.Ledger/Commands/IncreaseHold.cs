namespace Factumerit.Ledger.Commands;

/// <summary>Adds credit or time to an open hold (R21, R24).</summary>
/// <param name="request">The request.</param>
/// <param name="seen">The hold as read before the commit; it is loaded again with its user.</param>
/// <param name="idempotencyKey">The Idempotency-Key header.</param>
public sealed class IncreaseHold(HoldIncreaseRequest request, Hold seen, string? idempotencyKey)
    : KeyedCommand<HoldAnswer>("hold-increase", idempotencyKey, LedgerJson.Default.HoldAnswer)
{
    internal override void Declare(Needs needs)
    {
        base.Declare(needs);
        needs.User(seen.UserId);
        needs.Hold(seen.Id);
    }

    protected override RequestHash Hash =>
        RequestHash.Of($"{seen.Id}", request.AmountCents, request.ExpiresInSeconds);

    protected override short StatusOf(HoldAnswer answer) => 200;

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        if (request.AmountCents is not null)
            errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: false);
        PlaceHold.CheckSeconds(errors, request.ExpiresInSeconds);
        if (request is { AmountCents: null, ExpiresInSeconds: null })
            errors.Add("amount_cents", "is required, or expires_in_seconds");
    }

    protected override Outcome<HoldAnswer> DecideNewRequest(WorkingSet state)
    {
        var (hold, user) = (state.Holds.Find(seen.Id)!, state.FindUser(seen.UserId)!);
        if (user.IsDeleted)
            return new Refusal.UserDeleted(user.UserId); // R11
        if (!hold.IsOpen)
            return new Refusal.HoldClosed(hold); // R24
        var addedCents = request.AmountCents ?? 0;
        if (addedCents > user.AvailableCents)
            return new Refusal.InsufficientCredit(
                user.UserId, user.BalanceCents, user.AvailableCents, addedCents); // R21
        if (hold.RequestedCents + addedCents > Money.OperationCentsMax)
            return new Refusal.ValidationFailed(
                "amount_cents", $"would make the hold larger than {Money.Format(Money.OperationCentsMax)} cents");

        var expiresAt = request.ExpiresInSeconds is { } seconds ? state.Now.AddSeconds(seconds) : hold.ExpiresAt;
        var increased = state.Holds.Change(
            hold with
            {
                RequestedCents = hold.RequestedCents + addedCents,
                HeldCents = hold.HeldCents + addedCents,
                ExpiresAt = expiresAt > hold.ExpiresAt ? expiresAt : hold.ExpiresAt,
            },
            user);
        return increased.ToAnswer(user.BalanceCents, user.AvailableCents);
    }
}
