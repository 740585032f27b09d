using System.Text.Json;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// LiteLLM's price map (<c>model_prices_and_context_window.json</c>), read whole: every mistake is collected, and with a single one there is no
/// map. Numbers are taken from the text as exact decimals. The template and what isn't priced by the token are skipped and counted.
/// </summary>
public sealed record PriceMap(IReadOnlyDictionary<string, TokenPrices> Prices, int Skipped)
{
    /// <summary>Enough to mend a map by.</summary>
    public const int ErrorsMax = 100;

    private const string Template = "sample_spec";
    private const string Input = "input_cost_per_token";
    private const string Output = "output_cost_per_token";
    private const string CacheRead = "cache_read_input_token_cost";
    private const string CacheWrite = "cache_creation_input_token_cost";
    private const string Reasoning = "output_cost_per_reasoning_token";
    private static readonly string[] TokenFields = [Input, Output, CacheRead, CacheWrite, Reasoning];

    /// <summary>The map, or everything that is wrong with it by <c>model.field</c>.</summary>
    public static (PriceMap? Map, Refusal? Refusal) Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return (null, new Refusal.ValidationFailed("$", "must be a JSON object: LiteLLM's price map, with an entry for each model"));
        var (prices, skipped, errors) = (new Dictionary<string, TokenPrices>(StringComparer.Ordinal), 0, new Errors());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in root.EnumerateObject())
        {
            if (NameOf(entry, errors) is not { } model)
                continue;
            if (!seen.Add(model))
                errors.Add(model, "is given more than once");
            else if (model == Template)
                skipped++;
            else if (entry.Value.ValueKind != JsonValueKind.Object)
                errors.Add(model, "must be a JSON object");
            else if (ReadEntry(model, entry.Value, errors) is { } found)
                prices[model] = found;
            else
                skipped++;
        }
        if (prices.Count == 0 && !errors.Any)
            errors.Add("$", "has no model with a price for its tokens");
        return errors.Any ? (null, errors.ToRefusal()) : (new PriceMap(prices, skipped), null);
    }

    /// <summary>LiteLLM's name of a provider in the form of ours; null when it has none.</summary>
    public static string? NormalizeProvider(string name)
    {
        var normalized = string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-' ? c : '_'));
        return ChartOfAccounts.IsProvider(normalized) ? normalized : null;
    }

    private static string? NameOf(JsonProperty entry, Errors errors)
    {
        try
        {
            if (entry.Name is { Length: > 0 and <= 200 } name && !name.Any(char.IsControl))
                return name;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is escaped in it.
        }
        errors.Add("$", "has a model whose name is not 1 to 200 characters of valid text, none of them a control character");
        return null;
    }

    // Null when the entry is skipped, or has mistakes.
    private static TokenPrices? ReadEntry(string model, JsonElement entry, Errors errors)
    {
        var (prices, isPricedOtherwise) = (new decimal?[TokenFields.Length], false);
        string? provider = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in entry.EnumerateObject())
        {
            var index = Array.FindIndex(TokenFields, field.NameEquals);
            if (index < 0 && !field.NameEquals("litellm_provider"))
                isPricedOtherwise |= IsOtherPrice(field);
            else if (!seen.Add(field.Name))
                errors.Add($"{model}.{field.Name}", "is given more than once");
            else if (index >= 0)
                prices[index] = ReadPrice($"{model}.{field.Name}", field.Value, errors);
            else
                provider = ReadProvider($"{model}.{field.Name}", field.Value, errors);
        }
        // An output price may be missing, as embeddings generate nothing; without an input price there is no telling what a call costs.
        if (prices[0] is not { } input)
            return null;
        // Priced by the query, picture or second, and 0 for tokens: that is not free.
        if (isPricedOtherwise && prices.All(price => price is null or 0))
            return null;
        return new TokenPrices(provider, input, prices[1] ?? 0, prices[2], prices[3], prices[4]);
    }

    private static bool IsOtherPrice(JsonProperty field) =>
        field.Value.ValueKind == JsonValueKind.Number && HasText(field) && field.Name.Contains("cost_per_", StringComparison.Ordinal)
        && Money.ReadExact(field.Value.GetRawText()) is not 0m;

    private static bool HasText(JsonProperty field)
    {
        try
        {
            return field.Name.Length > 0;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static decimal? ReadPrice(string field, JsonElement value, Errors errors)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.Number)
            errors.Add(field, "must be a number of US dollars per token, such as 3e-06");
        else if (Money.ReadExact(value.GetRawText()) is not { } price)
            errors.Add(field, "has more digits than can be kept exactly: at most 28, and at most 28 decimals");
        else if (price < 0)
            errors.Add(field, "must not be negative");
        else if (price > TokenPrices.UsdPerTokenMax)
            errors.Add(field, $"must be at most {Money.Format(TokenPrices.UsdPerTokenMax)} US dollars for one token");
        else
            return price;
        return null;
    }

    private static string? ReadProvider(string field, JsonElement value, Errors errors)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return null;
        try
        {
            if (value.ValueKind == JsonValueKind.String)
                return NormalizeProvider(value.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is escaped in it.
        }
        errors.Add(field, "must be the name of a provider");
        return null;
    }

    /// <summary>The mistakes by where they are, in the order of the map, so many and no more.</summary>
    private sealed class Errors
    {
        private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);

        public bool Any => _errors.Count > 0;

        public void Add(string where, string error)
        {
            if (_errors.Count < ErrorsMax)
                _errors[where] = [error];
            else
                _errors["$"] = [$"has more mistakes than the {ErrorsMax} that are shown"];
        }

        public Refusal ToRefusal() => new Refusal.ValidationFailed(_errors);
    }
}
