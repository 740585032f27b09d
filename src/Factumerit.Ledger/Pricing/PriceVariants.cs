using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Factumerit.Ledger.Pricing;

/// <summary>Units other than tokens that can be charged for.</summary>
[Flags]
internal enum Units
{
    None = 0,
    Query = 1,
    Page = 2,
    Second = 4,
    Character = 8,
    Image = 16,
    Pixel = 32,
    Session = 64,
    Credit = 128,
    Citation = 256,

    /// <summary>Charged per request, or in steps that the price book does not know: applies to every call.</summary>
    Always = 512,
}

/// <summary>
/// The other prices of a model, sorted by purpose: variants of token prices, and prices of other units.
/// </summary>
internal sealed class PriceVariants
{
    // In the order in which a name is searched for them.
    private static readonly ImmutableArray<(string Word, Units Unit)> Words =
    [
        ("_per_query", Units.Query), ("_per_page", Units.Page), ("_per_second", Units.Second),
        ("_per_character", Units.Character), ("_per_image", Units.Image), ("_per_pixel", Units.Pixel),
        ("_per_session", Units.Session), ("_per_credit", Units.Credit), ("citation_cost", Units.Citation),
        ("_per_request", Units.Always), ("tiered_pricing", Units.Always),
    ];

    /// <summary>
    /// The prefix of factors that a vendor applies to all prices, such as provider_specific_entry.fast.
    /// </summary>
    public const string FactorPrefix = "provider_specific_entry.";

    // Each model's prices are sorted once, with the first call that is priced by them.
    private static readonly ConditionalWeakTable<OtherPriceDictionary, PriceVariants> Sorted = [];

    private readonly Dictionary<PriceCondition, decimal?[]> _prices = [];
    private readonly HashSet<string> _tiers = new(StringComparer.Ordinal);
    private readonly List<int> _sizes;
    private readonly Dictionary<string, decimal> _factors = new(StringComparer.Ordinal);

    public PriceVariants(IEnumerable<KeyValuePair<string, decimal>> prices)
    {
        foreach (var (name, usd) in prices)
        {
            IsFree &= usd == 0 || name.StartsWith(FactorPrefix, StringComparison.Ordinal);
            if (TokenClasses.Parse(name) is { } variant)
                Add(variant.Class, variant.Condition, usd);
            else if (name.StartsWith(FactorPrefix, StringComparison.Ordinal))
                _factors[name[FactorPrefix.Length..]] = usd;
            else if (usd != 0)
                Add(name);
        }
        _sizes =
        [
            .. _prices.Keys.Select(when => when.AboveThousands)
                .Where(size => size > 0)
                .Distinct()
                .OrderDescending(),
        ];
    }

    /// <summary>Whether all of them are 0; factors are not prices.</summary>
    public bool IsFree { get; } = true;

    /// <summary>Units other than tokens that are charged for input.</summary>
    public Units InputUnits { get; private set; }

    /// <summary>Units other than tokens that are charged for output.</summary>
    public Units OutputUnits { get; private set; }

    /// <summary>Units other than tokens that are charged for.</summary>
    public Units AllUnits => InputUnits | OutputUnits;

    public bool HasTiers => _tiers.Count > 0;

    public bool HasTier(string tier) => _tiers.Contains(tier);

    public static PriceVariants Of(OtherPriceDictionary prices) =>
        Sorted.GetValue(prices, static known => new PriceVariants(known));

    /// <summary>The price of a class under exactly this condition.</summary>
    public decimal? Of(TokenClass one, PriceCondition condition) =>
        _prices.TryGetValue(condition, out var prices) ? prices[(int)one] : null;

    /// <summary>
    /// The condition under which a call is priced. A tier or a size that no price of the model names has no effect.
    /// </summary>
    public PriceCondition ConditionOf(long promptTokens, string tier)
    {
        if (!_tiers.Contains(tier))
            tier = "";
        foreach (var size in _sizes)
            if (promptTokens > size * 1000L
                && (_prices.ContainsKey(new(size, "")) || _prices.ContainsKey(new(size, tier))))
                return new(size, tier);
        return new(0, tier);
    }

    /// <summary>Whether a word of the usage, such as fast, applies a factor to all prices.</summary>
    public bool HasFactor(string word) => _factors.TryGetValue(word, out var factor) && factor != 1;

    private void Add(TokenClass one, PriceCondition condition, decimal usd)
    {
        if (!_prices.TryGetValue(condition, out var prices))
            _prices[condition] = prices = new decimal?[TokenClasses.Count];
        prices[(int)one] = usd;
        if (condition.Tier.Length > 0)
            _tiers.Add(condition.Tier);
    }

    private void Add(string name)
    {
        var unit = Words.FirstOrDefault(word => name.Contains(word.Word, StringComparison.Ordinal)).Unit;
        if (!name.StartsWith("output_", StringComparison.Ordinal))
            InputUnits |= unit;
        if (!name.StartsWith("input_", StringComparison.Ordinal))
            OutputUnits |= unit;
    }
}
