using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Writes responses directly into Kestrel's output buffer, whole and with a Content-Length, so that they are sent in
/// one piece. The framework would send them in chunks.
/// </summary>
internal static class BufferedJson
{
    public static void Write(HttpResponse response, string json)
    {
        response.ContentLength = Encoding.UTF8.GetBytes(json, response.BodyWriter);
    }

    public static void Write<T>(HttpResponse response, T value, JsonTypeInfo<T> type)
    {
        using var writer = new Utf8JsonWriter(response.BodyWriter, LedgerJson.Written);
        JsonSerializer.Serialize(writer, value, type);
        response.ContentLength = writer.BytesCommitted + writer.BytesPending;
    }
}
