using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// A provider's cost in US dollars as JSON: a number, or a string that contains one. All its decimals are read, or it
/// is refused.
/// </summary>
public sealed class UsdConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var reading = reader.TokenType switch
        {
            JsonTokenType.Number => Money.ReadUsd(JsonText.NumberOf(ref reader)),
            JsonTokenType.String => Money.ReadUsd(reader.GetString()),
            _ => null,
        };
        return reading switch
        {
            { Cents: { } usd } => usd,
            { Error: { } error } => throw new JsonException(error),
            _ => throw new JsonException("must be a number of US dollars, such as 0.000165"),
        };
    }

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Money.Normalize(value));
}
