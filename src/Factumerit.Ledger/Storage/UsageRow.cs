namespace Factumerit.Ledger.Storage;

/// <summary>
/// A row of <c>llm_usage</c>: one call as it was reported, with its first answer (R9) and the result of its review
/// (R16).
/// </summary>
public sealed record UsageRow
{
    /// <summary>The source system of usages that callers report here.</summary>
    public const string OwnSystem = "api";

    public Guid Id { get; init; }
    public string? UserId { get; init; }
    public string RequestId { get; init; } = "";
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public int? PromptTokens { get; init; }
    public int? CompletionTokens { get; init; }
    public int? CacheReadTokens { get; init; }
    public int? CacheWriteTokens { get; init; }
    public int? ReasoningTokens { get; init; }

    /// <summary>The usage object that the provider returned, as JSON.</summary>
    public string? Usage { get; init; }
    public decimal? ProviderCostUsd { get; init; }
    public decimal? UserPriceCents { get; init; }
    public decimal? MarkupFactor { get; init; }
    public long? PriceVersion { get; init; }
    public string BillingStatus { get; init; } = "";
    public DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public Guid? TransactionId { get; init; }
    public decimal? BalanceAfterCents { get; init; }
    public long RequestHash { get; init; }
    public string? Description { get; init; }
    public string? ReferenceId { get; init; }
    public string? Metadata { get; init; }
    public string SourceSystem { get; init; } = OwnSystem;

    /// <summary>The first of its ids at the reporting system; null when its caller reported it here.</summary>
    public string? ExternalId { get; init; }
    public Guid? VirtualKeyId { get; init; }
    public string? ReviewReason { get; init; }
    public string? ReviewedBy { get; init; }
    public DateTimeOffset? ReviewedAt { get; init; }
    public string? ReviewNote { get; init; }
    public string? ReviewKey { get; init; }
    public long? ReviewHash { get; init; }

    /// <summary>The balance in the review's answer.</summary>
    public decimal? ReviewBalanceCents { get; init; }

    /// <summary>When a later report of the same call added values that were missing.</summary>
    public DateTimeOffset? FilledAt { get; init; }
    public string? PayerHint { get; init; }
    public int? PostedBy { get; init; }

    /// <summary>The hold that its caller named.</summary>
    public Guid? HoldId { get; init; }
    public int? ReviewedById { get; init; }
}
