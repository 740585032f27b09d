namespace Factumerit.Ledger.Contracts;

/// <summary>The prices of one model from a point in time on, as imported (R18).</summary>
public sealed record ModelPrice
{
    /// <summary>The model's name, 1 to 200 characters.</summary>
    public required string Model { get; init; }

    /// <summary>The vendor of the model, in the form of a provider's account; null when it is unknown.</summary>
    public string? Provider { get; init; }

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
}

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

/// <summary>A page of prices by model. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record PricePage(IReadOnlyList<ModelPrice> Prices, string? NextAfter);

/// <summary>All prices that a model ever had, newest first.</summary>
public sealed record PriceHistory(string Model, IReadOnlyList<ModelPrice> Prices);
