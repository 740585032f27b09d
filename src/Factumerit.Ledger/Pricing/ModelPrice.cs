namespace Factumerit.Ledger.Pricing;

/// <summary>
/// What a provider charges for one model, in US dollars per token. A price of 0 means free. A class without its own
/// price (null) has the price of its kind: cache tokens the input price, reasoning tokens the output price.
/// </summary>
/// <param name="Provider">The vendor of the model, in the form of a provider's account; null when it is
/// unknown.</param>
/// <param name="InputUsdPerToken">Tokens sent.</param>
/// <param name="OutputUsdPerToken">Tokens generated; null: no price per token is known, because the model charges for
/// output in another way.</param>
/// <param name="CacheReadUsdPerToken">Tokens read from the provider's cache; null: the price of tokens sent.</param>
/// <param name="CacheWriteUsdPerToken">Tokens written to the provider's cache; null: the price of tokens sent.</param>
/// <param name="ReasoningUsdPerToken">Tokens generated in reasoning; null: the price of tokens generated.</param>
/// <param name="Mode">The purpose of the model according to the price map, such as chat or image_generation; null when
/// the map gives none.</param>
/// <param name="OtherPrices">Its other prices by their names in the price map; null when it has none.</param>
public sealed record TokenPrices(
    string? Provider, decimal InputUsdPerToken, decimal? OutputUsdPerToken,
    decimal? CacheReadUsdPerToken = null, decimal? CacheWriteUsdPerToken = null, decimal? ReasoningUsdPerToken = null,
    string? Mode = null, OtherPriceDictionary? OtherPrices = null)
{
    /// <summary>The largest price of one token, in US dollars.</summary>
    public const decimal UsdPerTokenMax = 1_000_000m;
}

/// <summary>The prices of one model from a point in time on, as imported (R18).</summary>
public sealed record ModelPrice
{
    /// <summary>The model's name, 1 to 200 characters.</summary>
    public required string Model { get; init; }

    /// <summary>
    /// The vendor of the model, in the form of a provider's account; null when it is unknown. An alias in a row from
    /// before vendors had one name is replaced here.
    /// </summary>
    public string? Provider { get; init => field = value is null ? null : Vendors.Canonical(value); }

    /// <summary>US dollars for a token sent; 0 is free.</summary>
    public required decimal InputUsdPerToken { get; init; }

    /// <summary>
    /// US dollars for a token generated; 0 is free. Null: no price per token is known, because the model charges for
    /// output in another way.
    /// </summary>
    public required decimal? OutputUsdPerToken { get; init; }

    /// <summary>US dollars for a token read from the provider's cache; null: the price of a token sent.</summary>
    public decimal? CacheReadUsdPerToken { get; init; }

    /// <summary>US dollars for a token written to the provider's cache; null: the price of a token sent.</summary>
    public decimal? CacheWriteUsdPerToken { get; init; }

    /// <summary>US dollars for a token generated in reasoning; null: the price of a token generated.</summary>
    public decimal? ReasoningUsdPerToken { get; init; }

    /// <summary>
    /// The purpose of the model according to the price map, such as chat or image_generation; null when the map gives
    /// none.
    /// </summary>
    public string? Mode { get; init; }

    /// <summary>Its other prices by their names in the price map, in US dollars; null when it has none.</summary>
    public OtherPriceDictionary? OtherPrices { get; init; }

    /// <summary>When the prices take effect; null: from the beginning.</summary>
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>The version of the import that brought the prices.</summary>
    public required long Version { get; init; }

    /// <summary>The model has no price from valid_from on. The prices here are its last ones.</summary>
    public bool IsGone { get; init; }

    /// <summary>Whether all known prices are 0.</summary>
    internal bool IsFree =>
        this is
        {
            InputUsdPerToken: 0, OutputUsdPerToken: 0,
            CacheReadUsdPerToken: null or 0, CacheWriteUsdPerToken: null or 0, ReasoningUsdPerToken: null or 0,
        }
        && OtherPrices is null or { IsFree: true };

    /// <summary>The prices alone, for comparison.</summary>
    internal TokenPrices ToPrices() => new(
        Provider, InputUsdPerToken, OutputUsdPerToken,
        CacheReadUsdPerToken, CacheWriteUsdPerToken, ReasoningUsdPerToken,
        Mode, OtherPrices);
}
