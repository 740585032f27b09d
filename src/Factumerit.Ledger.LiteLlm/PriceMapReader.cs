using System.Text.Json;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Reads LiteLLM's price map (<c>model_prices_and_context_window.json</c>) as a whole: all mistakes are collected, and
/// a map with a mistake is refused. Numbers are read from their text as exact decimals. The template, entries that are
/// not priced by the token, and values that are not entries are skipped and counted.
/// </summary>
public static class PriceMapReader
{
    /// <summary>The most mistakes that are reported, which is enough to fix a map.</summary>
    public const int ErrorsMax = 100;

    /// <summary>The source that price versions from this map carry.</summary>
    public const string Source = "litellm";

    private const string Template = "sample_spec";

    /// <summary>The map, or all its mistakes by <c>model.field</c>.</summary>
    public static (PriceMap? Map, Refusal? Refusal) Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return (null, new Refusal.ValidationFailed(
                "$", "must be a JSON object: LiteLLM's price map, with an entry for each model"));
        // Skipped entries are null.
        var (entries, errors) = (new Dictionary<string, TokenPrices?>(StringComparer.Ordinal), new PriceMapErrors());
        foreach (var entry in root.EnumerateObject())
        {
            if (NameOf(entry, errors) is not { } model)
                continue;
            var prices = model == Template || entry.Value.ValueKind != JsonValueKind.Object
                ? null
                : PriceEntry.Read(model, entry.Value, errors);
            if (!entries.TryAdd(model, prices) && entries[model] != prices)
                errors.Add(
                    model,
                    $"is given more than once, with different prices: {Describe(entries[model])}; "
                    + $"and {Describe(prices)}");
        }
        var found = entries.Where(entry => entry.Value is not null)
            .ToDictionary(entry => entry.Key, entry => entry.Value!, StringComparer.Ordinal);
        if (found.Count == 0 && !errors.Any)
            errors.Add("$", "has no model with a price for its tokens");
        return errors.Any
            ? (null, errors.ToRefusal())
            : (new PriceMap(Source, found, entries.Count - found.Count), null);
    }

    private static string? NameOf(JsonProperty entry, PriceMapErrors errors)
    {
        if (PriceEntry.TextOf(entry) is { Length: > 0 and <= 200 } name && !name.Any(char.IsControl))
            return name;
        errors.Add(
            "$",
            "has a model whose name is not 1 to 200 characters of valid text without control characters");
        return null;
    }

    private static string Describe(TokenPrices? prices)
    {
        if (prices is null)
            return "none for its tokens";
        (string Name, decimal? Usd)[] plain =
        [
            ("input", prices.InputUsdPerToken), ("output", prices.OutputUsdPerToken),
            ("cache read", prices.CacheReadUsdPerToken), ("cache write", prices.CacheWriteUsdPerToken),
            ("reasoning", prices.ReasoningUsdPerToken),
        ];
        var parts = plain.Where(price => price.Usd is not null)
            .Select(price => $"{price.Name} {Money.Format(price.Usd!.Value)}")
            .Concat(prices.OtherPrices?.Select(other => $"{other.Key} {Money.Format(other.Value)}") ?? []);
        return string.Join(
            ", ", new[] { prices.Provider ?? "no provider", prices.Mode }.OfType<string>().Concat(parts));
    }
}

/// <summary>The mistakes by location, in the order of the map, up to a limit.</summary>
internal sealed class PriceMapErrors
{
    private const int ErrorLengthMax = 500;
    private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);

    public bool Any => _errors.Count > 0;

    public void Add(string where, string error)
    {
        if (_errors.Count < PriceMapReader.ErrorsMax)
            _errors[FieldErrors.Shorten(where)] = [FieldErrors.Shorten(error, ErrorLengthMax)];
        else
            _errors["$"] = [$"has more mistakes than the {PriceMapReader.ErrorsMax} that are shown"];
    }

    public Refusal ToRefusal() => new Refusal.ValidationFailed(_errors);
}
