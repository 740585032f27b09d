using System.Text.Json;
using System.Text.Json.Serialization;

namespace Factumerit.Ledger;

/// <summary>
/// A sum as the database computed and formatted it. Costs have up to 28 decimals, so their sum can have more digits
/// than a <see cref="decimal"/> holds. The sum is written as a JSON number, digit by digit, and never used in
/// calculations.
/// </summary>
[JsonConverter(typeof(ExactNumberConverter))]
public readonly record struct ExactNumber(string Digits);

/// <summary>Writes the digits unchanged.</summary>
public sealed class ExactNumberConverter : JsonConverter<ExactNumber>
{
    public override ExactNumber Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Sums are only written.");

    public override void Write(Utf8JsonWriter writer, ExactNumber value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Digits);
}
