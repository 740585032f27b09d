using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger;

/// <summary>
/// A sum that the database worked out, as it wrote it: costs have up to 28 decimals, and many of them together more digits than a
/// <see cref="decimal"/> holds. It is passed on as a JSON number, digit by digit, and never calculated with.
/// </summary>
[JsonConverter(typeof(ExactNumberConverter))]
public readonly record struct ExactNumber(string Digits);

/// <summary>Writes the digits as they are.</summary>
public sealed class ExactNumberConverter : JsonConverter<ExactNumber>
{
    public override ExactNumber Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Sums are only written.");

    public override void Write(Utf8JsonWriter writer, ExactNumber value, JsonSerializerOptions options) => writer.WriteRawValue(value.Digits);
}
