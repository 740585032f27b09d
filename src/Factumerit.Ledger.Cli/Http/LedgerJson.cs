using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// The JSON of the service: names in snake_case, and amounts as exact decimals, sent as numbers or as text.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(Budget))]
[JsonSerializable(typeof(Deletion))]
[JsonSerializable(typeof(Usage))]
[JsonSerializable(typeof(UsageBatch))]
[JsonSerializable(typeof(WaitingUsage))]
[JsonSerializable(typeof(Repricing))]
[JsonSerializable(typeof(Grant))]
[JsonSerializable(typeof(Purchase))]
[JsonSerializable(typeof(WriteDown))]
[JsonSerializable(typeof(Headroom))]
[JsonSerializable(typeof(Integrity))]
[JsonSerializable(typeof(Fault))]
[JsonSerializable(typeof(PriceCancellation))]
[JsonSerializable(typeof(Summary))]
[JsonSerializable(typeof(AccountBalance))]
[JsonSerializable(typeof(Entry))]
[JsonSerializable(typeof(MarginLine))]
[JsonSerializable(typeof(PriceImport))]
[JsonSerializable(typeof(ModelPrice))]
[JsonSerializable(typeof(PriceHistory))]
[JsonSerializable(typeof(Reconciliation))]
[JsonSerializable(typeof(VirtualKey))]
[JsonSerializable(typeof(ApiKey))]
[JsonSerializable(typeof(AuditEntry))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(IReadOnlyList<Import.RefusalGroup>))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class LedgerJson : JsonSerializerContext;

internal sealed record Budget(
    [property: JsonRequired] string UserId,
    decimal BalanceCents,
    decimal TotalSpentCents,
    decimal TotalAddedCents,
    bool HasCredit,
    DateTimeOffset? PromoExpiresAt,
    DateTimeOffset? SignedUpAt,
    DateTimeOffset? CreatedAt,
    DateTimeOffset? UpdatedAt,
    DateTimeOffset? DeletedAt);

internal sealed record Deletion(
    [property: JsonRequired] string UserId,
    decimal ForfeitedCents,
    decimal WrittenOffCents,
    string? TransactionId);

internal sealed record Usage(
    string? UsageId,
    string? RequestId,
    string? UserId,
    [property: JsonRequired] decimal? AmountCents,
    string? TransactionId,
    decimal BalanceCents,
    string? ReviewReason = null);

internal sealed record UsageBatch([property: JsonRequired] UsageResult[] Results);

internal sealed record UsageResult(int Status, Usage? Usage, Problem? Problem);

internal sealed record WaitingUsage(
    [property: JsonRequired] string UsageId,
    string? ReviewReason,
    string? UserId,
    string? Model,
    long? PromptTokens,
    long? CompletionTokens,
    decimal? ProviderCostUsd,
    DateTimeOffset? OccurredAt,
    PayerHint? PayerHint = null);

internal sealed record PayerHint(string? KeyAlias, string? KeyHash, string? UserId, string? Email, string? EndUser);

internal sealed record Repricing([property: JsonRequired] long Billed, long Waiting, decimal AmountCents);

internal sealed record Grant(string? TransactionId, [property: JsonRequired] Budget Budget, bool? UserCreated = null);

internal sealed record Purchase(
    string? TransactionId,
    [property: JsonRequired] decimal TotalCents,
    [property: JsonRequired] Headroom Headroom);

internal sealed record WriteDown(
    string? TransactionId,
    [property: JsonRequired] decimal AmountCents,
    [property: JsonRequired] Headroom Headroom);

internal sealed record Headroom(
    [property: JsonRequired] decimal AssetCents,
    decimal LiabilityCents,
    decimal AvailableCents,
    ProviderBalance[]? Providers);

internal sealed record ProviderBalance(string Provider, decimal BalanceCents);

internal sealed record Integrity(
    [property: JsonRequired] bool IsBalanced,
    decimal TotalDebits,
    decimal TotalCredits,
    decimal Imbalance,
    long EntryCount,
    long TransactionCount,
    Fault[]? Faults);

/// <param name="Id">The faulty transaction, account or user, as text or number.</param>
internal sealed record Fault(
    string Kind, JsonElement Id, string? Detail, long? FaultId, DateTimeOffset? FoundAt, string? ResolvedBy);

internal sealed record PriceCancellation(long Version, DateTimeOffset ValidFrom);

