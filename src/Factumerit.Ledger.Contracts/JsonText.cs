using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Factumerit.Ledger.Contracts;

/// <summary>The text of JSON tokens.</summary>
internal static class JsonText
{
    /// <summary>The current number exactly as it was sent.</summary>
    public static string NumberOf(ref Utf8JsonReader reader) => Encoding.ASCII.GetString(
        reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan);
}
