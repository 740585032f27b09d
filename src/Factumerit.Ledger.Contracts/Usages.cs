using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// One LLM call as a bot reports it. Request body of POST /usage, and each item of POST /usage/batch. The price is
/// amount_cents if given; else provider_cost_usd times the markup; else tokens times the price book times the markup;
/// else the usage waits for review.
/// </summary>
public sealed record UsageRequest
{
    /// <summary>The user who pays: 1 to 200 characters of letters, digits and @ . _ : + = -.</summary>
    public string? UserId { get; set; }

    /// <summary>
    /// What the user pays, in cents, from 0 to 10^12, with at most 7 decimals (one nano-dollar). A number, or a string
    /// that contains one. Omitted: the price is calculated.
    /// </summary>
    public decimal? AmountCents { get; set; }

    /// <summary>
    /// Identifies this call among the user's calls, 1 to 255 characters: the idempotency key. Sending the same id again
    /// moves nothing.
    /// </summary>
    public string? RequestId { get; set; }

    /// <summary>The model that was called, at most 200 characters.</summary>
    public string? Model { get; set; }

    /// <summary>Tokens sent, including those read from and written to the cache, 0 to 2147483647.</summary>
    public long? PromptTokens { get; set; }

    /// <summary>Tokens generated, including those of reasoning, 0 to 2147483647.</summary>
    public long? CompletionTokens { get; set; }

    /// <summary>A text for people, at most 1000 characters.</summary>
    public string? Description { get; set; }

    /// <summary>What the call belongs to on your side, such as a task or a message; at most 200 characters.</summary>
    public string? ReferenceId { get; set; }

    /// <summary>Your own JSON object, at most 16 KiB, stored as sent.</summary>
    public JsonElement? Metadata { get; set; }

    /// <summary>
    /// When the call happened, at most 5 minutes in the future; default: when it is recorded. Without an offset it is
    /// read as UTC.
    /// </summary>
    public DateTimeOffset? OccurredAt { get; set; }

    /// <summary>
    /// The provider that charges for the call, such as anthropic: a lower-case letter and up to 39 of a-z, 0-9,
    /// _ and -. An alias of a vendor, such as bedrock_converse, is stored as that vendor. Default: the price book's
    /// provider of the model.
    /// </summary>
    public string? Provider { get; set; }

    /// <summary>
    /// What the provider charges for the call, in US dollars, from 0 to 10^10, with at most 28 digits and decimals. 0
    /// means free; omitted means unknown.
    /// </summary>
    [JsonConverter(typeof(UsdConverter))]
    public decimal? ProviderCostUsd { get; set; }

    /// <summary>Of the tokens sent, those read from the cache, 0 to 2147483647.</summary>
    public long? CacheReadTokens { get; set; }

    /// <summary>Of the tokens sent, those written to the cache, 0 to 2147483647.</summary>
    public long? CacheWriteTokens { get; set; }

    /// <summary>Of the tokens generated, those of reasoning, 0 to 2147483647.</summary>
    public long? ReasoningTokens { get; set; }

    /// <summary>
    /// The usage object that the provider returned: a JSON object of at most 16 KiB, stored by value. It shows which of
    /// the model's other prices apply: service tiers, one-hour cache writes, audio and image tokens.
    /// </summary>
    public JsonElement? Usage { get; set; }

    /// <summary>
    /// needs_review: record the call and move no money until somebody has reviewed it; not together with amount_cents.
    /// Omitted: billed if it can be priced.
    /// </summary>
    public string? BillingStatus { get; set; }

    /// <summary>
    /// false: the call has already been paid for, so record it even when the balance is used up. Needs a key with
    /// may_overdraw. Default: true.
    /// </summary>
    public bool? EnforceBalance { get; set; }

    /// <summary>
    /// The hold that this call settles. An open hold covers the call, whatever it costs; so does one that has expired,
    /// for the first call that names it.
    /// </summary>
    public Guid? HoldId { get; set; }

    /// <summary>
    /// Whether the rest of the hold is free again; default: true. With false the hold shrinks by the price of the call
    /// and stays open. A call that waits for review leaves the hold open.
    /// </summary>
    public bool? ClosesHold { get; set; }
}

/// <summary>A usage as it was recorded. Amounts are cents.</summary>
public sealed record RecordedUsage
{
    public required Guid UsageId { get; init; }
    public required string RequestId { get; init; }

    /// <summary>The user who pays; null while unknown.</summary>
    public required string? UserId { get; init; }

    /// <summary>What the user paid, in cents; null until it is billed.</summary>
    public required decimal? AmountCents { get; init; }

    /// <summary>
    /// billed: the amount was taken from the budget. needs_review: only recorded, no money moved. waived: reviewed, and
    /// nobody pays.
    /// </summary>
    public required string BillingStatus { get; init; }

    /// <summary>
    /// Why the usage needs review; docs/accounting.md lists the reasons. Null when it was billed at once.
    /// </summary>
    public string? ReviewReason { get; init; }

    /// <summary>
    /// The transaction that moved the money; null when the amount was 0 (R5), or nothing was billed (R16).
    /// </summary>
    public Guid? TransactionId { get; init; }

    /// <summary>The balance after this usage, in cents; 0 for an unknown user.</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>The model that was called.</summary>
    public string? Model { get; init; }

    /// <summary>The provider that charges for the call.</summary>
    public string? Provider { get; init; }

    /// <summary>What the provider charges, in US dollars, exact; null when unknown.</summary>
    public decimal? ProviderCostUsd { get; init; }

    /// <summary>The factor from provider cost to price; null when the amount was given.</summary>
    public decimal? MarkupFactor { get; init; }

    /// <summary>The version of the price book that gave the cost; null when the cost came from elsewhere.</summary>
    public long? PriceVersion { get; init; }

    /// <summary>When the call happened.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>When it was recorded.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>
/// The result of one item of a batch: the status it would have had alone, and the usage or the problem.
/// </summary>
public sealed record BatchResult(
    int Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RecordedUsage? Usage,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Problem? Problem);

/// <summary>One result per item, in the order of the items.</summary>
public sealed record BatchAnswer(IReadOnlyList<BatchResult> Results);
