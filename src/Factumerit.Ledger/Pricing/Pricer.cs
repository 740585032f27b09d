using System.Numerics;
using System.Text.Json;

namespace Factumerit.Ledger.Pricing;

/// <summary>
/// Calculates the provider cost of a call and the price for the user: the reported cost or the cost by the price book
/// (R18), times the markup. Costs are exact. The price is rounded once, at the very end, to 7 decimals of a cent, half
/// away from zero.
/// </summary>
/// <example>
/// 1,234 tokens sent, 1,000 of them read from the cache, and 57 generated, at $0.0000003 a token read and $0.0000025
/// and $0.00001 a token sent and generated, with a markup of 1.15: 234 x 0.0000025 + 1000 x 0.0000003 + 57 x 0.00001 =
/// $0.001455 provider cost; x 100 x 1.15 = 0.167325 cents. A cost of $0.00000000005 with the markup 1.1 is 0.0000000055
/// cents and rounds to 0; $0.0000000005 with the markup 1.0 is 0.00000005 cents and rounds away from zero, to
/// 0.0000001.
/// </example>
/// <param name="book">The price book.</param>
/// <param name="markups">The markups by model and provider.</param>
/// <param name="currentUntil">
/// Until when no price of the book can have been cancelled without this process knowing, by the database's clock; null:
/// forever.
/// </param>
public sealed class Pricer(PriceBook book, Markups markups, DateTimeOffset? currentUntil = null)
{
    public PriceBook Book => book;

    /// <summary>
    /// The vendor of a call: the vendor of the given provider, else the price book's vendor of the model at that time,
    /// else null.
    /// </summary>
    public string? ProviderOf(string? model, string? provider, DateTimeOffset occurredAt) =>
        provider is not null ? Vendors.Canonical(provider)
        : model is null ? null
        : book.Find(model, occurredAt)?.Provider;

    /// <summary>Whether a model costs nothing at a time: the price book has it, and all its prices are 0.</summary>
    /// <param name="model">The model as it was called.</param>
    /// <param name="provider">The vendor of the call, in the form of a provider's account; null when it is
    /// unknown.</param>
    /// <param name="at">The time of the call.</param>
    public bool IsFree(string model, string? provider, DateTimeOffset at) =>
        book.Find(model, at, provider) is { } price && price.IsFree;

    /// <summary>
    /// Prices a call: the given cost times the markup; else the cost of its tokens by the price book times the markup;
    /// else the reason why it needs review. Never throws: a value that can't be stored gives a refusal that names the
    /// field.
    /// </summary>
    /// <param name="model">The model as it was called; null when it is unknown.</param>
    /// <param name="provider">The vendor of the call, in the form of a provider's account; null: the vendor of the
    /// model's entry.</param>
    /// <param name="providerCostUsd">What the provider charges in US dollars, if known. It alone then determines the
    /// price.</param>
    /// <param name="tokens">The tokens of the call.</param>
    /// <param name="usage">The usage object that the provider returned: it shows which of the model's other prices
    /// apply.</param>
    /// <param name="occurredAt">The time of the call, whose prices apply.</param>
    /// <param name="decidedAt">The time of the commit, by the database's clock; null: no price book is too old.</param>
    public PricedCall Price(
        string? model, string? provider, decimal? providerCostUsd, in TokenCounts tokens, JsonElement? usage,
        DateTimeOffset occurredAt, DateTimeOffset? decidedAt = null)
    {
        var price = model is null ? null : book.Find(model, occurredAt, provider);
        provider = provider is null ? price?.Provider : Vendors.Canonical(provider);
        if (providerCostUsd is { } given)
            return Mark(model, provider, given, null, "provider_cost_usd");
        if (Unpriceable(model, price, tokens) is { } reason)
            return new PricedCall { Provider = provider, ReviewReason = reason };
        if (decidedAt > currentUntil)
            return new PricedCall { Provider = provider, ReviewReason = ReviewReasons.StalePrices };
        return TokenCost.Of(price!, tokens, usage) switch
        {
            { ReviewReason: { } otherwise } => new PricedCall { Provider = provider, ReviewReason = otherwise },
            { Usd: { } costUsd } => Mark(model, provider, costUsd, price!.Version, "prompt_tokens"),
            _ => Refuse(
                "prompt_tokens",
                "is priced with more digits than a cost can be kept with exactly; "
                + "send provider_cost_usd or amount_cents"),
        };
    }

    private static string? Unpriceable(string? model, ModelPrice? price, in TokenCounts tokens)
    {
        if (model is null || !tokens.Any)
            return ReviewReasons.NoTokens;
        if (tokens.Disagree)
            return ReviewReasons.TokensDisagree;
        return price is null ? ReviewReasons.UnknownModel : null;
    }

    private PricedCall Mark(string? model, string? provider, decimal costUsd, long? priceVersion, string field)
    {
        if (costUsd < 0)
            return Refuse(field, "must not be negative");
        var markup = markups.FactorOf(model, provider);
        if (costUsd > Money.CostUsdMax || Round(costUsd, markup) is not (var priceCents and <= Money.OperationCentsMax))
            return Refuse(field, $"comes to more than {Money.Format(Money.OperationCentsMax)} cents");
        return new PricedCall
        {
            PriceCents = priceCents,
            CostUsd = costUsd,
            Markup = markup,
            PriceVersion = priceVersion,
            Provider = provider,
        };
    }

    private static PricedCall Refuse(string field, string error) =>
        new() { Refusal = new Refusal.ValidationFailed(field, error) };

    private static decimal Round(decimal costUsd, decimal markup)
    {
        var factor = 100 * markup;
        if (costUsd == 0 || factor == 0)
            return 0;
        var cents = costUsd * factor;
        return cents.Scale == costUsd.Scale + factor.Scale
            ? Money.Normalize(Math.Round(cents, Money.DecimalsMax, MidpointRounding.AwayFromZero))
            : RoundLong(costUsd, factor);
    }

    // For products with more digits than a decimal holds. Decimal multiplication would round them a first time, and
    // 0.49999... could become a half.
    private static decimal RoundLong(decimal costUsd, decimal factor)
    {
        var excess = BigInteger.Pow(10, costUsd.Scale + factor.Scale - Money.DecimalsMax);
        var whole = BigInteger.DivRem(Digits(costUsd) * Digits(factor), excess, out var rest);
        if (rest * 2 >= excess)
            whole++;
        return Money.Normalize((decimal)whole / 10_000_000m);
    }

    private static BigInteger Digits(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        return (new BigInteger((uint)bits[2]) << 64) + (new BigInteger((uint)bits[1]) << 32) + (uint)bits[0];
    }
}
