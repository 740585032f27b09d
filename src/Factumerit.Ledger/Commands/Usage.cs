using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// Records one LLM call and takes its price: debit user:U, credit expense:api (R4, R5, R6, R9, R11). A call without a price is recorded alone and
/// waits for review (R16); one that another system reported is known under each of its ids (R17).
/// </summary>
/// <param name="request">The call.</param>
/// <param name="origin">The system that reported it; null for a caller of the service.</param>
/// <param name="pricer">The prices to use (R18); null knows none, and marks nothing up.</param>
public sealed class Usage(UsageRequest request, UsageOrigin? origin = null, Pricer? pricer = null) : Command<RecordedUsage>
{
    public const string Billed = "billed";
    public const string NeedsReview = "needs_review";
    public const string Waived = "waived";

    /// <summary>The reference type of the transactions that take a price.</summary>
    public const string ReferenceType = "llm_call";

    private static readonly Pricer NoPrices = new(PriceBook.Empty, Markups.None);

    private readonly Pricer _pricer = pricer ?? NoPrices;
    private readonly RequestHash _hash = HashOf(request);

    public override string? UserId => request.UserId;
    public override string? RequestId => request.RequestId;
    public override (string SourceSystem, IReadOnlyList<string> ExternalIds)? Aliases => origin is null ? null : (origin.SourceSystem, origin.Aliases);
    public override bool IsProvenBySaving => origin is null;

    private TokenCounts Tokens =>
        new(request.PromptTokens, request.CompletionTokens, request.CacheReadTokens, request.CacheWriteTokens, request.ReasoningTokens);

    public override void Validate(FieldErrors errors)
    {
        if (origin is null || request.UserId is not null)
            errors.CheckUserId("user_id", request.UserId);
        if (request.AmountCents is not null)
            errors.CheckAmount("amount_cents", request.AmountCents, zeroAllowed: true);
        errors.CheckKey("request_id", request.RequestId, "is required (or, for a single usage, the header Idempotency-Key): it names the call, so that a repeated report is billed only once");
        errors.CheckName("model", request.Model);
        if (request.Provider is not null)
            errors.CheckProvider("provider", request.Provider);
        errors.CheckCost("provider_cost_usd", request.ProviderCostUsd);
        // What another system counted can't be sent back to be mended: it is a reason for review.
        if (origin is null)
            Tokens.Check(errors);
        else
            Tokens.CheckEach(errors);
        errors.CheckUsage("usage", request.Usage);
        CheckBillingStatus(errors);
        errors.CheckText("description", request.Description);
        errors.CheckName("reference_id", request.ReferenceId);
        errors.CheckMetadata("metadata", request.Metadata);
        errors.CheckOccurredAt("occurred_at", request.OccurredAt);
        foreach (var alias in origin?.Aliases ?? [])
            errors.CheckKey("request_id", alias, "is required under each of its names");
    }

    protected override Outcome<RecordedUsage>? FirstAnswer(LedgerState state)
    {
        if (origin is not null)
            return FindReported(state, origin);
        if (state.FindUsage(request.UserId!, request.RequestId!) is not { } first)
            return null;
        if (_hash.Value != first.RequestHash)
            return new Refusal.IdempotencyKeyReused(request.RequestId!);
        return new Outcome<RecordedUsage>(AsFirstAnswered(first), null, Replayed: true);
    }

    protected override Outcome<RecordedUsage> Decide(LedgerState state)
    {
        var user = request.UserId is null ? null : state.FindUser(request.UserId);
        if (origin is null && user is { IsDeleted: true })
            return new Refusal.UserDeleted(request.UserId!); // R11
        var occurredAt = request.OccurredAt is { } time ? ToMicroseconds(time) : state.Now;
        var call = Price(user, occurredAt);
        if (call.Refusal is { } refusal)
            return refusal;
        if (call.PriceCents is not { } amountCents)
            return Record(state, user, call, occurredAt, null); // R16: no budget is opened, no credit needed

        var userId = request.UserId!;
        if (amountCents > 0 && IsBalanceEnforced && user is not { BalanceCents: > 0 })
            return new Refusal.InsufficientCredit(userId, user?.BalanceCents ?? 0); // R4, R6
        if (user is not null && !user.CanMove(amountCents))
            return new Refusal.ValidationFailed("amount_cents", "would take this user's totals beyond what can be kept");

        user ??= state.OpenBudget(userId); // R6: a free usage gives an unknown user a budget, as does one that has been paid for already
        if (amountCents == 0)
            return Record(state, user, call, occurredAt, null);
        var transaction = LedgerTransaction.Move(
            amountCents, debit: ChartOfAccounts.User(userId), credit: ChartOfAccounts.ApiExpense, ReferenceType, request.RequestId, request.Description);
        state.Post(transaction);
        user.Spend(amountCents);
        return Record(state, user, call, occurredAt, transaction.Id);
    }

