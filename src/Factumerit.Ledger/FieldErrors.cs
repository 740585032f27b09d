using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Factumerit.Ledger;

/// <summary>
/// Collects the validation errors of a request by field name, as sent. Each error text continues the field name.
/// Commands are validated here before they are queued, so one response reports every mistake.
/// </summary>
public sealed class FieldErrors(DateTimeOffset now)
{
    public const int KeyLengthMax = 255;
    public const int TextLengthMax = 1000;
    public const int MetadataLengthMax = 16 * 1024;
    public const long TokensMax = int.MaxValue;

    /// <summary>The number of errors that one refusal lists. Further errors are only counted.</summary>
    public const int ErrorsMax = 10;
    private const int ShownLengthMax = 200;
    private const int NumberLengthMax = 100;
    private const int ExponentMax = 400;
    private const int ExpiryYearsMax = 10;

    // Null until the first error.
    private Dictionary<string, string[]>? _errors;
    private int _count;

    public bool Any => _errors is not null;

    public Refusal.ValidationFailed ToRefusal() => new(_errors ?? [], Math.Max(0, _count - ErrorsMax));

    public void Add(string field, string error)
    {
        if (++_count > ErrorsMax)
            return;
        _errors ??= [];
        field = Shorten(field);
        _errors[field] = _errors.TryGetValue(field, out var earlier) ? [.. earlier, error] : [error];
    }

    /// <summary>Truncates long text from the caller for use in a response.</summary>
    public static string Shorten(string text, int lengthMax = ShownLengthMax) =>
        text.Length <= lengthMax ? text
        : $"{text.AsSpan(0, lengthMax - (char.IsHighSurrogate(text[lengthMax - 1]) ? 1 : 0))}…";

    public void CheckUserId(string field, string? value)
    {
        if (string.IsNullOrEmpty(value))
            Add(field, "is required");
        else if (!ChartOfAccounts.IsUserId(value))
            Add(
                field,
                $"must be 1 to {ChartOfAccounts.UserIdLengthMax} characters of letters, digits and @ . _ : + = -");
    }

    public void CheckProvider(string field, string value)
    {
        if (!ChartOfAccounts.IsProvider(value))
            Add(
                field,
                "must be a lower-case letter followed by up to 39 of a-z, 0-9, _ and -, "
                + "and neither 'api' nor 'sales_tax'");
    }

    /// <summary>
    /// An amount in cents: required, exact, at most 10^12 and not negative. 0 is accepted only if
    /// <paramref name="zeroAllowed"/> is set.
    /// </summary>
    public void CheckAmount(string field, decimal? cents, bool zeroAllowed)
    {
        if (cents is not { } amount)
            Add(field, "is required");
        else if (amount < 0 || (amount == 0 && !zeroAllowed))
            Add(field, zeroAllowed ? "must not be negative" : "must be greater than 0");
        else if (amount > Money.OperationCentsMax)
            Add(field, $"must be at most {Money.Format(Money.OperationCentsMax)}");
        else if (!Money.IsExact(amount))
            Add(field, $"must have at most {Money.DecimalsMax} decimals (one nano-dollar is 0.0000001 cents)");
    }

    /// <summary>An idempotency key or request id (R9).</summary>
    public void CheckKey(string field, string? key, string required)
    {
        if (string.IsNullOrWhiteSpace(key))
            Add(field, required);
        else if (key.Length > KeyLengthMax || key.Any(char.IsControl))
            Add(field, $"must be 1 to {KeyLengthMax} characters without control characters");
    }

    /// <summary>An optional short name without control characters.</summary>
    public void CheckName(string field, string? name, int lengthMax = 200)
    {
        if (name is not null && (name.Length == 0 || name.Length > lengthMax || name.Any(char.IsControl)))
            Add(field, $"must be 1 to {lengthMax} characters without control characters");
    }

    /// <summary>An optional name that is shown to people: every character must be visible.</summary>
    public void CheckPersonalName(string field, string? name)
    {
        CheckName(field, name);
        if (name is not null && name.EnumerateRunes().Any(IsUnseen))
            Add(field, "must not contain direction marks, line separators or other invisible characters");
    }

    // Direction marks and zero-width characters have the Unicode category Format. Variation selectors, Hangul fillers
    // and the empty Braille pattern have others.
    private static bool IsUnseen(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || rune.Value is (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF)
            or 0x034F or 0x115F or 0x1160 or 0x2800 or 0x3164 or 0xFFA0;

    /// <summary>An optional free text; line breaks and tabs are allowed.</summary>
    public void CheckText(string field, string? text)
    {
        if (text is not null
            && (text.Length > TextLengthMax || text.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t'))))
            Add(
                field,
                $"must be at most {TextLengthMax} characters without control characters other than line breaks and "
                + "tabs");
    }

    public void CheckTokens(string field, long? tokens)
    {
        if (tokens is < 0 or > TokensMax)
            Add(field, $"must be a whole number from 0 to {TokensMax}");
    }

    /// <summary>An optional provider cost in US dollars: exact, from 0 to 10^10.</summary>
    public void CheckCost(string field, decimal? costUsd)
    {
        if (costUsd < 0)
            Add(field, "must not be negative");
        else if (costUsd > Money.CostUsdMax)
            Add(field, $"must be at most {Money.Format(Money.CostUsdMax)}");
    }

    public void CheckMetadata(string field, JsonElement? metadata)
    {
        if (metadata is { } element)
            CheckObject(field, element);
    }

    /// <summary>
    /// An optional JSON object that is stored by value, not by its spelling. The database must be able to hold every
    /// string and number in it.
    /// </summary>
    public void CheckUsage(string field, JsonElement? usage)
    {
        if (usage is not { } element)
            return;
        CheckObject(field, element);
        if (element.ValueKind == JsonValueKind.Object && _errors?.ContainsKey(field) != true && !IsStorable(element))
            Add(
                field,
                $"must not contain \\u0000, or a number of more than {NumberLengthMax} characters "
                + $"or with an exponent beyond {ExponentMax}");
    }

    private void CheckObject(string field, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            Add(field, "must be a JSON object");
        else if (element.GetRawText().Length > MetadataLengthMax)
            Add(field, $"must be at most {MetadataLengthMax} characters of JSON");
        else if (!IsText(element))
            Add(field, "must contain only valid text: it escapes an unpaired surrogate");
    }

    /// <summary>An optional expiry in the future.</summary>
    public void CheckExpiresAt(string field, DateTimeOffset? time)
    {
        if (time <= now)
            Add(field, "must be in the future");
        else if (time > now.AddYears(ExpiryYearsMax))
            Add(field, $"must be at most {ExpiryYearsMax} years ahead");
    }

    // "\ud800" alone is valid JSON but not valid text: it could be stored, but never written to a response.
    private static bool IsText(JsonElement element)
    {
        try
        {
            using var nowhere = new Utf8JsonWriter(Stream.Null);
            element.WriteTo(nowhere);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsStorable(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object =>
            element.EnumerateObject().All(p => !p.Name.Contains('\0', StringComparison.Ordinal) && IsStorable(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsStorable),
        JsonValueKind.String => !element.GetString()!.Contains('\0', StringComparison.Ordinal),
        JsonValueKind.Number => IsStorable(element.GetRawText()),
        _ => true,
    };

    private static bool IsStorable(string number) =>
        number.Length <= NumberLengthMax
        && (number.IndexOfAny(['e', 'E']) is not (> 0 and var e)
            || (int.TryParse(
                    number.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
                && Math.Abs((long)exponent) <= ExponentMax));
}
