using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records one LLM call as its caller reports it, and charges its price: debit user:U, credit expense:api (R4, R5, R6,
/// R9, R11). A call without a price is only recorded, and waits for review (R16). A call that names a hold settles it,
/// once its price is known (R22).
/// </summary>
/// <param name="request">The call.</param>
/// <param name="pricer">The prices to use (R18); null: no prices and no markup.</param>
public sealed class RecordUsage(UsageRequest request, Pricer? pricer = null) : UsageCommand(request, pricer)
{
    // A hold is not cached, so its usage is decided on loaded rows.
    public override bool IsProvenBySaving => Request.HoldId is null;

    internal override void Declare(Needs needs)
    {
        needs.User(Request.UserId);
        needs.Usage(Request.UserId, Request.RequestId!);
        if (Request.HoldId is { } holdId)
            needs.Hold(holdId);
    }

    public override void Validate(FieldErrors errors)
    {
        errors.CheckUserId("user_id", Request.UserId);
        if (Request.AmountCents is not null)
            errors.CheckAmount("amount_cents", Request.AmountCents, zeroAllowed: true);
        base.Validate(errors);
        Tokens.Check(errors);
        CheckBillingStatus(errors);
        if (Request is { ClosesHold: not null, HoldId: null })
            errors.Add("closes_hold", "needs hold_id");
    }

    protected override Outcome<RecordedUsage>? Replay(WorkingSet state)
    {
        if (state.FindUsage(Request.UserId!, Request.RequestId!) is not { } first)
            return null;
        if (Hash.Value != first.RequestHash)
            return new Refusal.IdempotencyKeyReused(Request.RequestId!);
        return new Outcome<RecordedUsage>(AsFirstAnswered(first), null, Replayed: true);
    }

    protected override Outcome<RecordedUsage> Decide(WorkingSet state)
    {
        if (IsAhead(state))
            return new Refusal.ValidationFailed("occurred_at", "must be at most 5 minutes ahead of now");
        var userId = Request.UserId!;
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        var hold = Request.HoldId is { } holdId ? state.Holds.Find(holdId) : null;
        if (Request.HoldId is not null && hold?.UserId != userId)
            return new Refusal.NotFound($"hold {Request.HoldId} of {userId}");
        var call = Price(OccurredAt(state), state.Now);
        if (call.Refusal is { } refusal)
            return refusal;
        if (call.PriceCents is not { } amountCents)
            return Record(state, user, call, null); // R16: no budget is opened, no credit needed
        // R22, R23: a usage that a hold covers needs no further credit.
        var isCovered = hold is { CoversUsage: true };
        if (amountCents > 0 && !isCovered && Request.EnforceBalance != false && user is not { AvailableCents: > 0 })
            return new Refusal.InsufficientCredit(userId, user?.BalanceCents, user?.AvailableCents ?? 0); // R4, R6
        if (user is not null && !user.CanSpend(amountCents))
            return new Refusal.ValidationFailed(
                "amount_cents", "would exceed the largest balance that can be stored");

        (user, var transactionId) = Charge(state, userId, amountCents, Request.RequestId!, Request.Description);
        if (isCovered)
            state.Holds.Settle(hold!, user, amountCents, closes: Request.ClosesHold != false, By.Id);
        return Record(state, user, call, transactionId);
    }

    private PricedCall Price(DateTimeOffset occurredAt, DateTimeOffset now)
    {
        if (Request.AmountCents is { } amountCents)
            return new PricedCall
            {
                PriceCents = amountCents,
                CostUsd = Request.ProviderCostUsd,
                Provider = ProviderAt(occurredAt),
            };
        if (Request.BillingStatus is not null)
            return new PricedCall
            {
                CostUsd = Request.ProviderCostUsd,
                Provider = ProviderAt(occurredAt),
                ReviewReason = ReviewReasons.Requested,
            };
        return Pricer.Price(
            Request.Model, Request.Provider, Request.ProviderCostUsd, Tokens, Request.Usage, occurredAt, now);
    }

    private string? ProviderAt(DateTimeOffset occurredAt) =>
        Pricer.ProviderOf(Request.Model, Request.Provider, occurredAt);

    // R9: the first answer has no value that a review or a later report added. It has the provider, unless the price
    // book did not know the model at that time.
    private RecordedUsage AsFirstAnswered(UsageRow first) =>
        first.ReviewedAt is null && first.FilledAt is null ? first.ToRecorded() : first.ToRecorded() with
        {
            BillingStatus = BillingStatuses.NeedsReview,
            AmountCents = null,
            TransactionId = null,
            Model = Request.Model,
            Provider = Request.Provider is null && first.ReviewReason == ReviewReasons.UnknownModel
                ? null
                : first.Provider,
            ProviderCostUsd = Request.ProviderCostUsd,
            MarkupFactor = null,
            PriceVersion = null,
        };

    private void CheckBillingStatus(FieldErrors errors)
    {
        if (Request.BillingStatus is null)
            return;
        if (Request.BillingStatus != BillingStatuses.NeedsReview)
            errors.Add("billing_status", $"must be {BillingStatuses.NeedsReview}, or left out");
        else if (Request.AmountCents is not null)
            errors.Add(
                "billing_status",
                $"can't be {BillingStatuses.NeedsReview} together with amount_cents: a price that is known is billed");
    }
}
