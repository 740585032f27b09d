using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// A decision about a usage that waits for review: billed or waived, once (R16). A repetition of the deciding request
/// gets its answer again. Any other review is refused, because the usage has already been reviewed.
/// </summary>
/// <param name="seen">The usage as read before the commit; its user is loaded and locked with it.</param>
/// <param name="idempotencyKey">The Idempotency-Key header; null when it wasn't sent.</param>
public abstract class ReviewCommand(UsageRow seen, string? idempotencyKey) : Command<UsageRow>
{
    public sealed override string? RequestId => seen.RequestId;

    /// <summary>The usage as read before the commit.</summary>
    protected UsageRow Seen => seen;

    internal override void Declare(Needs needs)
    {
        needs.User(seen.UserId);
        needs.Usage(seen.UserId, seen.RequestId);
        needs.Usage(seen.Id);
    }

    public override void Validate(FieldErrors errors)
    {
        if (idempotencyKey is not null)
            errors.CheckKey(KeyedCommand<UsageRow>.KeyField, idempotencyKey, "must not be empty");
    }

    /// <summary>The hash by which two reviews are compared.</summary>
    protected abstract RequestHash Hash { get; }

    protected sealed override Outcome<UsageRow>? Replay(WorkingSet state)
    {
        var usage = state.FindForReview(seen.Id)
            ?? throw new InvalidOperationException(
                $"Usage {seen.Id} is gone, though usages are never deleted (R15).");
        if (usage.BillingStatus == BillingStatuses.NeedsReview)
            return null;
        if (usage.ReviewedAt is null || usage.ReviewKey != idempotencyKey)
            return new Refusal.AlreadyReviewed(usage);
        if (usage.ReviewHash == Hash.Value && (idempotencyKey is not null || IsMine(usage)))
            return new Outcome<UsageRow>(usage, null, Replayed: true);
        // Without a key, a different request comes from another reviewer or is another decision: the usage has already
        // been reviewed.
        return idempotencyKey is null
            ? new Refusal.AlreadyReviewed(usage)
            : new Refusal.IdempotencyKeyReused(idempotencyKey);
    }

    // A review from before actors were stored has only a name.
    private bool IsMine(UsageRow usage) =>
        usage.ReviewedById is { } id ? id == By.Id : usage.ReviewedBy == By.Name;

    protected sealed override Outcome<UsageRow> Decide(WorkingSet state) =>
        Decide(state, state.FindForReview(seen.Id)!);

    /// <summary>Decides about a usage that waits.</summary>
    protected abstract Outcome<UsageRow> Decide(WorkingSet state, UsageRow usage);

    /// <summary>Adds the reviewer's name and the time to the decision, and saves it.</summary>
    protected UsageRow Keep(WorkingSet state, UsageRow decided)
    {
        var reviewed = decided with
        {
            ReviewedBy = By.Name,
            ReviewedById = By.Id,
            ReviewedAt = state.Now,
            ReviewKey = idempotencyKey,
            ReviewHash = Hash.Value,
        };
        state.Change(reviewed);
        state.Audit(
            reviewed.BillingStatus == BillingStatuses.Billed ? AuditActions.UsageBilled : AuditActions.UsageWaived,
            reviewed.Id.ToString(),
            new { user_id = reviewed.UserId, amount_cents = reviewed.UserPriceCents, reason = reviewed.ReviewNote });
        return reviewed;
    }
}
