using System.Collections;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// The prices of a model besides its five plain ones, in US dollars, by their names in the price map: prices of service
/// tiers, of audio and image tokens, and per query, page or second. Names inside objects and lists are joined by dots.
/// Two dictionaries are equal when all their names and values are.
/// </summary>
[JsonConverter(typeof(OtherPriceConverter))]
public sealed class OtherPriceDictionary : IReadOnlyDictionary<string, decimal>, IEquatable<OtherPriceDictionary>
{
    private readonly FrozenDictionary<string, decimal> _prices;

    private OtherPriceDictionary(IEnumerable<KeyValuePair<string, decimal>> prices) =>
        _prices = prices.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The names in ordinal order.</summary>
    public IEnumerable<string> Keys => _prices.Keys.Order(StringComparer.Ordinal);

    public IEnumerable<decimal> Values => Keys.Select(key => _prices[key]);

    public int Count => _prices.Count;

    public decimal this[string key] => _prices[key];

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

    private static string Quote(string name) => JsonSerializer.Serialize(name, LedgerJson.Default.String);

    private static decimal ReadExact(JsonProperty price) =>
        Money.ReadExact(price.Value.GetRawText()) ?? throw new FormatException($"{price.Name} is no exact number.");

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Prices by name as a JSON object, each written and read like any other decimal.</summary>
public sealed class OtherPriceConverter : JsonConverter<OtherPriceDictionary>
{
    public override OtherPriceDictionary? Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var (values, prices) = (ValuesOf(options), new Dictionary<string, decimal>(StringComparer.Ordinal));
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("must be an object of prices");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            prices[name] = values.Read(ref reader, typeof(decimal), options);
        }
        return OtherPriceDictionary.Of(prices);
    }

    public override void Write(Utf8JsonWriter writer, OtherPriceDictionary value, JsonSerializerOptions options)
    {
        var values = ValuesOf(options);
        writer.WriteStartObject();
        foreach (var (name, usd) in value)
        {
            writer.WritePropertyName(name);
            values.Write(writer, usd, options);
        }
        writer.WriteEndObject();
    }

    private static JsonConverter<decimal> ValuesOf(JsonSerializerOptions options) =>
        (JsonConverter<decimal>)options.GetConverter(typeof(decimal));
}
