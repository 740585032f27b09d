using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Decimals of answers, whatever their unit: a number, or a string that contains one. Refuses a number that a decimal
/// can't hold exactly.
/// </summary>
internal sealed class ExactDecimalConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.Number => Money.ReadExact(JsonText.NumberOf(ref reader)),
            JsonTokenType.String => Money.ReadExact(reader.GetString()),
            _ => null,
        } ?? throw new JsonException("must be a number that a decimal holds exactly");

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Money.Normalize(value));
}
