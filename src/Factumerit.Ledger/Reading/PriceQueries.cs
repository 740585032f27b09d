using System.Linq.Expressions;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Reading;

/// <summary>A page of prices by model. NextAfter: pass it as after= to get the next page; null at the end.</summary>
public sealed record PricePage(IReadOnlyList<ModelPrice> Prices, string? NextAfter);

/// <summary>All prices a model ever had, the newest first.</summary>
public sealed record PriceHistory(string Model, IReadOnlyList<ModelPrice> Prices);

/// <summary>Reads the price book as it is stored, so that every service says the same at the same time.</summary>
public sealed class PriceQueries(LedgerDatabase database)
{
    private static readonly Expression<Func<ModelPriceRow, ModelPrice>> ToPrice = p => new ModelPrice
    {
        Model = p.Model,
        Provider = p.Provider,
        InputUsdPerToken = p.InputUsdPerToken,
        OutputUsdPerToken = p.OutputUsdPerToken ?? 0,
        CacheReadUsdPerToken = p.CacheReadUsdPerToken,
        CacheWriteUsdPerToken = p.CacheWriteUsdPerToken,
        ReasoningUsdPerToken = p.ReasoningUsdPerToken,
        ValidFrom = p.ValidFrom,
        Version = p.Version,
        IsGone = p.IsGone,
    };

    /// <summary>The prices in force at a time, in the order of the models' names, from the one behind <paramref name="after"/>.</summary>
    public async Task<PricePage> ListAsync(
        string? prefix, string? provider, DateTimeOffset at, int limit, string? after, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var begun = db.ModelPrices.Where(p => p.ValidFrom == null || p.ValidFrom <= at);
        // Later imports begin later (R18), so of those that have begun the highest version is in force.
        var inForce = begun.Where(p => !p.IsGone && !begun.Any(later => later.Model == p.Model && later.Version > p.Version));
        if (!string.IsNullOrEmpty(prefix))
            inForce = inForce.Where(p => p.Model.StartsWith(prefix));
        if (!string.IsNullOrEmpty(provider))
            inForce = inForce.Where(p => p.Provider == provider);
        if (!string.IsNullOrEmpty(after))
            inForce = inForce.Where(p => string.Compare(p.Model, after) > 0);
        var page = await inForce.OrderBy(p => p.Model).Take(limit + 1).Select(ToPrice).ToListAsync(cancellationToken);
        return new PricePage(page.Count > limit ? page[..limit] : page, page.Count > limit ? page[limit - 1].Model : null);
    }

    /// <summary>A model's history, found as usages find their price: by its exact name, else without its provider prefix; null when unknown.</summary>
    public async Task<PriceHistory?> FindAsync(string model, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        foreach (var name in (string[])[model, PriceBook.WithoutPrefix(model).ToString()])
        {
            var prices = await db.ModelPrices.Where(p => p.Model == name).OrderByDescending(p => p.Version).Select(ToPrice).ToListAsync(cancellationToken);
            if (prices.Count > 0)
                return new PriceHistory(name, prices);
        }
        return null;
    }
}
