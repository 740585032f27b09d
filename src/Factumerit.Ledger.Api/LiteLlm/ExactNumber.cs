using System.Globalization;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>
/// Reads a number as it is written, with or without an exponent, into a decimal that equals it. What a decimal can't hold exactly is refused:
/// nothing is rounded, and nothing passes through a binary fraction.
/// </summary>
internal static class ExactNumber
{
    private const int CharactersMax = 64;
    private const int DigitsMax = 28;

    public static bool TryParse(ReadOnlySpan<byte> text, out decimal number)
    {
        number = 0;
        if (text.Length is 0 or > CharactersMax)
            return false;
        Span<char> characters = stackalloc char[text.Length];
        for (var i = 0; i < text.Length; i++)
            characters[i] = (char)text[i];
        return IsExact(characters) && decimal.TryParse(
            characters, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number);
    }

    // A decimal holds 28 digits, none of them further than 28 places behind the point. What is no number at all is left to the parser.
    private static bool IsExact(ReadOnlySpan<char> text)
    {
        var (exponent, e) = (0, text.IndexOfAny('e', 'E'));
        if (e >= 0)
        {
            if (!int.TryParse(text[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || exponent is < -9999 or > 9999)
                return false;
            text = text[..e];
        }
        var (digits, zeros, decimals, isBehindPoint) = (0, 0, 0, false);
        foreach (var character in text)
        {
            if (character == '.')
                isBehindPoint = true;
            if (!char.IsAsciiDigit(character))
                continue;
            decimals += isBehindPoint ? 1 : 0;
            zeros = character == '0' ? zeros + 1 : 0;
            digits += digits > 0 || character != '0' ? 1 : 0;
        }
        return digits == 0 ? exponent is >= -DigitsMax and <= DigitsMax : digits - zeros <= DigitsMax && decimals - exponent - zeros <= DigitsMax && digits - decimals + exponent <= DigitsMax;
    }
}
