using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// The common part of both ways to record a call: the validation of its fields, and the postings of a usage.
/// <see cref="RecordUsage"/> records a caller's own report, <see cref="RecordReportedUsage"/> the report of another
/// system.
/// </summary>
/// <param name="request">The call.</param>
/// <param name="pricer">The prices to use (R18); null: no prices and no markup.</param>
public abstract class UsageCommand(UsageRequest request, Pricer? pricer) : Command<RecordedUsage>
{
    /// <summary>The reference type of transactions that charge a usage.</summary>
    public const string ReferenceType = "llm_call";

    /// <summary>How far in the future a call may be dated, to allow for clock differences.</summary>
    internal static readonly TimeSpan AheadMax = TimeSpan.FromMinutes(5);

    private static readonly Pricer NoPrices = new(PriceBook.Empty, Markups.None);

    public sealed override string? RequestId => request.RequestId;

    protected UsageRequest Request => request;
    protected Pricer Pricer { get; } = pricer ?? NoPrices;
    protected RequestHash Hash { get; } = HashOf(request);
    protected TokenCounts Tokens => TokensOf(request);

    internal static TokenCounts TokensOf(UsageRequest request) =>
        new(
            request.PromptTokens, request.CompletionTokens,
            request.CacheReadTokens, request.CacheWriteTokens, request.ReasoningTokens);

    public override void Validate(FieldErrors errors)
    {
        errors.CheckKey(
            "request_id",
            request.RequestId,
            "is required (or, for a single usage, the header Idempotency-Key): "
            + "it names the call, so that a repeated report is billed only once");
        errors.CheckName("model", request.Model);
        if (request.Provider is not null)
            errors.CheckProvider("provider", request.Provider);
        errors.CheckCost("provider_cost_usd", request.ProviderCostUsd);
        errors.CheckUsage("usage", request.Usage);
        errors.CheckText("description", request.Description);
        errors.CheckName("reference_id", request.ReferenceId);
        errors.CheckMetadata("metadata", request.Metadata);
    }

    /// <summary>
    /// Charges the price to the user: debit user:U, credit expense:api; posts nothing for a price of 0 (R5). An unknown
    /// user gets a budget (R6).
    /// </summary>
    internal static (UserAccount User, Guid? TransactionId) Charge(
        WorkingSet state, string userId, decimal amountCents, string requestId, string? description)
    {
        var user = state.FindUser(userId) ?? state.OpenBudget(userId);
        if (amountCents == 0)
            return (user, null);
        var transaction = LedgerTransaction.Move(
            amountCents, debit: ChartOfAccounts.User(userId), credit: ChartOfAccounts.ApiExpense,
            ReferenceType, requestId, description);
        state.Post(transaction);
        user.Spend(amountCents);
        return (user, transaction.Id);
    }

    /// <summary>
    /// Records the call: billed if it has a price, which has been charged already; otherwise it waits for review (R16).
    /// The note is for the reviewer.
    /// </summary>
    protected RecordedUsage Record(
        WorkingSet state, UserAccount? user, in PricedCall call, Guid? transactionId,
        UsageOrigin? origin = null, string? note = null)
    {
        var usage = new UsageRow
        {
            // Uses the time of the commit, so ids of later commits sort after it: the integrity check finds new usages
            // by their ids.
            Id = UuidV7.Next(state.Now),
            RequestId = origin?.Aliases[0] ?? request.RequestId!,
            RequestHash = Hash.Value,
            UserId = request.UserId,
            UserPriceCents = call.PriceCents,
            BillingStatus = call.PriceCents is null ? BillingStatuses.NeedsReview : BillingStatuses.Billed,
            ReviewReason = call.ReviewReason,
            TransactionId = transactionId,
            BalanceAfterCents = request.UserId is null ? null : user?.BalanceCents ?? 0,
            Model = request.Model,
            Provider = call.Provider,
            ProviderCostUsd = call.CostUsd,
            MarkupFactor = call.Markup,
            PriceVersion = call.PriceVersion,
            PromptTokens = (int?)request.PromptTokens,
            CompletionTokens = (int?)request.CompletionTokens,
            CacheReadTokens = (int?)request.CacheReadTokens,
            CacheWriteTokens = (int?)request.CacheWriteTokens,
            ReasoningTokens = (int?)request.ReasoningTokens,
            Usage = request.Usage?.GetRawText(),
            Description = note ?? request.Description,
            ReferenceId = request.ReferenceId,
            Metadata = request.Metadata?.GetRawText(),
            SourceSystem = origin?.SourceSystem ?? UsageRow.OwnSystem,
            ExternalId = origin?.Aliases[0],
            VirtualKeyId = origin?.VirtualKeyId,
            PayerHint = origin?.PayerHint,
            OccurredAt = OccurredAt(state),
            CreatedAt = state.Now,
            PostedBy = By.Id,
            HoldId = request.HoldId,
        };
        state.Add(usage, origin?.Aliases ?? []);
        return usage.ToRecorded();
    }

    /// <summary>
    /// Whether the call is dated more than five minutes in the future. The commit's clock decides, because the clock of
    /// this process may be wrong.
    /// </summary>
    protected bool IsAhead(WorkingSet state) => request.OccurredAt > state.Now + AheadMax;

    /// <summary>
    /// When the call happened, to the microsecond, as timestamptz stores it. Without a valid time it is the time of the
    /// commit.
    /// </summary>
    protected DateTimeOffset OccurredAt(WorkingSet state) =>
        request.OccurredAt is { } time && !IsAhead(state)
            ? new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero)
            : state.Now;

    // Each group of fields is newer than the one before. A request without the newer ones has the hash from before they
    // existed, so a request from before an upgrade that is repeated after it still matches.
    private static RequestHash HashOf(UsageRequest request)
    {
        ReadOnlySpan<object?> first =
        [
            request.AmountCents, request.Model, request.PromptTokens, request.CompletionTokens, request.Description,
            request.ReferenceId, request.Metadata?.GetRawText(), request.OccurredAt,
        ];
        if (!request.HasNewFields && !request.HasHold)
            return RequestHash.Of(first);
        ReadOnlySpan<object?> priced =
        [
            .. first, request.Provider, request.ProviderCostUsd, request.CacheReadTokens, request.CacheWriteTokens,
            request.ReasoningTokens, request.Usage?.GetRawText(), request.BillingStatus,
        ];
        return request.HasHold
            ? RequestHash.Of([.. priced, $"{request.HoldId}", request.ClosesHold is false ? "stays open" : null])
            : RequestHash.Of(priced);
    }
}
