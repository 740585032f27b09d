using System.Collections.Frozen;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// All prices there ever were, by model, each in force from its time until the next one's (R18). Immutable, so that whoever prices with it sees
/// one book from beginning to end.
/// </summary>
public sealed class PriceBook
{
    public static readonly PriceBook Empty = new([], 0);

    private readonly FrozenDictionary<string, ModelPrice[]> _histories;
    private readonly FrozenDictionary<string, ModelPrice[]>.AlternateLookup<ReadOnlySpan<char>> _historiesBySpan;

    /// <param name="prices">The rows in any order, those that say a model is gone included.</param>
    /// <param name="version">The newest import that they come from; 0: none yet.</param>
    public PriceBook(IEnumerable<ModelPrice> prices, long version)
    {
        _histories = prices.GroupBy(p => p.Model, StringComparer.Ordinal).ToFrozenDictionary(
            model => model.Key,
            model => model.OrderBy(p => p.ValidFrom ?? DateTimeOffset.MinValue).ThenBy(p => p.Version).ToArray(),
            StringComparer.Ordinal);
        _historiesBySpan = _histories.GetAlternateLookup<ReadOnlySpan<char>>();
        Version = version;
    }

    public long Version { get; }

    /// <summary>The price of a model at a time: by its exact name, else by its name without the provider before the first slash; null when unknown.</summary>
    public ModelPrice? Find(string model, DateTimeOffset at) =>
        FindExact(model, at) ?? (WithoutPrefix(model) is { IsEmpty: false } bare ? FindExact(bare, at) : null);

    /// <summary>The part of <c>provider/model</c> behind the first slash; empty when there is none.</summary>
    internal static ReadOnlySpan<char> WithoutPrefix(string model) =>
        model.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 ? model.AsSpan(slash + 1) : [];

    private ModelPrice? FindExact(ReadOnlySpan<char> model, DateTimeOffset at)
    {
        if (!_historiesBySpan.TryGetValue(model, out var history))
            return null;
        // From the newest on: almost every usage is priced with that.
        for (var i = history.Length - 1; i >= 0; i--)
            if (history[i].ValidFrom is not { } from || from <= at)
                return history[i].IsGone ? null : history[i];
        return null;
    }
}
