using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// A sum as the database computed and formatted it. Costs have up to 28 decimals, so their sum can have more digits
/// than a <see cref="decimal"/> holds. The sum is written as a JSON number, digit by digit, and never used in
/// calculations.
/// </summary>
[JsonConverter(typeof(ExactNumberConverter))]
public readonly record struct ExactNumber(string Digits)
{
    /// <summary>The nearest decimal.</summary>
    public decimal ToDecimal() => decimal.Parse(Digits, NumberStyles.Float, CultureInfo.InvariantCulture);
}

/// <summary>Writes and reads the digits unchanged. A string that contains a number is read too.</summary>
public sealed class ExactNumberConverter : JsonConverter<ExactNumber>
{
    public override ExactNumber Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (reader.TokenType switch
        {
            JsonTokenType.Number => JsonText.NumberOf(ref reader),
            JsonTokenType.String => reader.GetString(),
            _ => null,
        }) is { } digits && Money.ReadCut(digits) is not null
            ? new ExactNumber(digits)
            : throw new JsonException("must be a number");

    public override void Write(Utf8JsonWriter writer, ExactNumber value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Digits);
}
