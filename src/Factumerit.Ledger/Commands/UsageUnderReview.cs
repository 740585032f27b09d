using System.Text.Json;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Commands;

/// <summary>
/// A usage under review: the data from which a price can be calculated, and the decision of an earlier review (R16).
/// Billing and waiving replace it with the reviewed version, which the writer saves.
/// </summary>
public sealed record UsageUnderReview
{
    public required Guid UsageId { get; init; }
    public required string RequestId { get; init; }
    public required long RequestHash { get; init; }
    public required string? UserId { get; init; }
    public required string BillingStatus { get; init; }
    public string? ReviewReason { get; init; }
    public string? Model { get; init; }
    public string? Provider { get; init; }
    public TokenCounts Tokens { get; init; }

    /// <summary>The usage object that the provider returned, as JSON.</summary>
    public string? UsageJson { get; init; }
    public string? Description { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public decimal? AmountCents { get; init; }
    public decimal? ProviderCostUsd { get; init; }
    public decimal? MarkupFactor { get; init; }
    public long? PriceVersion { get; init; }
    public Guid? TransactionId { get; init; }

    /// <summary>The balance in the review's answer, in cents.</summary>
    public decimal? BalanceCents { get; init; }
    public string? ReviewedBy { get; init; }

    /// <summary>The actor who reviewed it; null for a review from before actors were stored.</summary>
    public int? ReviewedById { get; init; }
    public DateTimeOffset? ReviewedAt { get; init; }
    public string? ReviewNote { get; init; }
    public string? ReviewKey { get; init; }
    public long? ReviewHash { get; init; }

    /// <summary>When a later report of the same call added values that were missing.</summary>
    public DateTimeOffset? FilledAt { get; init; }

    internal RecordedUsage ToRecorded() => new()
    {
        UsageId = UsageId,
        RequestId = RequestId,
        UserId = UserId,
        AmountCents = AmountCents,
        BillingStatus = BillingStatus,
        ReviewReason = ReviewReason,
        TransactionId = TransactionId,
        BalanceCents = BalanceCents ?? 0,
        Model = Model,
        Provider = Provider,
        ProviderCostUsd = ProviderCostUsd,
        MarkupFactor = MarkupFactor,
        PriceVersion = PriceVersion,
        OccurredAt = OccurredAt,
        CreatedAt = CreatedAt,
    };

    /// <summary>
    /// The price from the known cost, else from the price book as of the call, else from the price book as of now.
    /// Without the last step, a model whose first prices are dated after the call would never be priced.
    /// </summary>
    internal PricedCall Price(Pricer pricer, DateTimeOffset now)
    {
        if (ProviderCostUsd is null && ReviewReasons.AreTokensDoubtful(ReviewReason))
            return new PricedCall { Provider = Provider, ReviewReason = ReviewReason };
        JsonElement? usage = UsageJson is null ? null : JsonElement.Parse(UsageJson);
        var call = pricer.Price(Model, Provider, ProviderCostUsd, Tokens, usage, OccurredAt, now);
        return call.ReviewReason == ReviewReasons.UnknownModel
            ? pricer.Price(Model, Provider, ProviderCostUsd, Tokens, usage, now, now)
            : call;
    }
}
