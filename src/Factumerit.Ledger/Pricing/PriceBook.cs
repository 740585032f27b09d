using System.Collections.Frozen;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// All prices that ever existed, by model. Each price is in force from its time until the time of the next (R18). A
/// call finds only prices of its own vendor. Immutable, so one pricing uses one book throughout.
/// </summary>
public sealed class PriceBook
{
    public static readonly PriceBook Empty = new([], 0);

    private readonly FrozenDictionary<string, ModelPrice[]> _histories;
    private readonly FrozenDictionary<string, ModelPrice[]>.AlternateLookup<ReadOnlySpan<char>> _historiesBySpan;

    // The same histories under vendor/model, for names in which the map uses an alias of the vendor.
    private readonly FrozenDictionary<string, ModelPrice[]>.AlternateLookup<ReadOnlySpan<char>> _aliasedBySpan;

    /// <param name="prices">The rows in any order, including rows that say a model is gone.</param>
    /// <param name="version">The newest import in the rows; 0: no import yet.</param>
    /// <param name="cancellations">The number of cancelled imports.</param>
    public PriceBook(IEnumerable<ModelPrice> prices, long version, long cancellations = 0)
    {
        _histories = prices.Select(ModelPrices.OfVendor)
            .GroupBy(p => p.Model, StringComparer.Ordinal)
            .ToFrozenDictionary(
                model => model.Key,
                model => model.OrderBy(p => p.ValidFrom ?? DateTimeOffset.MinValue).ThenBy(p => p.Version).ToArray(),
                StringComparer.Ordinal);
        _historiesBySpan = _histories.GetAlternateLookup<ReadOnlySpan<char>>();
        _aliasedBySpan = _histories
            .Select(history => (Name: CanonicalNameOf(history.Key), Key: history.Key, history.Value))
            .Where(history => history.Name != history.Key)
            .OrderBy(history => history.Key, StringComparer.Ordinal)
            .DistinctBy(history => history.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(history => history.Name, history => history.Value, StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();
        (Version, Cancellations) = (version, cancellations);
    }

    public long Version { get; }

    public long Cancellations { get; }

    /// <summary>
    /// The price of a model at a time; null when unknown. With a provider: the entry <c>provider/model</c>, else the
    /// entry of the model's name if it belongs to that vendor. Without a provider: the entry of exactly that name;
    /// else, if the name begins with a vendor, that vendor's entry of the rest.
    /// </summary>
    public ModelPrice? Find(string model, DateTimeOffset at, string? provider = null) =>
        First(model, provider, at, InForce);

    /// <summary>
    /// The name of the entry that prices a call without a provider, at any time; null when there never was one.
    /// </summary>
    internal string? NameOf(string model) => First(model, null, default, static (history, _) => history[^1])?.Model;

    /// <summary>The name with the canonical name of its vendor before the first slash.</summary>
    internal static string CanonicalNameOf(string model)
    {
        var (prefix, rest) = Split(model);
        var vendor = Vendors.Canonical(prefix);
        return prefix.IsEmpty || vendor.SequenceEqual(prefix) ? model : $"{vendor}/{rest}";
    }

    /// <summary>
    /// The parts of <c>provider/model</c> before and after the first slash; both empty when it has no such parts.
    /// </summary>
    internal static Parts Split(string model) =>
        model.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 && slash < model.Length - 1
            ? new(model.AsSpan(0, slash), model.AsSpan(slash + 1))
            : default;

    private ModelPrice? First(string model, string? provider, DateTimeOffset at, PickPrice pick)
    {
        var (prefix, rest) = Split(model);
        var prefixVendor = Vendors.Canonical(prefix);
        if (provider is null)
        {
            if (Pick(_historiesBySpan, model, at, pick) is { } exact)
                return exact;
            return prefix.IsEmpty
                ? null
                : OfVendor(prefixVendor, rest, at, pick) ?? BareOf(prefixVendor, rest, at, pick);
        }
        var vendor = Vendors.Canonical(provider);
        if ((OfVendor(provider, model, at, pick) ?? OfVendor(vendor, model, at, pick)) is { } own)
            return own;
        if (!prefix.IsEmpty && prefixVendor.SequenceEqual(vendor))
            return Pick(_historiesBySpan, model, at, pick)
                ?? OfVendor(vendor, rest, at, pick) ?? BareOf(vendor, rest, at, pick);
        return BareOf(vendor, model, at, pick);
    }

    // The entry vendor/model, under any alias of the vendor in the map.
    private ModelPrice? OfVendor(ReadOnlySpan<char> vendor, ReadOnlySpan<char> model, DateTimeOffset at, PickPrice pick)
    {
        var length = vendor.Length + 1 + model.Length;
        var name = length <= 256 ? stackalloc char[length] : new char[length];
        vendor.CopyTo(name);
        name[vendor.Length] = '/';
        model.CopyTo(name[(vendor.Length + 1)..]);
        return Pick(_historiesBySpan, name, at, pick) ?? Pick(_aliasedBySpan, name, at, pick);
    }

    // The entry of exactly that name, if it belongs to the vendor.
    private ModelPrice? BareOf(
        ReadOnlySpan<char> vendor, ReadOnlySpan<char> model, DateTimeOffset at, PickPrice pick) =>
        Pick(_historiesBySpan, model, at, pick) is { } price && vendor.SequenceEqual(price.Provider) ? price : null;

    private static ModelPrice? Pick(
        FrozenDictionary<string, ModelPrice[]>.AlternateLookup<ReadOnlySpan<char>> histories,
        ReadOnlySpan<char> name, DateTimeOffset at, PickPrice pick) =>
        histories.TryGetValue(name, out var history) ? pick(history, at) : null;

    private static readonly PickPrice InForce = static (history, at) =>
    {
        // Starts with the newest price, which applies to almost every usage.
        for (var i = history.Length - 1; i >= 0; i--)
            if (history[i].ValidFrom is not { } from || from <= at)
                return history[i].IsGone ? null : history[i];
        return null;
    };

    // Selects one of a model's prices, which are ordered from the oldest to the newest.
    private delegate ModelPrice? PickPrice(ModelPrice[] history, DateTimeOffset at);

    /// <summary>The two parts of a model's name.</summary>
    internal readonly ref struct Parts(ReadOnlySpan<char> prefix, ReadOnlySpan<char> rest)
    {
        private readonly ReadOnlySpan<char> _prefix = prefix;
        private readonly ReadOnlySpan<char> _rest = rest;

        public void Deconstruct(out ReadOnlySpan<char> prefix, out ReadOnlySpan<char> rest)
        {
            prefix = _prefix;
            rest = _rest;
        }
    }
}
