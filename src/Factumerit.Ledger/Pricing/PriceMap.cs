namespace Factumerit.Ledger.Pricing;

/// <summary>The prices of all models at one time, as a source publishes them.</summary>
/// <param name="Source">Where the map comes from; stored with the version that its import makes.</param>
/// <param name="Prices">The prices by model.</param>
/// <param name="Skipped">The number of entries without prices for tokens.</param>
public sealed record PriceMap(string Source, IReadOnlyDictionary<string, TokenPrices> Prices, int Skipped)
{
    /// <summary>Whether the pricer uses a price of this name for tokens.</summary>
    public static bool IsTokenPrice(string name) => TokenClasses.Parse(name) is not null;
}
