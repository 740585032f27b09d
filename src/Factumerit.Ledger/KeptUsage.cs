using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger;

/// <summary>
/// A usage as stored: its first answer, and the hash that tells a replay from a reuse of its key (R9). A new one has its request and origin.
/// </summary>
public sealed record KeptUsage(long RequestHash, UsageRequest? Request, RecordedUsage Usage, UsageOrigin? Origin = null)
{
    public TokenCounts Tokens { get; init; } = Request is null ? default : UsageCommand.TokensOf(Request);
    public string? Description { get; init; } = Request?.Description;

    /// <summary>The provider's own account of the call, as JSON.</summary>
    public string? UsageJson { get; init; } = Request?.Usage?.GetRawText();

    /// <summary>The first of its ids at the system that reported it; null when its caller did.</summary>
    public string? ExternalId { get; init; } = Origin?.Aliases[0];

    /// <summary>Whose request recorded it; only a new usage has it.</summary>
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

    /// <summary>The same as its reviewer meets it.</summary>
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
