using System.Linq.Expressions;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Queries;

/// <summary>
/// Reads the price book from the database, not from a cache, so all processes return the same prices at the same time.
/// </summary>
public sealed class PriceQueries(LedgerDatabase database)
{
    private static readonly Expression<Func<ModelPriceRow, ModelPrice>> ToPrice = p => new ModelPrice
    {
        Model = p.Model,
        Provider = Vendors.CanonicalOrNull(p.Provider),
        InputUsdPerToken = p.InputUsdPerToken,
        OutputUsdPerToken = p.OutputUsdPerToken,
        CacheReadUsdPerToken = p.CacheReadUsdPerToken,
        CacheWriteUsdPerToken = p.CacheWriteUsdPerToken,
        ReasoningUsdPerToken = p.ReasoningUsdPerToken,
        Mode = p.Mode,
        OtherPrices = OtherPriceDictionary.Parse(p.OtherPrices),
        ValidFrom = p.ValidFrom,
        Version = p.Version,
        IsGone = p.IsGone,
    };

    /// <summary>
    /// Lists the prices in force at a time, in the order of the models' names, starting after <paramref name="after"/>.
    /// </summary>
    public async Task<PricePage> ListAsync(
        string? prefix, string? provider, DateTimeOffset at, int limit, string? after,
        CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var begun = Counting(db).Where(p => p.ValidFrom == null || p.ValidFrom <= at);
        // Later imports begin later (R18), so the highest version that has begun is in force.
        var inForce = begun.Where(p =>
            !p.IsGone && !begun.Any(later => later.Model == p.Model && later.Version > p.Version));
        if (!string.IsNullOrEmpty(prefix))
            inForce = inForce.Where(p => p.Model.StartsWith(prefix));
        if (!string.IsNullOrEmpty(provider))
            inForce = OfVendor(inForce, Vendors.Canonical(provider));
        if (!string.IsNullOrEmpty(after))
            inForce = inForce.Where(p => string.Compare(p.Model, after) > 0);
        var page = await inForce.OrderBy(p => p.Model).Take(limit + 1).Select(ToPrice).ToListAsync(cancellationToken);
        return new PricePage(
            page.Count > limit ? page[..limit] : page, page.Count > limit ? page[limit - 1].Model : null);
    }

    /// <summary>
    /// Finds a model's history by the rules for a usage without a provider (<see cref="PriceBook.Find"/>); null when
    /// unknown.
    /// </summary>
    public async Task<PriceHistory?> FindAsync(string model, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        string[] names = [model, .. NamesOf(model)];
        var prices = await Counting(db).Where(p => names.Contains(p.Model)).OrderByDescending(p => p.Version)
            .Select(ToPrice).ToListAsync(cancellationToken);
        return new PriceBook(prices, 0).NameOf(model) is { } name
            ? new PriceHistory(name, [.. prices.Where(p => p.Model == name)])
            : null;
    }

    // All prices except those of versions that were cancelled before they began.
    private static IQueryable<ModelPriceRow> Counting(LedgerDbContext db) =>
        db.ModelPrices.Where(p => !db.PriceCancellations.Any(c => c.Version == p.Version));

    // All entries that the price book may find for provider/model: the model alone, and with each name of the provider.
    private static IEnumerable<string> NamesOf(string model)
    {
        if (model.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
            return [];
        var (provider, rest) = (model[..slash], model[(slash + 1)..]);
        return Vendors.SpellingsOf(Vendors.Canonical(provider)).Select(name => $"{name}/{rest}").Prepend(rest);
    }

    // Old rows may have another name of the vendor: search for all of its names.
    private static IQueryable<ModelPriceRow> OfVendor(IQueryable<ModelPriceRow> prices, string vendor)
    {
        string[] names = [.. Vendors.SpellingsOf(vendor)];
        var kinds = $"{vendor}-";
        return Vendors.Families.Contains(vendor)
            ? prices.Where(p => names.Contains(p.Provider) || p.Provider!.StartsWith(kinds))
            : prices.Where(p => names.Contains(p.Provider));
    }
}
