using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Amounts: reads a number, or a string that holds a number, exactly or not at all. Writes no trailing zeros.
/// </summary>
public sealed class AmountConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var reading = reader.TokenType switch
        {
            JsonTokenType.Number => Money.Read(JsonText.NumberOf(ref reader)),
            JsonTokenType.String => Money.Read(reader.GetString()),
            _ => null,
        };
        return reading switch
        {
            { Cents: { } cents } => cents,
            { Error: { } error } => throw new JsonException(error),
            _ => throw new JsonException("must be a number of cents, such as 0.0165"),
        };
    }

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Money.Normalize(value));
}
