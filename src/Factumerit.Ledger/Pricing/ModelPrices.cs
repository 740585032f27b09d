namespace Factumerit.Ledger.Pricing;

/// <summary>What pricing needs to know of the prices of a model.</summary>
internal static class ModelPrices
{
    extension(ModelPrice price)
    {
        /// <summary>Whether all known prices are 0.</summary>
        public bool IsFree =>
            price is
            {
                InputUsdPerToken: 0, OutputUsdPerToken: 0,
                CacheReadUsdPerToken: null or 0, CacheWriteUsdPerToken: null or 0, ReasoningUsdPerToken: null or 0,
            }
            && price.Variants?.IsFree != false;

        /// <summary>The other prices in the form that pricing needs; null when there are none.</summary>
        public PriceVariants? Variants => price.OtherPrices is { } others ? PriceVariants.Of(others) : null;

        /// <summary>The prices alone, for comparison.</summary>
        public TokenPrices ToPrices() => new(
            price.Provider, price.InputUsdPerToken, price.OutputUsdPerToken,
            price.CacheReadUsdPerToken, price.CacheWriteUsdPerToken, price.ReasoningUsdPerToken,
            price.Mode, price.OtherPrices);
    }

    /// <summary>
    /// The prices under the vendor's own name. Rows from before vendors had one name may hold an alias.
    /// </summary>
    public static ModelPrice OfVendor(ModelPrice price) =>
        price.Provider is { } name && Vendors.Canonical(name) is var vendor && vendor != name
            ? price with { Provider = vendor }
            : price;

    /// <summary>The row of the price book that makes the change.</summary>
    public static ModelPrice ToPrice(this PriceChange change, long version)
    {
        var prices = change.New ?? change.Old!;
        return new ModelPrice
        {
            Model = change.Model,
            Version = version,
            ValidFrom = change.ValidFrom,
            Provider = prices.Provider,
            InputUsdPerToken = prices.InputUsdPerToken,
            OutputUsdPerToken = prices.OutputUsdPerToken,
            CacheReadUsdPerToken = prices.CacheReadUsdPerToken,
            CacheWriteUsdPerToken = prices.CacheWriteUsdPerToken,
            ReasoningUsdPerToken = prices.ReasoningUsdPerToken,
            Mode = prices.Mode,
            OtherPrices = prices.OtherPrices,
            IsGone = change.New is null,
        };
    }
}