internal sealed record Summary([property: JsonRequired] TypeSummary[] Types, WaitingReviews? Review = null);

internal sealed record WaitingReviews(long Waiting, DateTimeOffset? OldestAt, long? OldestAgeSeconds);

internal sealed record TypeSummary(
    string Type,
    long Accounts,
    decimal Debits,
    decimal Credits,
    decimal Net,
    long Entries);

internal sealed record AccountBalance(
    [property: JsonRequired] string Account,
    string Type,
    decimal BalanceCents,
    decimal TotalDebits,
    decimal TotalCredits,
    long EntryCount);

internal sealed record Entry(
    long Id,
    string? TransactionId,
    [property: JsonRequired] string Account,
    decimal DebitCents,
    decimal CreditCents,
    string? Description,
    string? ReferenceType,
    string? ReferenceId,
    DateTimeOffset? CreatedAt,
    ActorName? PostedBy);

internal sealed record MarginLine(
    string? Group,
    [property: JsonRequired] long Calls,
    long PromptTokens,
    long CompletionTokens,
    decimal ProviderCostUsd,
    long UnknownCostCalls,
    decimal UserPriceCents,
    [property: JsonRequired] decimal MarginCents,
    long Waiting,
    long Waived);

internal sealed record PriceImport(
    long? Version,
    DateTimeOffset? ValidFrom,
    [property: JsonRequired] long Added,
    long Changed,
    long Gone,
    long Unchanged,
    long Skipped,
    [property: JsonRequired] PriceChange[] Changes,
    bool HasMoreChanges);

internal sealed record PriceChange(
    [property: JsonRequired] string Model,
    string Change,
    TokenPrices? Old,
    TokenPrices? New);

internal sealed record TokenPrices(
    string? Provider,
    decimal InputUsdPerToken,
    decimal? OutputUsdPerToken,
    decimal? CacheReadUsdPerToken,
    decimal? CacheWriteUsdPerToken,
    decimal? ReasoningUsdPerToken,
    string? Mode = null,
    Dictionary<string, decimal>? OtherPrices = null);

internal sealed record PriceHistory(
    [property: JsonRequired] string Model,
    [property: JsonRequired] ModelPrice[] Prices);

internal sealed record ModelPrice(
    [property: JsonRequired] string Model,
    string? Provider,
    decimal InputUsdPerToken,
    decimal? OutputUsdPerToken,
    decimal? CacheReadUsdPerToken,
    decimal? CacheWriteUsdPerToken,
    decimal? ReasoningUsdPerToken,
    DateTimeOffset? ValidFrom,
    long Version,
    bool IsGone,
    string? Mode = null,
    Dictionary<string, decimal>? OtherPrices = null);

internal sealed record Reconciliation(
    [property: JsonRequired] long Matched,
    long Added,
    long NeedsReview,
    long Skipped,
    IntakeFailure[] Failed,
    long FailedCount,
    CostDifference[] Differing,
    long DifferingCount);

internal sealed record IntakeFailure(int Index, string Code, string Detail);

internal sealed record CostDifference(string ExternalId, string UsageId, decimal? OursUsd, decimal TheirsUsd);

internal sealed record VirtualKey(
    [property: JsonRequired] string VirtualKeyId,
    string UserId,
    string Label,
    string Alias,
    string? KeyName,
    [property: JsonRequired] string Status,
    bool IsBlocked,
    DateTimeOffset? CreatedAt,
    DateTimeOffset? ExpiresAt,
    PendingDelivery? Pending,
    string? Secret);

internal sealed record PendingDelivery(string Action, int Attempts, string? LastError);

/// <param name="Id">The id that revokes the key, as text or number.</param>
internal sealed record ApiKey(
    [property: JsonRequired] JsonElement Id,
    string Name,
    string Role,
    string? UserPrefix,
    string? KeyPrefix,
    DateTimeOffset? CreatedAt,
    DateTimeOffset? RevokedAt,
    string? Secret,
    bool MayOverdraw,
    bool MayIntake,
    ActorName? MadeBy,
    DateTimeOffset? LastUsedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? OldSecretEndsAt);

/// <summary>The actor whose request it was.</summary>
internal sealed record ActorName(string? ApiKeyId, string Name);

internal sealed record AuditEntry(
    [property: JsonRequired] long Id,
    DateTimeOffset At,
    ActorName? By,
    string Action,
    string Subject,
    JsonElement? Detail);
