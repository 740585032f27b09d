using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Ends the review of a usage without a price: no money moves, and it is never billed (R16). It also ends the review of
/// a deleted user's usage, which can't be billed.
/// </summary>
/// <param name="request">The reason.</param>
/// <param name="seen">The usage as read before the commit.</param>
/// <param name="idempotencyKey">The Idempotency-Key header, if it was sent.</param>
public sealed class WaiveUsage(WaiveRequest request, UsageRow seen, string? idempotencyKey)
    : ReviewCommand(seen, idempotencyKey)
{
    protected override RequestHash Hash => RequestHash.Of("waive", request.Reason);

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        if (string.IsNullOrWhiteSpace(request.Reason))
            errors.Add("reason", "is required: it explains later why nobody paid");
        else
            errors.CheckText("reason", request.Reason);
    }

    protected override Outcome<UsageRow> Decide(WorkingSet state, UsageRow usage) =>
        Keep(state, usage with
        {
            BillingStatus = BillingStatuses.Waived,
            ReviewNote = request.Reason,
            ReviewBalanceCents = usage.UserId is { } userId ? state.FindUser(userId)?.BalanceCents ?? 0 : null,
        });
}
