using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// The factors between provider cost and user price: the factor of the model, else of its provider, else the default.
/// </summary>
public sealed class Markups
{
    /// <summary>The largest factor, and the maximum number of its decimals.</summary>
    public const decimal FactorMax = 1000m;
    public const int DecimalsMax = 6;

    /// <summary>Users pay what the provider charges.</summary>
    public static readonly Markups None = new(new PricingOptions());

    private readonly decimal _standard;
    private readonly FrozenDictionary<string, decimal> _byProvider;
    private readonly FrozenDictionary<string, decimal> _byModel;
    private readonly FrozenDictionary<string, decimal>.AlternateLookup<ReadOnlySpan<char>> _byModelSpan;

    public Markups(PricingOptions options)
    {
        _standard = options.Markup;
        _byProvider = options.Overrides.Where(o => o.Provider is not null)
            .ToFrozenDictionary(o => Vendors.Canonical(o.Provider!), o => o.Markup!.Value, StringComparer.Ordinal);
        _byModel = options.Overrides.Where(o => o.Model is not null)
            .ToFrozenDictionary(o => PriceBook.CanonicalNameOf(o.Model!), o => o.Markup!.Value, StringComparer.Ordinal);
        _byModelSpan = _byModel.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>
    /// The factor for a call. A factor for <c>provider/model</c> takes precedence over a factor for the model at any
    /// vendor, with or without the vendor before its name. Both take precedence over a factor for the provider.
    /// </summary>
    public decimal FactorOf(string? model, string? provider)
    {
        var vendor = provider is null ? default : Vendors.Canonical(provider.AsSpan());
        if (model is not null && _byModel.Count > 0 && OfModel(model, vendor) is { } factor)
            return factor;
        return provider is not null && _byProvider.TryGetValue(Vendors.Canonical(provider), out var standard)
            ? standard
            : _standard;
    }

    private decimal? OfModel(string model, ReadOnlySpan<char> vendor)
    {
        var (prefix, rest) = PriceBook.Split(model);
        var factor = vendor.IsEmpty ? null : Of($"{vendor}/{model}");
        factor ??= Of(model);
        return prefix.IsEmpty ? factor : factor ?? Of($"{Vendors.Canonical(prefix)}/{rest}") ?? Of(rest);
    }

    private decimal? Of(ReadOnlySpan<char> model) => _byModelSpan.TryGetValue(model, out var factor) ? factor : null;
}

/// <summary>The configuration section <c>Pricing</c>.</summary>
public sealed class PricingOptions : IValidatableObject
{
    /// <summary>What users pay for each dollar of provider cost, unless an override applies.</summary>
    public decimal Markup { get; set; } = 1.0m;

    /// <summary>
    /// Other factors for a provider or a model. A list, because names of models contain the colon that separates
    /// configuration keys.
    /// </summary>
    public List<MarkupOverride> Overrides { get; set; } = [];

    /// <summary>Seconds between checks whether another process has imported prices.</summary>
    [Range(1, 3600, ErrorMessage = "Pricing:RefreshSeconds must be from {1} to {2}.")]
    public int RefreshSeconds { get; set; } = 5;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsFactor(Markup))
            yield return new($"Pricing:Markup {FactorLimits}.");
        var seen = new HashSet<(string?, string?)>();
        for (var i = 0; i < Overrides.Count; i++)
        {
            var (key, one) = ($"Pricing:Overrides:{i}", Overrides[i]);
            if (string.IsNullOrEmpty(one.Provider) == string.IsNullOrEmpty(one.Model))
                yield return new($"{key} must name either a Provider or a Model.");
            else if (one.Provider is { Length: > 0 } provider && !ChartOfAccounts.IsProvider(provider))
                yield return new(
                    $"{key}:Provider must be a lower-case letter followed by up to 39 of a-z, 0-9, _ and -, "
                    + "and neither 'api' nor 'sales_tax'.");
            else if (!seen.Add(NameOf(one)))
                yield return new($"{key} repeats {one.Provider ?? one.Model}, which has a markup already.");
            if (one.Markup is not { } markup || !IsFactor(markup))
                yield return new($"{key}:Markup {FactorLimits}.");
        }
    }

    // Aliases of one vendor are one name.
    private static (string?, string?) NameOf(MarkupOverride one) => (
        string.IsNullOrEmpty(one.Provider) ? null : Vendors.Canonical(one.Provider),
        string.IsNullOrEmpty(one.Model) ? null : PriceBook.CanonicalNameOf(one.Model));

    private static string FactorLimits =>
        $"must be from 0 to {Markups.FactorMax}, with at most {Markups.DecimalsMax} decimals";

    private static bool IsFactor(decimal markup) =>
        markup is >= 0 and <= Markups.FactorMax && decimal.Round(markup, Markups.DecimalsMax) == markup;
}

/// <summary>The markup of one provider or one model; exactly one of the two is named.</summary>
public sealed class MarkupOverride
{
    /// <summary>A vendor, under any of its names.</summary>
    public string? Provider { get; set; }

    /// <summary>A model at any vendor, or <c>provider/model</c> for the model at one vendor.</summary>
    public string? Model { get; set; }
    public decimal? Markup { get; set; }
}
