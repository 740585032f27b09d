using System.Text.Json;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Reads one entry of the price map: its five plain prices, its vendor and mode, and all its other prices.
/// </summary>
internal static class PriceEntry
{
    private const int ModeLengthMax = 100;
    private const string Provider = "litellm_provider";
    private const string Mode = "mode";

    // DeepSeek's name for the price of tokens read from the cache.
    private const string CacheHit = "input_cost_per_token_cache_hit";
    private const int Input = 0;
    private const int Output = 1;
    private const int CacheRead = 2;
    private const int CacheWrite = 3;
    private const int Reasoning = 4;

    private static readonly string[] TokenFields =
    [
        "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost",
        "cache_creation_input_token_cost", "output_cost_per_reasoning_token",
    ];

    /// <summary>
    /// The prices; null when the entry has mistakes, or is skipped because it has no prices for tokens.
    /// </summary>
    public static TokenPrices? Read(string model, JsonElement entry, PriceMapErrors errors)
    {
        var (prices, others) = (new decimal?[TokenFields.Length], new List<JsonProperty>());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? provider = null, mode = null;
        foreach (var field in entry.EnumerateObject())
        {
            if (TextOf(field) is not { } name)
                continue;
            var index = Array.IndexOf(TokenFields, name);
            if (index < 0 && name != Provider)
            {
                if (name == Mode)
                    mode = ReadMode(field.Value);
                else if (IsPrice(name))
                    others.Add(field);
            }
            else if (!seen.Add(name))
                errors.Add($"{model}.{name}", "is given more than once");
            else if (index >= 0)
                prices[index] = ReadPrice($"{model}.{name}", field.Value, errors);
            else
                provider = ReadProvider($"{model}.{name}", field.Value, errors);
        }
        // Without an input price the cost of a call is unknown. An entry with a price per query, image or second and 0
        // for tokens is not free.
        if (prices[Input] is not { } input
            || (others.Any(other => IsChargedOtherwise(other.Name, other.Value))
                && prices.All(price => price is null or 0)))
            return null;
        var other = ReadOthers(model, others, errors);
        // A missing output price means 0, because embeddings generate nothing. If output has another price, it stays
        // unknown.
        if (prices[Output] is null && prices[Reasoning] is null && !others.Any(IsOutputPrice))
            prices[Output] = 0;
        if (prices[CacheRead] is null && other.TryGetValue(CacheHit, out var cacheHit))
            prices[CacheRead] = cacheHit;
        return new TokenPrices(
            provider, input, prices[Output], prices[CacheRead], prices[CacheWrite], prices[Reasoning],
            mode, OtherPriceDictionary.Of(other));
    }

    /// <summary>
    /// The name of a field; null when the name is not valid text, because it contains half of an escaped surrogate
    /// pair.
    /// </summary>
    public static string? TextOf(JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsPrice(string name) =>
        name.Contains("cost", StringComparison.Ordinal) || name is "tiered_pricing" or "provider_specific_entry";

    private static bool IsOutputPrice(JsonProperty field) =>
        field.Value.ValueKind == JsonValueKind.Number
        && field.Name.StartsWith("output_cost_", StringComparison.Ordinal);

    // The name of an object applies to the prices inside it.
    private static bool IsChargedOtherwise(string name, JsonElement value)
    {
        var isPrice = name.Contains("cost_per_", StringComparison.Ordinal);
        return value.ValueKind switch
        {
            JsonValueKind.Number => isPrice && Money.ReadExact(value.GetRawText()) is not 0m,
            JsonValueKind.Object => value.EnumerateObject()
                .Any(inner => IsChargedOtherwise(isPrice ? name : TextOf(inner) ?? "", inner.Value)),
            JsonValueKind.Array => value.EnumerateArray().Any(item => IsChargedOtherwise(name, item)),
            _ => false,
        };
    }

    private static Dictionary<string, decimal> ReadOthers(
        string model, List<JsonProperty> fields, PriceMapErrors errors)
    {
        var others = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var field in fields)
            if (!PriceMap.IsTokenPrice(field.Name))
                ReadOther(model, field.Name, field.Value, others, errors);
            else if (ReadPrice($"{model}.{field.Name}", field.Value, errors) is { } price)
                Add(model, field.Name, price, others, errors);
        return others;
    }

    // Objects and lists contain prices of one kind. Values that are not numbers are not prices.
    private static void ReadOther(
        string model, string name, JsonElement value, Dictionary<string, decimal> others, PriceMapErrors errors)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var field in value.EnumerateObject())
                    if (TextOf(field) is { } inner)
                        ReadOther(model, $"{name}.{inner}", field.Value, others, errors);
                break;
            case JsonValueKind.Array:
                foreach (var (index, item) in value.EnumerateArray().Index())
                    ReadOther(model, $"{name}.{index}", item, others, errors);
                break;
            case JsonValueKind.Number when ReadExact($"{model}.{name}", value, errors) is { } price:
                Add(model, name, price, others, errors);
                break;
        }
    }

    private static void Add(
        string model, string name, decimal price, Dictionary<string, decimal> others, PriceMapErrors errors)
    {
        if (name.Contains('\0', StringComparison.Ordinal))
            errors.Add($"{model}.{name}", "must hold no \\u0000 in its name");
        else if (!others.TryAdd(name, price) && others[name] != price)
            errors.Add(
                $"{model}.{name}", $"is given more than once: {Money.Format(others[name])} and {Money.Format(price)}");
    }

    private static decimal? ReadPrice(string field, JsonElement value, PriceMapErrors errors)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.Number)
            errors.Add(field, "must be a number of US dollars per token, such as 3e-06");
        else if (ReadExact(field, value, errors) is { } price)
        {
            if (price <= TokenPrices.UsdPerTokenMax)
                return price;
            errors.Add(field, $"must be at most {Money.Format(TokenPrices.UsdPerTokenMax)} US dollars for one token");
        }
        return null;
    }

    private static decimal? ReadExact(string field, JsonElement value, PriceMapErrors errors)
    {
        if (Money.ReadExact(value.GetRawText()) is not { } price)
            errors.Add(field, "has too many digits: at most 28 digits and 28 decimals are stored exactly");
        else if (price < 0)
            errors.Add(field, "must not be negative");
        else
            return price;
        return null;
    }

    private static string? ReadMode(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && StringOf(value) is { Length: > 0 and <= ModeLengthMax } mode
        && !mode.Any(char.IsControl) ? mode : null;

    private static string? ReadProvider(string field, JsonElement value, PriceMapErrors errors)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.String && StringOf(value) is { } name)
            return Vendors.NameOf(name);
        errors.Add(field, "must be the name of a provider");
        return null;
    }

    private static string? StringOf(JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            // The string contains half of an escaped surrogate pair.
            return null;
        }
    }
}
