namespace Factumerit.Ledger.Storage;

/// <summary>
/// A row of <c>price_versions</c>: one import of prices. The prices of an active version never change (R18).
/// </summary>
public sealed class PriceVersionRow
{
    public long Version { get; init; }
    public DateTimeOffset ValidFrom { get; init; }
    public byte[] ContentHash { get; init; } = [];
    public string Source { get; init; } = "";
    public string ImportedBy { get; init; } = "";
    public int? ImportedById { get; init; }
    public DateTimeOffset ImportedAt { get; init; }
    public int Added { get; init; }
    public int Changed { get; init; }
    public int Gone { get; init; }
}

/// <summary>
/// A row of <c>model_prices</c>: the prices of a provider for a model, in US dollars per token, from a time on (R18).
/// </summary>
public sealed class ModelPriceRow
{
    public string Model { get; init; } = "";
    public long Version { get; init; }
    public string? Provider { get; init; }

    /// <summary>null: from the beginning of time.</summary>
    public DateTimeOffset? ValidFrom { get; init; }
    public decimal InputUsdPerToken { get; init; }

    /// <summary>null: unknown; the model charges for output in another way.</summary>
    public decimal? OutputUsdPerToken { get; init; }
    public decimal? CacheReadUsdPerToken { get; init; }
    public decimal? CacheWriteUsdPerToken { get; init; }
    public decimal? ReasoningUsdPerToken { get; init; }

    /// <summary>The model's mode in the price map, such as chat, embedding or image_generation.</summary>
    public string? Mode { get; init; }

    /// <summary>The model's other prices by their names in the price map, as a JSON object.</summary>
    public string? OtherPrices { get; init; }

    /// <summary>If true, the model has no price from ValidFrom on, and the row holds its last prices.</summary>
    public bool IsGone { get; init; }
}

/// <summary>A row of <c>price_cancellations</c>: a version that was cancelled before it began.</summary>
public sealed class PriceCancellationRow
{
    public long Version { get; init; }
    public DateTimeOffset CancelledAt { get; init; }
    public string CancelledBy { get; init; } = "";
}
