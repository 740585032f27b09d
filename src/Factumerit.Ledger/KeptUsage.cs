using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger;

/// <summary>
/// A usage as stored: its first answer, and the hash that distinguishes a replay from a reuse of its key (R9). Only a
/// new usage has its request, and its origin if another system reported it.
/// </summary>
public sealed record KeptUsage(long RequestHash, UsageRequest? Request, RecordedUsage Usage, UsageOrigin? Origin = null)
{
    public TokenCounts Tokens { get; init; } = Request is null ? default : UsageCommand.TokensOf(Request);
    public string? Description { get; init; } = Request?.Description;

    /// <summary>The usage object that the provider returned, as JSON.</summary>
    public string? UsageJson { get; init; } = Request?.Usage?.GetRawText();

    /// <summary>The first of its ids at the reporting system; null when its caller reported it here.</summary>
    public string? ExternalId { get; init; } = Origin?.Aliases[0];

    /// <summary>The actor whose request recorded it; set only for a new usage.</summary>
    public Actor? PostedBy { get; init; }
    public DateTimeOffset? ReviewedAt { get; init; }
    public DateTimeOffset? FilledAt { get; init; }

    /// <summary>A usage that was reviewed or completed in this commit.</summary>
    public static KeptUsage Of(UsageUnderReview usage) => new(usage.RequestHash, null, usage.ToRecorded())
    {
        Tokens = usage.Tokens,
        Description = usage.Description,
        UsageJson = usage.UsageJson,
        ReviewedAt = usage.ReviewedAt,
        FilledAt = usage.FilledAt,
    };

    /// <summary>This usage in the form that reviews work on.</summary>
    internal UsageUnderReview ToUnderReview() => new()
    {
        UsageId = Usage.UsageId,
        RequestId = Usage.RequestId,
        RequestHash = RequestHash,
        UserId = Usage.UserId,
        BillingStatus = Usage.BillingStatus,
        ReviewReason = Usage.ReviewReason,
        Model = Usage.Model,
        Provider = Usage.Provider,
        Tokens = Tokens,
        UsageJson = UsageJson,
        Description = Description,
        OccurredAt = Usage.OccurredAt,
        CreatedAt = Usage.CreatedAt,
        ProviderCostUsd = Usage.ProviderCostUsd,
        MarkupFactor = Usage.MarkupFactor,
        PriceVersion = Usage.PriceVersion,
        FilledAt = FilledAt,
    };
}
