using System.Globalization;

namespace Factumerit.Ledger;

/// <summary>
/// Amounts are <see cref="decimal"/> US cents with at most seven decimals (one nano-dollar), stored as numeric(20,7).
/// An amount that can't be stored exactly is refused, not rounded; only <see cref="Cut"/> and <see cref="ReadCut"/>
/// truncate. All amounts from outside are parsed here.
/// </summary>
public static class Money
{
    /// <summary>Decimals of a cent that are stored: 0.0000001 cent is one nano-dollar.</summary>
    public const int DecimalsMax = 7;

    /// <summary>The largest amount of one operation, in cents: ten billion dollars.</summary>
    public const decimal OperationCentsMax = 1_000_000_000_000m;

    /// <summary>The largest provider cost of one call, in US dollars: the same amount.</summary>
    public const decimal CostUsdMax = OperationCentsMax / 100;

    /// <summary>
    /// The maximum number of digits, and of decimals, of a stored provider cost in US dollars: what
    /// <see cref="decimal"/> holds exactly.
    /// </summary>
    public const int CostDigitsMax = 28;

    /// <summary>The largest balance or debt of one user, in cents, that numeric(20,7) holds.</summary>
    public const decimal BalanceCentsMax = 9_999_999_999_999.9999999m;

    /// <summary>Whether the amount has no more decimals than are stored.</summary>
    public static bool IsExact(decimal cents) => decimal.Round(cents, DecimalsMax) == cents;

    /// <summary>Truncates the amount to the smallest stored unit. The caller carries over the remainder.</summary>
    public static decimal Cut(decimal cents) => decimal.Round(cents, DecimalsMax, MidpointRounding.ToZero);

    /// <summary>The same amount without trailing zeros: 5.0000000 becomes 5.</summary>
    public static decimal Normalize(decimal cents) => cents / 1.0000000000000000000000000000m;

    /// <summary>The same amount as text, without trailing zeros, in the invariant culture.</summary>
    public static string Format(decimal cents) => Normalize(cents).ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Parses a JSON number, which may have an exponent. <see cref="decimal.Parse(string)"/> alone would round a number
    /// of more than 28 digits, so the digits are counted first.
    /// </summary>
    /// <returns>null when the text is not a number; otherwise the amount, or the reason why it can't be
    /// stored.</returns>
    public static MoneyReading? Read(ReadOnlySpan<char> text)
    {
        if (!TrySplit(text, out var digits, out var decimals))
            return null;
        if (digits.Length == 0)
            return new MoneyReading(0m, null);
        if (digits.Length - decimals > 14)
            return new MoneyReading(null, $"must be at most {Format(OperationCentsMax)}");
        if (decimals > DecimalsMax)
            return new MoneyReading(
                null, $"must have at most {DecimalsMax} decimals (one nano-dollar is 0.0000001 cents)");
        return new MoneyReading(Compose(text, digits, decimals), null);
    }

    /// <summary>
    /// Parses a provider cost in US dollars with all its decimals: costs are sums of prices far below a cent.
    /// </summary>
    /// <returns>null when the text is not a number; otherwise the cost, or the reason why it can't be stored.</returns>
    public static MoneyReading? ReadUsd(ReadOnlySpan<char> text)
    {
        if (!TrySplit(text, out var digits, out var decimals))
            return null;
        if (digits.Length == 0)
            return new MoneyReading(0m, null);
        if (digits.Length - decimals > 11)
            return new MoneyReading(null, $"must be at most {Format(CostUsdMax)}");
        if (Math.Max(digits.Length, decimals) > CostDigitsMax)
            return new MoneyReading(null, $"must have at most {CostDigitsMax} digits and decimals");
        return new MoneyReading(Compose(text, digits, decimals), null);
    }

    // Exact, because the callers pass no more digits than a decimal holds.
    private static decimal Compose(ReadOnlySpan<char> text, string digits, int decimals)
    {
        var amount = decimal.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        for (; decimals < 0; decimals++)
            amount *= 10;
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(amount, bits);
        return new decimal(bits[0], bits[1], bits[2], isNegative: text[0] == '-', (byte)decimals);
    }

    /// <summary>
    /// Parses a JSON number in any unit with all its decimals. Null when the text is not a number, or has more digits
    /// than a decimal always holds: the number would be rounded.
    /// </summary>
    public static decimal? ReadExact(ReadOnlySpan<char> text)
    {
        if (!TrySplit(text, out var digits, out var decimals))
            return null;
        if (digits.Length == 0)
            return 0m;
        if (Math.Max(Math.Max(digits.Length, decimals), digits.Length - decimals) > CostDigitsMax)
            return null;
        return Compose(text, digits, decimals);
    }

    /// <summary>
    /// Parses a JSON number in any unit and drops the digits beyond those that a decimal always holds. A number above 0
    /// stays above 0, and a number too large for a decimal becomes the largest decimal. Null when the text is not a
    /// number.
    /// </summary>
    public static decimal? ReadCut(ReadOnlySpan<char> text)
    {
        if (!TrySplit(text, out var digits, out var decimals))
            return null;
        if (digits.Length == 0)
            return 0m;
        if (digits.Length - decimals > CostDigitsMax)
            return text[0] == '-' ? decimal.MinValue : decimal.MaxValue;
        var excess = Math.Max(digits.Length, decimals) - CostDigitsMax;
        if (excess >= digits.Length)
            (digits, decimals) = ("1", CostDigitsMax);
        else if (excess > 0)
            (digits, decimals) = (digits[..^excess], decimals - excess);
        return Normalize(Compose(text, digits, decimals));
    }

    // Splits -12.3400e-2 into its significant digits "1234" and the count of decimals (4). A negative count is the
    // number of trailing zeros left out.
    private static bool TrySplit(ReadOnlySpan<char> text, out string digits, out int decimals)
    {
        (digits, decimals) = ("", 0);
        var mantissa = text.StartsWith("-") ? text[1..] : text;
        var exponent = 0;
        var e = mantissa.IndexOfAny('e', 'E');
        if (e >= 0)
        {
            if (!int.TryParse(
                    mantissa[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || exponent is < -9999 or > 9999)
                return false;
            mantissa = mantissa[..e];
        }
        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var fraction = point < 0 ? [] : mantissa[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty)
            || whole.ContainsAnyExceptInRange('0', '9') || fraction.ContainsAnyExceptInRange('0', '9'))
            return false;
        var all = string.Concat(whole, fraction).TrimStart('0');
        digits = all.TrimEnd('0');
        decimals = fraction.Length - exponent - (all.Length - digits.Length);
        return true;
    }
}

/// <summary>
/// A parsed number: its exact amount in cents (dollars for a cost), or the reason why it can't be stored. The reason
/// continues a field name.
/// </summary>
public readonly record struct MoneyReading(decimal? Cents, string? Error);
