using System.Globalization;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Cli.Display;

/// <summary>
/// Formats cents for people: <c>$1,234.56</c>. Further decimals are shown only if they are not 0, so 0.0165 cents are
/// <c>$0.000165</c>. Nothing is ever rounded. Every printed amount uses this format.
/// </summary>
public static partial class MoneyFormat
{
    private const string Pattern = "#,##0.00##########################";

    /// <summary>One amount in dollars.</summary>
    public static string Format(decimal cents)
    {
        var dollars = Math.Abs(cents / 100m).ToString(Pattern, CultureInfo.InvariantCulture);
        return cents < 0 ? $"-${dollars}" : $"${dollars}";
    }

    /// <summary>The amounts of one column, all equally wide and aligned at the decimal point.</summary>
    public static IReadOnlyList<string> Align(IEnumerable<decimal?> column)
    {
        var amounts = column.Select(cents => cents is null ? "" : Format(cents.Value)).ToList();
        var decimals = amounts.Select(Decimals).DefaultIfEmpty().Max();
        var padded = amounts.ConvertAll(amount => amount + new string(' ', decimals - Decimals(amount)));
        var width = padded.Select(amount => amount.Length).DefaultIfEmpty().Max();
        return padded.ConvertAll(amount => amount.PadLeft(width));
    }

    /// <summary>A count with thousands separators.</summary>
    public static string Count(long count) => count.ToString("#,##0", CultureInfo.InvariantCulture);

    /// <summary>True if the text is a JSON number and can be sent unchanged.</summary>
    public static bool IsNumber(string text) => text.Length <= 64 && JsonNumber().IsMatch(text);

    private static int Decimals(string amount) =>
        amount.Length == 0 ? 0 : amount.Length - amount.IndexOf('.', StringComparison.Ordinal);

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex JsonNumber();
}
