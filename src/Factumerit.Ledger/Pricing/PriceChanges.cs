namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The changes that a map makes to the price book, computed without changing either: a new row for each difference, no
/// row for equal prices. Existing prices stay; new prices begin after them (R18).
/// </summary>
public sealed record PriceChanges(IReadOnlyList<PriceChange> Changes, int Unchanged)
{
    /// <summary>One in this many priced models may be gone before an import needs allow_gone.</summary>
    private const int GoneShare = 10;

    public int Count(string change) => Changes.Count(c => c.Change == change);

    /// <summary>
    /// The refusal of an import that would end more than a tenth of the models that have a price, as a truncated file
    /// would; otherwise null.
    /// </summary>
    public Refusal.ValidationFailed? FindEnding()
    {
        var (gone, active) = (
            Count(PriceChange.Gone),
            Unchanged + Count(PriceChange.Changed) + Count(PriceChange.Gone));
        return gone * GoneShare > active
            ? new(
                "allow_gone",
                $"must be true for this: {gone} of the {active} models that have a price are not in the map, "
                + "and would have none from then on")
            : null;
    }

    /// <param name="newest">The newest row of each model, including gone models.</param>
    /// <param name="map">The map to import.</param>
    /// <param name="now">The default time from which changed and gone prices count. A model's first price counts from
    /// the beginning by default.</param>
    /// <param name="validFrom">The time from which all changes count, if it was given.</param>
    public static Outcome<PriceChanges> Between(
        IReadOnlyDictionary<string, ModelPrice> newest, PriceMap map, DateTimeOffset now, DateTimeOffset? validFrom)
    {
        var (changes, unchanged) = (new List<PriceChange>(), 0);
        foreach (var (model, prices) in map.Prices)
        {
            var known = newest.GetValueOrDefault(model);
            if (known is null)
                changes.Add(new PriceChange(model, PriceChange.Added, validFrom, null, prices));
            else if (known.IsGone)
                changes.Add(new PriceChange(model, PriceChange.Added, validFrom ?? now, null, prices));
            else if (known.ToPrices() != prices)
                changes.Add(new PriceChange(model, PriceChange.Changed, validFrom ?? now, known.ToPrices(), prices));
            else
                unchanged++;
        }
        foreach (var known in newest.Values.Where(known => !known.IsGone && !map.Prices.ContainsKey(known.Model)))
            changes.Add(new PriceChange(known.Model, PriceChange.Gone, validFrom ?? now, known.ToPrices(), null));
        changes.Sort((a, b) => string.CompareOrdinal(a.Model, b.Model));
        return Early(newest, changes) is { } early
            ? new Refusal.ValidationFailed("valid_from", early)
            : new PriceChanges(changes, unchanged);
    }

    private static string? Early(IReadOnlyDictionary<string, ModelPrice> newest, List<PriceChange> changes)
    {
        var latest = changes
            .Where(c => newest.GetValueOrDefault(c.Model)?.ValidFrom >= c.ValidFrom)
            .Select(c => newest[c.Model])
            .MaxBy(p => p.ValidFrom);
        return latest is null
            ? null
            : $"must be after {latest.ValidFrom!.Value.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'}, "
                + $"when the newest prices of {latest.Model} begin: "
                + "prices are never changed once they are active (R18)";
    }
}
