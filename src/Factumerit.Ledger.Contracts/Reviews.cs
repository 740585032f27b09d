using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// The price of a usage that waits for review. Request body of POST /usage/{usage_id}/bill. Without amount_cents and
/// provider_cost_usd the price is calculated.
/// </summary>
public sealed record BillRequest
{
    /// <summary>
    /// What the user pays, in cents, from 0 to 10^12, with at most 7 decimals. Not together with provider_cost_usd.
    /// </summary>
    public decimal? AmountCents { get; init; }

    /// <summary>
    /// What the provider charges, in US dollars, from 0 to 10^10. The user pays this times the markup. Allowed only if
    /// the cost is not known yet.
    /// </summary>
    [JsonConverter(typeof(UsdConverter))]
    public decimal? ProviderCostUsd { get; init; }

    /// <summary>
    /// The user who pays. Required if the usage has no user yet, otherwise not allowed. An unknown user gets a budget.
    /// </summary>
    public string? UserId { get; init; }
}

/// <summary>The reason why nobody pays for a usage. Request body of POST /usage/{usage_id}/waive.</summary>
public sealed record WaiveRequest
{
    /// <summary>A text for people, 1 to 1000 characters; stored as the usage's review_note.</summary>
    public string? Reason { get; init; }
}

/// <summary>Selects the waiting usages to price again. Request body of POST /usage/reprice.</summary>
public sealed record RepriceRequest
{
    /// <summary>Only usages of this model, named as it was reported; default: all.</summary>
    public string? Model { get; init; }

    /// <summary>Only usages of this user; default: all.</summary>
    public string? UserId { get; init; }
}

/// <summary>The result of pricing the waiting usages again.</summary>
/// <param name="Billed">The number of usages that were billed.</param>
/// <param name="Waiting">The number of selected usages that still wait.</param>
/// <param name="AmountCents">The amount billed, in cents.</param>
public sealed record Repricing(long Billed, long Waiting, decimal AmountCents);

/// <summary>The usages that wait for review.</summary>
/// <param name="Waiting">The number of usages.</param>
/// <param name="OldestAt">When the oldest was recorded; null when none waits.</param>
/// <param name="OldestAgeSeconds">The age of the oldest in seconds; null when none waits.</param>
public sealed record WaitingReviews(long Waiting, DateTimeOffset? OldestAt, long? OldestAgeSeconds);
