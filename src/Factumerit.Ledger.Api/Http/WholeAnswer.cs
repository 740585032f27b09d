using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Answers that are written straight into what Kestrel will send, whole and with their length: they leave in one piece. The framework's own way sends
/// them in chunks.
/// </summary>
internal static class WholeAnswer
{
    public static void Write<T>(HttpResponse response, T value, JsonTypeInfo<T> type)
    {
        using var writer = new Utf8JsonWriter(response.BodyWriter, new JsonWriterOptions { SkipValidation = true, Encoder = type.Options.Encoder });
        JsonSerializer.Serialize(writer, value, type);
        response.ContentLength = writer.BytesCommitted + writer.BytesPending;
    }
}
