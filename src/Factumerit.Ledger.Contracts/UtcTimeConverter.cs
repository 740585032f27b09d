using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Times: reads them as <see cref="LedgerTime"/> does. Writes UTC with a Z, to the microsecond: with no decimals or
/// six, which parsers agree on.
/// </summary>
public sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    private const int SecondsLength = 19;
    private const int MicrosecondsLength = 26;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (reader.TokenType == JsonTokenType.String ? LedgerTime.Parse(reader.GetString()) : null)
        ?? throw new JsonException(LedgerTime.Expected);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        // The round-trip format has seven decimals. Cut off the decimals that are not written.
        Span<byte> text = stackalloc byte[32];
        value.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        var length = value.Ticks % TimeSpan.TicksPerSecond == 0 ? SecondsLength : MicrosecondsLength;
        text[length] = (byte)'Z';
        writer.WriteStringValue(text[..(length + 1)]);
    }
}