    private bool IsBalanceEnforced => origin?.EnforceBalance ?? request.EnforceBalance ?? true;

    private PricedCall Price(UserAccount? user, DateTimeOffset occurredAt)
    {
        if (request.AmountCents is { } amountCents)
            return new PricedCall { PriceCents = amountCents, CostUsd = request.ProviderCostUsd, Provider = ProviderAt(occurredAt) };
        if (request.BillingStatus is not null)
            return new PricedCall { CostUsd = request.ProviderCostUsd, Provider = ProviderAt(occurredAt), ReviewReason = ReviewReasons.Requested };
        var call = _pricer.Price(request.Model, request.Provider, request.ProviderCostUsd, Tokens, request.Usage, occurredAt);
        var reason = origin?.ReviewReason
            ?? (request.UserId is null ? ReviewReasons.NoUser : user is { IsDeleted: true } ? ReviewReasons.UserDeleted : null);
        // What the provider charges is known all the same, and is kept.
        return reason is null ? call : call with { PriceCents = null, Markup = null, ReviewReason = reason };
    }

    private string? ProviderAt(DateTimeOffset occurredAt) => _pricer.ProviderOf(request.Model, request.Provider, occurredAt);

    private RecordedUsage Record(LedgerState state, UserAccount? user, in PricedCall call, DateTimeOffset occurredAt, Guid? transactionId)
    {
        var usage = new RecordedUsage
        {
            // From the time of the commit, so that ids of later commits sort behind: the integrity check finds new usages by them.
            UsageId = UuidV7.Next(state.Now),
            RequestId = request.RequestId!,
            UserId = request.UserId,
            AmountCents = call.PriceCents,
            BillingStatus = call.PriceCents is null ? NeedsReview : Billed,
            ReviewReason = call.ReviewReason,
            TransactionId = transactionId,
            BalanceCents = user?.BalanceCents ?? 0,
            Model = request.Model,
            Provider = call.Provider,
            ProviderCostUsd = call.CostUsd,
            MarkupFactor = call.Markup,
            PriceVersion = call.PriceVersion,
            OccurredAt = occurredAt,
            CreatedAt = state.Now,
        };
        state.Keep(new KeptUsage(_hash.Value, request, usage, origin));
        return usage;
    }

    // R17: whichever id comes first. Ids that are new lead to the same usage from now on. A caller may have reported the call here itself, under its id.
    private Outcome<RecordedUsage>? FindReported(LedgerState state, UsageOrigin reported)
    {
        var known = reported.Aliases.Select(id => state.FindUsageByAlias(reported.SourceSystem, id)).FirstOrDefault(u => u is not null)
            ?? (request.UserId is { } userId ? state.FindUsage(userId, request.RequestId!) : null);
        if (known is null)
            return null;
        foreach (var externalId in reported.Aliases)
            state.AddAlias(reported.SourceSystem, externalId, known);
        return new Outcome<RecordedUsage>(known.Usage, null, Replayed: true);
    }

    // R9: what a review added since was not in the first answer. The provider was, unless the price book did not know the model then.
    private RecordedUsage AsFirstAnswered(KeptUsage first) => first.ReviewedAt is null ? first.Usage : first.Usage with
    {
        BillingStatus = NeedsReview,
        AmountCents = null,
        TransactionId = null,
        Provider = request.Provider is null && first.Usage.ReviewReason == ReviewReasons.UnknownModel ? null : first.Usage.Provider,
        ProviderCostUsd = request.ProviderCostUsd,
        MarkupFactor = null,
        PriceVersion = null,
    };

    private void CheckBillingStatus(FieldErrors errors)
    {
        if (request.BillingStatus is null)
            return;
        if (request.BillingStatus != NeedsReview)
            errors.Add("billing_status", $"must be {NeedsReview}, or left out");
        else if (request.AmountCents is not null)
            errors.Add("billing_status", $"can't be {NeedsReview} together with amount_cents: a price that is known is billed");
    }

    private static RequestHash HashOf(UsageRequest request) => request.HasNewFields
        ? RequestHash.Of(
            request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens, request.Description,
            request.ReferenceId, request.Metadata?.GetRawText(), request.OccurredAt,
            request.Provider, request.ProviderCostUsd, request.CacheReadTokens, request.CacheWriteTokens, request.ReasoningTokens,
            request.Usage?.GetRawText(), request.BillingStatus)
        // As it was before those fields: a request of before the upgrade that is repeated after it is still the same.
        : RequestHash.Of(
            request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens, request.Description,
            request.ReferenceId, request.Metadata?.GetRawText(), request.OccurredAt);

    // What timestamptz keeps; cut here, so that the first answer and a replay say the same.
    private static DateTimeOffset ToMicroseconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
