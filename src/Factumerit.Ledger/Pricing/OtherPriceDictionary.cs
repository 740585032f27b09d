using System.Collections;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The prices of a model besides its five plain ones, in US dollars, by their names in the price map: prices of service
/// tiers, of audio and image tokens, and per query, page or second. Names inside objects and lists are joined by dots.
/// Two dictionaries are equal when all their names and values are.
/// </summary>
public sealed class OtherPriceDictionary : IReadOnlyDictionary<string, decimal>, IEquatable<OtherPriceDictionary>
{
    /// <summary>
    /// The prefix of factors that a vendor applies to all prices, such as provider_specific_entry.fast.
    /// </summary>
    internal const string FactorPrefix = "provider_specific_entry.";

    private readonly FrozenDictionary<string, decimal> _prices;
    private readonly Lazy<PriceVariants> _variants;

    private OtherPriceDictionary(IEnumerable<KeyValuePair<string, decimal>> prices)
    {
        _prices = prices.ToFrozenDictionary(StringComparer.Ordinal);
        _variants = new(() => new PriceVariants(_prices));
    }

    /// <summary>The names in ordinal order.</summary>
    public IEnumerable<string> Keys => _prices.Keys.Order(StringComparer.Ordinal);

    public IEnumerable<decimal> Values => Keys.Select(key => _prices[key]);

    public int Count => _prices.Count;

    public decimal this[string key] => _prices[key];

    /// <summary>The prices in the form that pricing needs, computed once.</summary>
    internal PriceVariants Variants => _variants.Value;

    /// <summary>Whether all of them are 0; factors are not prices.</summary>
    internal bool IsFree =>
        _prices.All(price => price.Value == 0 || price.Key.StartsWith(FactorPrefix, StringComparison.Ordinal));

    /// <summary>The prices; null when there are none.</summary>
    public static OtherPriceDictionary? Of(IReadOnlyCollection<KeyValuePair<string, decimal>> prices) =>
        prices.Count == 0 ? null : new(prices);

    /// <summary>
    /// The prices from a JSON object written by <see cref="ToJson"/>, exact; null when there are none.
    /// </summary>
    public static OtherPriceDictionary? Parse(string? json)
    {
        if (json is null)
            return null;
        using var document = JsonDocument.Parse(json);
        return Of([.. document.RootElement.EnumerateObject().Select(price =>
            KeyValuePair.Create(price.Name, ReadExact(price)))]);
    }

    /// <summary>The prices as a JSON object of exact numbers.</summary>
    public string ToJson() =>
        $"{{{string.Join(',', this.Select(price => $"{Quote(price.Key)}:{Money.Format(price.Value)}"))}}}";

    public bool ContainsKey(string key) => _prices.ContainsKey(key);

    public bool TryGetValue(string key, out decimal value) => _prices.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, decimal>> GetEnumerator() =>
        Keys.Select(key => KeyValuePair.Create(key, _prices[key])).GetEnumerator();

    public bool Equals(OtherPriceDictionary? other) =>
        other is not null && other.Count == Count
        && _prices.All(price => other.TryGetValue(price.Key, out var value) && value == price.Value);

    public override bool Equals(object? obj) => Equals(obj as OtherPriceDictionary);

    public override int GetHashCode() =>
        _prices.Aggregate(0, (hash, price) => hash ^ HashCode.Combine(price.Key, price.Value));

    public override string ToString() =>
        string.Join(", ", this.Select(price =>
            string.Create(CultureInfo.InvariantCulture, $"{price.Key} {price.Value}")));

    private static string Quote(string name) => JsonSerializer.Serialize(name, PriceJson.Default.String);

    private static decimal ReadExact(JsonProperty price) =>
        Money.ReadExact(price.Value.GetRawText()) ?? throw new FormatException($"{price.Name} is no exact number.");

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class PriceJson : System.Text.Json.Serialization.JsonSerializerContext;
