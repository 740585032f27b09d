namespace Factumerit.Ledger.Pricing;

/// <summary>
/// What a provider charges for one model's tokens, in US dollars per token, from a time on. A price of 0 means free; a class without a price of
/// its own (null) costs what its kind costs: cache tokens the input price, reasoning tokens the output price.
/// </summary>
public sealed record ModelPrice
{
    /// <summary>The largest price of one token, in US dollars.</summary>
    public const decimal UsdPerTokenMax = 1_000_000m;

    public required string Model { get; init; }

    /// <summary>Whose model it is, in the form of a provider's account; null when that isn't known.</summary>
    public string? Provider { get; init; }

    public required decimal InputUsdPerToken { get; init; }
    public required decimal OutputUsdPerToken { get; init; }
    public decimal? CacheReadUsdPerToken { get; init; }
    public decimal? CacheWriteUsdPerToken { get; init; }
    public decimal? ReasoningUsdPerToken { get; init; }

    /// <summary>From when on it counts; null: from the beginning.</summary>
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>The import that brought it.</summary>
    public required long Version { get; init; }

    /// <summary>From <see cref="ValidFrom"/> on the model has no price.</summary>
    public bool IsGone { get; init; }
}
