namespace Factumerit.Ledger.Pricing;

/// <summary>
/// What a provider charges for one model, in US dollars per token. A price of 0 means free; a class without a price of
/// its own (null) costs what its kind costs: cache tokens the input price, reasoning tokens the output price.
/// </summary>
/// <param name="Provider">Whose model it is, in the form of a provider's account; null when that isn't known.</param>
/// <param name="InputUsdPerToken">Tokens sent.</param>
/// <param name="OutputUsdPerToken">Tokens generated; null: not known, though the model charges for output in another
/// way.</param>
/// <param name="CacheReadUsdPerToken">Tokens read from the provider's cache; null: as tokens sent.</param>
/// <param name="CacheWriteUsdPerToken">Tokens written to the provider's cache; null: as tokens sent.</param>
/// <param name="ReasoningUsdPerToken">Tokens generated in reasoning; null: as tokens generated.</param>
/// <param name="Mode">What the model is for, as the price map says it, such as chat or image_generation; null when it
/// doesn't.</param>
/// <param name="OtherPrices">Its other prices by their names in the price map; null when it has none.</param>
public sealed record TokenPrices(
    string? Provider, decimal InputUsdPerToken, decimal? OutputUsdPerToken,
    decimal? CacheReadUsdPerToken = null, decimal? CacheWriteUsdPerToken = null, decimal? ReasoningUsdPerToken = null,
    string? Mode = null, OtherPriceDictionary? OtherPrices = null)
{
    /// <summary>The largest price of one token, in US dollars.</summary>
    public const decimal UsdPerTokenMax = 1_000_000m;
}

/// <summary>The prices of one model from a time on, as an import brought them (R18).</summary>
public sealed record ModelPrice
{
    /// <summary>The model's name, 1 to 200 characters.</summary>
    public required string Model { get; init; }

    /// <summary>
    /// Whose model it is, in the form of a provider's account; null when that isn't known. A row from before vendors
    /// had one name has it too.
    /// </summary>
    public string? Provider { get; init => field = value is null ? null : Vendors.Canonical(value); }

    /// <summary>US dollars for a token sent; 0 is free.</summary>
    public required decimal InputUsdPerToken { get; init; }

    /// <summary>
    /// US dollars for a token generated; 0 is free, null: not known, though the model charges for output in another
    /// way.
    /// </summary>
    public required decimal? OutputUsdPerToken { get; init; }

    /// <summary>US dollars for a token read from the provider's cache; null: as a token sent.</summary>
    public decimal? CacheReadUsdPerToken { get; init; }

    /// <summary>US dollars for a token written to the provider's cache; null: as a token sent.</summary>
    public decimal? CacheWriteUsdPerToken { get; init; }

    /// <summary>US dollars for a token generated in reasoning; null: as a token generated.</summary>
    public decimal? ReasoningUsdPerToken { get; init; }

    /// <summary>
    /// What the model is for, as the price map says it, such as chat or image_generation; null when it doesn't.
    /// </summary>
    public string? Mode { get; init; }

    /// <summary>Its other prices by their names in the price map, in US dollars; null when it has none.</summary>
    public OtherPriceDictionary? OtherPrices { get; init; }

    /// <summary>From when on it counts; null: from the beginning.</summary>
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>The import that brought it.</summary>
    public required long Version { get; init; }

    /// <summary>From valid_from on the model has no price; the prices are the last it had.</summary>
    public bool IsGone { get; init; }

    /// <summary>Whether everything that is known to have a price costs nothing.</summary>
    internal bool IsFree =>
        this is
        {
            InputUsdPerToken: 0, OutputUsdPerToken: 0,
            CacheReadUsdPerToken: null or 0, CacheWriteUsdPerToken: null or 0, ReasoningUsdPerToken: null or 0,
        }
        && OtherPrices is null or { IsFree: true };

    /// <summary>The prices themselves, to be compared.</summary>
    internal TokenPrices ToPrices() => new(
        Provider, InputUsdPerToken, OutputUsdPerToken, CacheReadUsdPerToken, CacheWriteUsdPerToken, ReasoningUsdPerToken,
        Mode, OtherPrices);
}
