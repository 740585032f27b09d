using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Charges a usage that waited for review: debit user:U, credit expense:api. The call has already been made, so R4 does
/// not apply: the balance may go below 0. Known values of cost, provider and price stay as they are (R15).
/// </summary>
/// <param name="request">The price or the cost; with neither the price is calculated.</param>
/// <param name="seen">The usage as read before the commit.</param>
/// <param name="idempotencyKey">The Idempotency-Key header, if it was sent.</param>
/// <param name="pricer">The prices to use.</param>
/// <param name="isRepricing">Whether this is part of POST /usage/reprice, which is not the same decision as a
/// reviewer's own.</param>
public sealed class BillUsage(
    BillRequest request, UsageRow seen, string? idempotencyKey, Pricer pricer, bool isRepricing = false)
    : ReviewCommand(seen, idempotencyKey)
{
    internal override void Declare(Needs needs)
    {
        base.Declare(needs);
        if (Seen.HoldId is { } holdId)
            needs.Hold(holdId);
        if (Seen.UserId is not null)
            return;
        needs.User(request.UserId);
        needs.Usage(request.UserId, Seen.RequestId);
    }

    protected override RequestHash Hash =>
        RequestHash.Of(isRepricing ? "reprice" : "bill", request.AmountCents, request.ProviderCostUsd, request.UserId);

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        if (request.AmountCents is not null)
            errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: true);
        errors.CheckCost("provider_cost_usd", request.ProviderCostUsd);
        if (request is { AmountCents: not null, ProviderCostUsd: not null })
            errors.Add("provider_cost_usd", "can't be given together with amount_cents");
        if (request.UserId is not null)
            errors.CheckUserId("user_id", request.UserId);
    }

    protected override Outcome<UsageRow> Decide(WorkingSet state, UsageRow usage)
    {
        if (FindWrong(state, usage) is { } wrong)
            return wrong;
        var userId = (usage.UserId ?? request.UserId)!;
        var user = state.FindUser(userId);
        if (user is { IsDeleted: true })
            return new Refusal.UserDeleted(userId); // R11
        var (call, unpriced) = Price(usage, state.Now);
        if (unpriced is not null)
            return unpriced;
        var amountCents = call.PriceCents!.Value;
        if (user is not null && !user.CanSpend(amountCents))
            return new Refusal.ValidationFailed(
                "amount_cents", "would exceed the largest balance that can be stored");

        (user, var transactionId) = UsageCommand.Charge(state, userId, amountCents, usage.RequestId, usage.Description);
        // The hold was not closed without a price, so now it shrinks (R22).
        if (usage.HoldId is { } holdId && state.Holds.Find(holdId) is { IsOpen: true } hold)
            state.Holds.Settle(hold, user, amountCents, closes: false, By.Id);
        return Keep(state, usage with
        {
            UserId = userId,
            BillingStatus = BillingStatuses.Billed,
            UserPriceCents = amountCents,
            Provider = usage.Provider ?? call.Provider,
            ProviderCostUsd = usage.ProviderCostUsd ?? call.CostUsd,
            MarkupFactor = usage.MarkupFactor ?? call.Markup,
            PriceVersion = usage.PriceVersion ?? call.PriceVersion,
            TransactionId = transactionId,
            ReviewBalanceCents = user.BalanceCents,
        });
    }

    private Refusal.ValidationFailed? FindWrong(WorkingSet state, UsageRow usage)
    {
        if (usage.UserId is not null && request.UserId is not null)
            return new("user_id", $"must be left out: the usage is {usage.UserId}'s");
        if (usage.UserId is null && request.UserId is null)
            return new("user_id", "is required: the user of the call is not known yet");
        // R17: the user's caller reported the call here too, under the same id.
        if (state.FindUsage((usage.UserId ?? request.UserId)!, usage.RequestId) is { } other
            && other.Id != usage.Id)
            return new(
                "user_id",
                $"has a usage of the request {usage.RequestId} already, {other.Id}: "
                + "one call is one usage, so waive this one");
        if (usage.ProviderCostUsd is not null && request.ProviderCostUsd is not null)
            return new(
                "provider_cost_usd", "must be left out: the cost of this usage is known, and never changes (R15)");
        return null;
    }

    private (PricedCall Call, Refusal? Refusal) Price(UsageRow usage, DateTimeOffset now)
    {
        if (request.AmountCents is { } amountCents)
            return (
                new PricedCall
                {
                    PriceCents = amountCents,
                    Provider = pricer.ProviderOf(usage.Model, usage.Provider, usage.OccurredAt),
                },
                null);
        if (request.ProviderCostUsd is { } costUsd)
        {
            var marked = pricer.Price(usage.Model, usage.Provider, costUsd, usage.Tokens, null, usage.OccurredAt);
            return (marked, marked.Refusal);
        }
        var call = usage.Price(pricer, now);
        return call.PriceCents is null ? (call, new Refusal.NotPriceable(Explain(usage, call))) : (call, null);
    }

    private static string Explain(UsageRow usage, in PricedCall call) => call switch
    {
        { Refusal: { } refusal } => $"The calculated price can't be stored: {refusal.Detail}",
        { ReviewReason: ReviewReasons.UnknownModel } =>
            $"The price book has no price of {usage.Model}, neither for the time of the call nor for now.",
        { ReviewReason: ReviewReasons.TokensDisagree } =>
            "The token counts don't add up, so they can't be priced.",
        { ReviewReason: { } reason } when reason.StartsWith(ReviewReasons.UnreadablePrefix, StringComparison.Ordinal) =>
            $"These reported fields could not be read: {reason[ReviewReasons.UnreadablePrefix.Length..]}.",
        { ReviewReason: ReviewReasons.OtherPrice } =>
            $"The call used a feature of {usage.Model} that the price book has no price for.",
        _ => usage.Model is null ? "The usage names no model." : "The usage has no tokens.",
    };
}
