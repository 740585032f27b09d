using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// Writes the JSON object of a request field by field. Fields without a value are left out. Amounts keep the digits
/// that were typed, so nothing rounds them.
/// </summary>
internal sealed class JsonBody : IDisposable
{
    // Bodies are never embedded in HTML. Unescaped non-ASCII letters keep them small.
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _writer;

    public JsonBody()
    {
        _writer = new Utf8JsonWriter(_bytes, Readable);
        _writer.WriteStartObject();
    }

    public JsonBody Text(string name, string? value)
    {
        if (value is not null)
            _writer.WriteString(name, value);
        return this;
    }

    /// <summary>A number in JSON notation; see <see cref="Display.MoneyFormat.IsNumber"/>.</summary>
    public JsonBody Number(string name, string? digits)
    {
        if (digits is not null)
        {
            _writer.WritePropertyName(name);
            _writer.WriteRawValue(digits);
        }

        return this;
    }

    public JsonBody Number(string name, decimal value) => Number(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A value that is already JSON.</summary>
    public JsonBody Json(string name, string json)
    {
        _writer.WritePropertyName(name);
        _writer.WriteRawValue(json);
        return this;
    }

    public JsonBody Boolean(string name, bool value)
    {
        _writer.WriteBoolean(name, value);
        return this;
    }

    /// <summary>A list of texts; left out if it is empty.</summary>
    public JsonBody Texts(string name, string[]? values)
    {
        if (values is not { Length: > 0 })
            return this;
        _writer.WriteStartArray(name);
        foreach (var value in values)
            _writer.WriteStringValue(value);
        _writer.WriteEndArray();
        return this;
    }

    /// <summary>A flag; written only if it is raised.</summary>
    public JsonBody Flag(string name, bool isRaised)
    {
        if (isRaised)
            _writer.WriteBoolean(name, true);
        return this;
    }

    /// <summary>A flag that is raised by default; written only if it is lowered.</summary>
    public JsonBody Lowered(string name, bool isLowered) => isLowered ? Boolean(name, false) : this;

    /// <summary>Ends the object and returns it.</summary>
    public byte[] ToBytes()
    {
        _writer.WriteEndObject();
        _writer.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    /// <summary>Ends the object and returns it as text.</summary>
    public string ToText() => Encoding.UTF8.GetString(ToBytes());

    public void Dispose() => _writer.Dispose();
}
