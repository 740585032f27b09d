using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// One LLM call as a bot reports it. Answers POST /usage and each item of POST /usage/batch. The price is amount_cents as given; else provider_cost_usd
/// times the markup; else tokens times the price book times the markup; else the usage waits for review.
/// </summary>
public sealed record UsageRequest
{
    /// <summary>The user who pays: 1 to 200 characters of letters, digits and @ . _ : + = -.</summary>
    public string? UserId { get; set; }

    /// <summary>What the user pays, in cents, from 0 to 10^12, with at most 7 decimals (one nano-dollar). A number, or a string that holds one. Left out: it is worked out.</summary>
    public decimal? AmountCents { get; set; }

    /// <summary>Names this call among the user's calls, 1 to 255 characters: the idempotency key. The same id again moves nothing.</summary>
    public string? RequestId { get; set; }

    /// <summary>The model that was called, at most 200 characters.</summary>
    public string? Model { get; set; }

    /// <summary>Tokens sent, those read from and written to the cache included, 0 to 2147483647.</summary>
    public long? PromptTokens { get; set; }

    /// <summary>Tokens generated, those of reasoning included, 0 to 2147483647.</summary>
    public long? CompletionTokens { get; set; }

    /// <summary>For people, at most 1000 characters.</summary>
    public string? Description { get; set; }

    /// <summary>What the call belongs to at your side, such as a task or a message; at most 200 characters.</summary>
    public string? ReferenceId { get; set; }

    /// <summary>A JSON object of your own, at most 16 KiB, kept as sent.</summary>
    public JsonElement? Metadata { get; set; }

    /// <summary>When the call happened, at most 5 minutes ahead; default: when it is recorded. Without an offset it is read as UTC.</summary>
    public DateTimeOffset? OccurredAt { get; set; }

    /// <summary>Who charges for the call, such as anthropic: a lower-case letter and up to 39 of a-z, 0-9, _ and -. Another name of a vendor, such as bedrock_converse, is kept as that vendor. Default: the price book's provider of the model.</summary>
    public string? Provider { get; set; }

    /// <summary>What the provider charges for the call, in US dollars, from 0 to 10^10, with at most 28 digits and decimals. 0 is free; left out is unknown.</summary>
    [JsonConverter(typeof(UsdConverter))]
    public decimal? ProviderCostUsd { get; set; }

    /// <summary>Of the tokens sent, those read from the cache, 0 to 2147483647.</summary>
    public long? CacheReadTokens { get; set; }

    /// <summary>Of the tokens sent, those written to the cache, 0 to 2147483647.</summary>
    public long? CacheWriteTokens { get; set; }

    /// <summary>Of the tokens generated, those of reasoning, 0 to 2147483647.</summary>
    public long? ReasoningTokens { get; set; }

    /// <summary>The provider's own account of the call, a JSON object of at most 16 KiB, kept by value. It shows which of the model's other prices apply: tiers of service, writes for an hour, audio and image tokens.</summary>
    public JsonElement? Usage { get; set; }

    /// <summary>needs_review: record the call and move no money until somebody has looked at it; not with amount_cents. Left out: billed if it can be priced.</summary>
    public string? BillingStatus { get; set; }

    /// <summary>false: the call has been paid for already, so record it even when the balance is used up. Takes a key with may_overdraw. Default true.</summary>
    public bool? EnforceBalance { get; set; }

    // What the ways of calling before these fields do not have: for such a request the hash stays what it was.
    internal bool HasNewFields =>
        Provider is not null || ProviderCostUsd is not null || BillingStatus is not null || HasTokenDetails;

    internal bool HasNotes => Description is not null || ReferenceId is not null || Metadata is not null;

    internal bool HasTokenDetails => CacheReadTokens is not null || CacheWriteTokens is not null || ReasoningTokens is not null || Usage is not null;
}

/// <summary>Where a usage comes from that another system reports: the call has been made, so it is recorded whatever the balance and whoever the user (R17).</summary>
/// <param name="SourceSystem">The system's name, such as litellm.</param>
/// <param name="Aliases">The ids under which that system may report the call, one or more; the first is the request id.</param>
/// <param name="DerivedId">An id made of what the report says; it names the call when its other ids belong to another one.</param>
public sealed record UsageOrigin(string SourceSystem, IReadOnlyList<string> Aliases, string DerivedId)
{
    /// <summary>What an id that is made of a report begins with.</summary>
    public const string DerivedPrefix = "derived-";

    /// <summary>The system's own id of the call, one of the aliases; null when it gave none. Two such ids are two calls.</summary>
    public string? CallId { get; init; }

    /// <summary>The key at LiteLLM that the call was made with.</summary>
    public Guid? VirtualKeyId { get; init; }

    /// <summary>What names the payer of a call without a user, as a JSON object for the reviewer.</summary>
    public string? PayerHint { get; init; }

    /// <summary>The report reads a call that was made before: its time is not the call's, and it is no second call.</summary>
    public bool IsRetrieval { get; init; }

    /// <summary>The report comes from the system's own books: a cost that differs there is a difference to show, not another call.</summary>
    public bool IsRecord { get; init; }

    /// <summary>The time of the call is not that of its start, which is not known: it says nothing about which call it is.</summary>
    public bool IsStartUnknown { get; init; }

    /// <summary>
    /// An id made of a batch's user, model, tokens and cost, as its spend log has no id that its reading has; null for all else.
    /// </summary>
    public string? BatchId { get; init; }

    /// <summary>The tokens could not be read, or don't add up: they say nothing about which call it is.</summary>
    public bool AreTokensDoubtful { get; init; }

    /// <summary>Why the call needs review whatever else is known of it; null: decided here.</summary>
    public string? ReviewReason { get; init; }

    /// <summary>Why the call can't be priced, if it can't; null: the pricer says why.</summary>
    public string? UnpricedReason { get; init; }
}

/// <summary>A call that another system reports, and where it comes from.</summary>
public sealed record ReportedCall(UsageRequest Request, UsageOrigin Origin);

/// <summary>A usage as it was recorded. Amounts are cents.</summary>
public sealed record RecordedUsage
{
    public required Guid UsageId { get; init; }
    public required string RequestId { get; init; }

    /// <summary>The user who pays; null while nobody knows.</summary>
    public required string? UserId { get; init; }

    /// <summary>What the user paid, in cents; null until it is billed.</summary>
    public required decimal? AmountCents { get; init; }

    /// <summary>billed: the amount was taken from the budget. needs_review: recorded alone, no money moved. waived: reviewed, and nobody pays.</summary>
    public required string BillingStatus { get; init; }

    /// <summary>Why it needs review, as docs/accounting.md lists the reasons; null when billed at once.</summary>
    public string? ReviewReason { get; init; }

    /// <summary>The transaction that moved the money; null when the amount was 0 (R5), or nothing was billed (R16).</summary>
    public Guid? TransactionId { get; init; }

    /// <summary>The balance after this usage, in cents; 0 for an unknown user.</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>The model that was called.</summary>
    public string? Model { get; init; }

    /// <summary>Who charges for the call.</summary>
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
