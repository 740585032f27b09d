using System.Text.Json;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// A usage with everything that was reported of it, and the result of its review. Amounts are cents; provider_cost_usd
/// is in US dollars, exact.
/// </summary>
/// <param name="UsageId">The usage's id in the ledger.</param>
/// <param name="RequestId">The caller's id of the call.</param>
/// <param name="UserId">The user who pays; null while unknown.</param>
/// <param name="AmountCents">What the user paid; null until billed.</param>
/// <param name="BillingStatus">billed, needs_review or waived.</param>
/// <param name="ReviewReason">Why it could not be billed when it was reported; null if it was billed then.</param>
/// <param name="TransactionId">The transaction that moved the money, if any did.</param>
/// <param name="BalanceCents">The balance after it was recorded, or after its review.</param>
/// <param name="Model">The model that was called.</param>
/// <param name="Provider">The provider that charges for it.</param>
/// <param name="ProviderCostUsd">What the provider charges; null when unknown.</param>
/// <param name="MarkupFactor">The factor from cost to price; null when the amount was given.</param>
/// <param name="PriceVersion">The version of the price book that the cost comes from.</param>
/// <param name="OccurredAt">When the call happened.</param>
/// <param name="CreatedAt">When it was recorded.</param>
/// <param name="PromptTokens">All tokens sent.</param>
/// <param name="CompletionTokens">All tokens generated.</param>
/// <param name="CacheReadTokens">The tokens sent that were read from the cache.</param>
/// <param name="CacheWriteTokens">The tokens sent that were written to the cache.</param>
/// <param name="ReasoningTokens">The tokens generated for reasoning.</param>
/// <param name="Usage">The provider's own usage object of the call.</param>
/// <param name="Description">A text for people.</param>
/// <param name="ReferenceId">The object at the caller that the call belongs to.</param>
/// <param name="Metadata">The caller's own metadata, as sent.</param>
/// <param name="SourceSystem">The reporting system: api, or a system whose reports are taken in.</param>
/// <param name="ExternalId">Its first id at that system.</param>
/// <param name="VirtualKeyId">The key at LiteLLM that the call was made with.</param>
/// <param name="ReviewedBy">The name of the API key that billed or waived it.</param>
/// <param name="ReviewedAt">When it was billed or waived.</param>
/// <param name="ReviewNote">The reason for a waiver.</param>
/// <param name="FilledAt">When a later report of the same call added missing data.</param>
/// <param name="PayerHint">
/// What the report of a call without a user says of its payer: key_alias, key_hash, user_id, email, end_user.
/// </param>
/// <param name="PostedBy">The actor whose request recorded it; null from before actors were stored.</param>
/// <param name="Reviewer">The actor whose request billed or waived it.</param>
/// <param name="HoldId">The hold that its caller named.</param>
public sealed record UsageDetail(
    Guid UsageId, string RequestId, string? UserId, decimal? AmountCents, string BillingStatus, string? ReviewReason,
    Guid? TransactionId, decimal BalanceCents, string? Model, string? Provider, decimal? ProviderCostUsd,
    decimal? MarkupFactor, long? PriceVersion, DateTimeOffset OccurredAt, DateTimeOffset CreatedAt,
    long? PromptTokens, long? CompletionTokens, long? CacheReadTokens, long? CacheWriteTokens, long? ReasoningTokens,
    JsonElement? Usage, string? Description, string? ReferenceId, JsonElement? Metadata, string SourceSystem,
    string? ExternalId, Guid? VirtualKeyId, string? ReviewedBy, DateTimeOffset? ReviewedAt, string? ReviewNote,
    DateTimeOffset? FilledAt, JsonElement? PayerHint, ActorName? PostedBy, ActorName? Reviewer,
    Guid? HoldId);

/// <summary>
/// A page of usages, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record UsagePage(IReadOnlyList<UsageDetail> Usages, Guid? NextBefore);
