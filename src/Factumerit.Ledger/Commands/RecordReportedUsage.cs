using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records a call that another system reports. The call has already been made, so it is recorded whatever the balance
/// and the user, and never refused. One call is one usage under all its ids (R17). A report of a known call adds the
/// values that were missing, and bills the call if it can be billed then. A report that shares an id with a different
/// call waits for review, so neither call is lost.
/// </summary>
/// <param name="request">The call.</param>
/// <param name="origin">The reporting system, and the ids of the call there.</param>
/// <param name="pricer">The prices to use (R18); null: no prices and no markup.</param>
public sealed class RecordReportedUsage(UsageRequest request, UsageOrigin origin, Pricer? pricer = null)
    : UsageCommand(request, pricer)
{
    // Costs of other systems are often sums of binary fractions, whose last digits are meaningless.
    private const decimal CostToleranceUsd = 0.000000001m;

    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(1);

    // Systems store the start of a call at least to the millisecond.
    private static readonly TimeSpan SameStartTolerance = TimeSpan.FromMilliseconds(10);

    internal override void Declare(Needs needs)
    {
        needs.User(Request.UserId);
        foreach (var id in (string[])[.. origin.Aliases, origin.DerivedId, StartId, .. BatchIds])
        {
            needs.Alias(origin.SourceSystem, id);
            // A client may have reported a call under any of the ids that the call has at another system.
            if (!id.StartsWith(UsageOrigin.DerivedPrefix, StringComparison.Ordinal))
                needs.Usage(Request.UserId, id);
        }
    }

    // The id that binds a usage recorded by its caller to the first call that was reported under its id.
    private string StartId => Request.OccurredAt is { } start
        ? UsageOrigin.DerivedPrefix
            + $"start-{RequestHash.Of(origin.CallId ?? origin.Aliases[0], Request.UserId, start).Value:x}"
        : origin.DerivedId;

    private string[] BatchIds => origin.BatchId is { } batchId ? [batchId] : [];

    // The report only reads an earlier call: it is neither the call itself nor the bill of a batch.
    private bool IsOnlyReading => origin.IsRetrieval && origin.ReviewReason == ReviewReasons.Retrieved;

    // The reader of a response did not make the call. A batch, however, is paid by its reader.
    private bool NamesPayer => !IsOnlyReading || origin.BatchId is not null;

    public override void Validate(FieldErrors errors)
    {
        base.Validate(errors);
        if (Request.UserId is not null)
            errors.CheckUserId("user_id", Request.UserId);
        Tokens.CheckEach(errors);
        foreach (var alias in origin.Aliases)
            errors.CheckKey("request_id", alias, "is required under each of its names");
    }

    protected override Outcome<RecordedUsage> Decide(WorkingSet state)
    {
        var (known, isDisputed) = Find(state);
        if ((known ?? (isDisputed ? null : FindBatch(state))) is { } same)
            return Complete(state, same);
        // Ids of another call stay with that call. This call gets the remaining ids, and an id derived from the report.
        return isDisputed
            ? RecordNew(state, origin with { Aliases = FreeAliases(state) }, ReviewReasons.IdsDisagree)
            : RecordNew(state, origin with { Aliases = [.. origin.Aliases, .. BatchIds] }, origin.ReviewReason);
    }

    // The spend log of a batch and its callback have no id in common. The second of them is matched by user, model,
    // tokens and cost. Two batches with ids of their own stay separate, however similar they are.
    private UsageRow? FindBatch(WorkingSet state)
    {
        if (origin.BatchId is not { } batchId || state.FindUsageByAlias(origin.SourceSystem, batchId) is not { } known)
            return null;
        var isWaitingRecord = state.FindForReview(known.Id)
            is { BillingStatus: BillingStatuses.NeedsReview, ReviewReason: ReviewReasons.Retrieved };
        return (origin.IsRecord || isWaitingRecord) && Agrees(state, known, StartTolerance) ? known : null;
    }

    private IReadOnlyList<string> FreeAliases(WorkingSet state) =>
        [.. origin.Aliases.Where(id => FindByAlias(state, id) is null).Prepend(origin.DerivedId).Distinct()];

    // Finds the first usage that is known under one of the ids and agrees with the report. A usage that does not wait
    // is preferred, so nothing is billed twice. If none agrees, IsDisputed tells whether one disagrees.
    private (UsageRow? Known, bool IsDisputed) Find(WorkingSet state)
    {
        var isDisputed = false;
        UsageRow? waiting = null;
        foreach (var id in origin.Aliases)
        {
            if (FindByAlias(state, id) is not { } known || IsOtherCall(known, id))
                continue;
            if (IsBoundToAnother(state, known, id)
                || !Agrees(state, known, id == origin.CallId && HasNewId(state) ? SameStartTolerance : StartTolerance))
                isDisputed = true;
            else if (state.FindForReview(known.Id) is { BillingStatus: BillingStatuses.NeedsReview })
                waiting ??= known;
            else
                return (known, false);
        }
        if (waiting is not null)
            return (waiting, false);
        return (isDisputed ? state.FindUsageByAlias(origin.SourceSystem, origin.DerivedId) : null, isDisputed);
    }

    // A usage recorded by its caller has too little data to tell calls apart, and callers choose call ids. It therefore
    // matches the first call that is reported under its id, and no other.
    private bool IsBoundToAnother(WorkingSet state, UsageRow known, string id) =>
        known.ExternalId is null && !origin.IsRecord && !origin.IsRetrieval
        && state.FindUsageByAlias(origin.SourceSystem, id) is not null
        && state.FindUsageByAlias(origin.SourceSystem, StartId)?.Id != known.Id;

    // A caller may use one call id for two calls; the response of the second call then has a new id.
    private bool HasNewId(WorkingSet state) =>
        origin.Aliases.Any(id =>
            !id.StartsWith(UsageOrigin.DerivedPrefix, StringComparison.Ordinal) && FindByAlias(state, id) is null);

    // The caller may have reported the call here directly, under one of its ids.
    private UsageRow? FindByAlias(WorkingSet state, string id) =>
        state.FindUsageByAlias(origin.SourceSystem, id)
        ?? (Request.UserId is { } userId ? state.FindUsage(userId, id) : null);

    // Different call ids mean different calls, although providers sometimes use one response id twice.
    private bool IsOtherCall(UsageRow known, string id) =>
        origin.CallId is { } callId && id != callId
        && known.ExternalId is { } first && first != id && first != callId
        && !first.StartsWith(UsageOrigin.DerivedPrefix, StringComparison.Ordinal);

    private bool Agrees(WorkingSet state, UsageRow known, TimeSpan startTolerance)
    {
        var (usage, tokens) = state.FindForReview(known.Id) is { } current
            ? (current, current.Tokens)
            : (known, known.Tokens);
        // A reading happens later than the call, and possibly by another user. A usage that is known only from readings
        // has the time of the reading.
        var isReading = origin.IsRetrieval || IsOnlyRead(usage);
        return (origin.IsRetrieval || IsSame(Request.UserId, usage.UserId))
            && (isReading || known.ExternalId is null || IsSameStart(usage, startTolerance))
            && AreSame(Tokens, tokens)
            && IsSameCost(usage);
    }

    // This holds after billing too: the usage keeps the time of its first reading.
    private static bool IsOnlyRead(UsageRow usage) => usage.ReviewReason == ReviewReasons.Retrieved;

    // Two counts of 0 carry as little information as missing counts.
    private bool AreSame(in TokenCounts one, in TokenCounts other) =>
        origin.AreTokensDoubtful
        || one is { Prompt: not > 0, Completion: not > 0 } || other is { Prompt: not > 0, Completion: not > 0 }
        || (IsSame(one.Prompt, other.Prompt) && IsSame(one.Completion, other.Completion));

    // A missing value agrees with every value.
    private static bool IsSame<T>(T? one, T? other) => one is null || other is null || one.Equals(other);

    // A usage that was recorded without a time has the time of its commit. The other system's books have one row per
    // id, so the start of such a record is not compared.
    private bool IsSameStart(UsageRow usage, TimeSpan tolerance) =>
        Request.OccurredAt is not { } start || origin.IsStartUnknown || origin.IsRecord
        || usage.OccurredAt == usage.CreatedAt || (start - usage.OccurredAt).Duration() < tolerance;

    // A cost from our price book does not come from the other system, so it is not compared.
    private bool IsSameCost(UsageRow usage) =>
        origin.IsRecord || usage.PriceVersion is not null
        || Request.ProviderCostUsd is not { } one || usage.ProviderCostUsd is not { } other
        || Math.Abs(one - other) < CostToleranceUsd;

    private Outcome<RecordedUsage> Complete(WorkingSet state, UsageRow known)
    {
        // Ids that are already known stay with their usage.
        foreach (var externalId in (string[])[.. origin.Aliases, .. BatchIds])
            state.AddAlias(origin.SourceSystem, externalId, known);
        if (known.ExternalId is null)
            state.AddAlias(origin.SourceSystem, StartId, known);
        if (state.FindForReview(known.Id) is not { } waiting)
            return new Outcome<RecordedUsage>(known.ToRecorded(), null, Replayed: true);
        var filled = Fill(state, waiting);
        // A report of the call itself shows that a usage known only from readings is to be paid here.
        var isCall = waiting.ReviewReason == ReviewReasons.Retrieved && !IsOnlyReading;
        if (waiting.BillingStatus != BillingStatuses.NeedsReview || (filled == waiting && !isCall))
            return new Outcome<RecordedUsage>(waiting.ToReviewed(), null, Replayed: true);
        var completed = Bill(state, filled);
        if (completed == waiting)
            return new Outcome<RecordedUsage>(waiting.ToReviewed(), null, Replayed: true);
        state.Change(completed with { FilledAt = state.Now });
        state.Audit(AuditActions.UsageCompleted, $"{waiting.Id}", Additions(waiting, completed));
        var isWaiting = completed.BillingStatus == BillingStatuses.NeedsReview;
        return new Outcome<RecordedUsage>(completed.ToReviewed(), null, Replayed: isWaiting);
    }

    // R15: known values stay as they are.
    private UsageRow Fill(WorkingSet state, UsageRow waiting) => (waiting with
    {
        UserId = waiting.UserId ?? (NamesPayer && IsFree(state, waiting) ? Request.UserId : null),
        Model = waiting.Model ?? Request.Model,
        Provider = waiting.Provider ?? Request.Provider,
        ProviderCostUsd = waiting.ProviderCostUsd ?? Request.ProviderCostUsd,
        Usage = waiting.Usage ?? Request.Usage?.GetRawText(),
    }).WithTokens(origin.AreTokensDoubtful ? waiting.Tokens : waiting.Tokens.Or(Tokens));

    // The values that this report added, for the audit log.
    private static object Additions(UsageRow waiting, UsageRow completed)
    {
        return new
        {
            user_id = Added(waiting.UserId, completed.UserId),
            model = Added(waiting.Model, completed.Model),
            provider = Added(waiting.Provider, completed.Provider),
            provider_cost_usd = Added(waiting.ProviderCostUsd, completed.ProviderCostUsd),
            prompt_tokens = Added(waiting.Tokens.Prompt, completed.Tokens.Prompt),
            completion_tokens = Added(waiting.Tokens.Completion, completed.Tokens.Completion),
            cache_read_tokens = Added(waiting.Tokens.CacheRead, completed.Tokens.CacheRead),
            cache_write_tokens = Added(waiting.Tokens.CacheWrite, completed.Tokens.CacheWrite),
            reasoning_tokens = Added(waiting.Tokens.Reasoning, completed.Tokens.Reasoning),
            has_usage = Added(waiting.Usage, completed.Usage) is null ? null : (bool?)true,
            amount_cents = completed.UserPriceCents,
            transaction_id = completed.TransactionId,
            review_reason = completed.ReviewReason == waiting.ReviewReason ? null : completed.ReviewReason,
        };

        static T Added<T>(T before, T after) => before is null ? after : default!;
    }

    // R9: a user has one usage per request id.
    private bool IsFree(WorkingSet state, UsageRow waiting) =>
        Request.UserId is { } userId
        && (state.FindUsage(userId, waiting.RequestId) is not { } other || other.Id == waiting.Id);

    // Bills the usage if that is possible by now; otherwise it keeps waiting.
    private UsageRow Bill(WorkingSet state, UsageRow filled)
    {
        if (filled.UserId is not { } userId
            || filled.ReviewReason is ReviewReasons.Requested or ReviewReasons.IdsDisagree
            || (filled.ReviewReason == ReviewReasons.Retrieved && IsOnlyReading)
            || (filled.ProviderCostUsd is null && ReviewReasons.IsCostDoubtful(filled.ReviewReason)))
            return filled;
        var user = state.FindUser(userId);
        var canPrice = filled.ProviderCostUsd is not null
            || (origin.ReviewReason is null or ReviewReasons.Retrieved && Tokens.Any);
        var call = canPrice
            ? Pricer.Price(
                filled.Model, filled.Provider, filled.ProviderCostUsd, Tokens, Request.Usage, filled.OccurredAt,
                state.Now)
            : default;
        if (user is { IsDeleted: true } || call.PriceCents is not { } amountCents
            || user?.CanSpend(amountCents) == false)
            return filled with { ReviewReason = ReasonAfter(filled, user, call) };
        (user, var transactionId) = Charge(state, userId, amountCents, filled.RequestId, filled.Description);
        return filled with
        {
            BillingStatus = BillingStatuses.Billed,
            UserPriceCents = amountCents,
            Provider = call.Provider,
            ProviderCostUsd = call.CostUsd,
            MarkupFactor = call.Markup,
            PriceVersion = call.PriceVersion,
            TransactionId = transactionId,
            ReviewBalanceCents = user.BalanceCents,
        };
    }

    private static string? ReasonAfter(UsageRow filled, UserAccount? user, in PricedCall call) => user switch
    {
        { IsDeleted: true } => ReviewReasons.UserDeleted,
        _ => call.ReviewReason
            ?? (call.PriceCents is null && call.Refusal is null ? filled.ReviewReason : ReviewReasons.OutOfRange),
    };

    private RecordedUsage RecordNew(WorkingSet state, UsageOrigin kept, string? reviewReason)
    {
        var user = Request.UserId is null ? null : state.FindUser(Request.UserId);
        var call = Price(state, user, reviewReason);
        if (call.PriceCents is not { } amountCents)
            return Record(state, user, call, null, kept, NoteOf(call.ReviewReason)); // R16
        (user, var transactionId) = Charge(state, Request.UserId!, amountCents, kept.Aliases[0], Request.Description);
        return Record(state, user, call, transactionId, kept);
    }

    // The request id of a disputed call is none of the ids under which it was reported, so the note lists them.
    private string? NoteOf(string? reviewReason) => reviewReason == ReviewReasons.IdsDisagree
        ? $"Reported as {string.Join(" and ", origin.Aliases)}, which belongs to another call"
        : null;

    private PricedCall Price(WorkingSet state, UserAccount? user, string? reviewReason)
    {
        var call = Pricer.Price(
            Request.Model, Request.Provider, Request.ProviderCostUsd, Tokens, Request.Usage, OccurredAt(state),
            state.Now);
        var reason = reviewReason
            ?? (Request.UserId is null ? ReviewReasons.NoUser : null)
            ?? (user is { IsDeleted: true } ? ReviewReasons.UserDeleted : null)
            ?? (call.ReviewReason is null ? null : origin.UnpricedReason ?? call.ReviewReason)
            ?? (call.Refusal is not null || user?.CanSpend(call.PriceCents!.Value) == false
                ? ReviewReasons.OutOfRange
                : null);
        // A reported cost is kept even without a price. A cost calculated from tokens that may be wrong is not kept.
        return reason is null ? call : new PricedCall
        {
            CostUsd = reviewReason is null ? call.CostUsd ?? Request.ProviderCostUsd : Request.ProviderCostUsd,
            PriceVersion = reviewReason is null ? call.PriceVersion : null,
            Provider = call.Provider ?? Request.Provider,
            ReviewReason = reason,
        };
    }
}
