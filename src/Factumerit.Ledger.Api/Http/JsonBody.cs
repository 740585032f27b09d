using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads a request's body. One that is right, which nearly all are, is read at once, strictly. Any other is read again in two steps, so that
/// each mistake gets the right name: first as JSON (else malformed-request), then field by field against the request's type (else
/// validation-failed, by the names as sent). Unknown and repeated fields are refused.
/// </summary>
public static class JsonBody
{
    // Enough to fix a request by; the answer must not be many times as large as a body full of errors.
    private const int StrayFieldsMax = 50;

    private static readonly JsonSerializerOptions Strict = new(LedgerJson.Default.Options) { AllowDuplicateProperties = false };
    private static readonly ConcurrentDictionary<Type, Dictionary<string, Type>> FieldsByType = [];

    /// <summary>The body as one object.</summary>
    public static Task<BodyReading<T>> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class =>
        ReadAsync<T, T>(http, value => value, element => Bind(element, type));

    /// <summary>The body as an array whose items are judged one by one: each is a request, or the refusal it gets.</summary>
    public static Task<BodyReading<IReadOnlyList<ItemReading<T>>>> ReadItemsAsync<T>(HttpContext http, JsonTypeInfo<T> type, string items, int itemsMax)
        where T : class
    {
        return ReadAsync<IReadOnlyList<ItemReading<T>>, T?[]>(http, values => IsRight(values) ? [.. values.Select(v => new ItemReading<T>(v, null))] : null, BindItems);

        bool IsRight(T?[] values) => values.Length >= 1 && values.Length <= itemsMax && !values.Contains(null);

        (IReadOnlyList<ItemReading<T>>? Value, Refusal? Refusal) BindItems(JsonElement element) =>
            element.ValueKind == JsonValueKind.Array && element.GetArrayLength() is var length && length >= 1 && length <= itemsMax
                ? ([.. element.EnumerateArray().Select(item => Bind(item, type)).Select(r => new ItemReading<T>(r.Value, r.Refusal))], null)
                : (null, new Refusal.ValidationFailed("$", $"must be an array of 1 to {itemsMax} {items}"));
    }

    /// <summary>The body as JSON that its reader judges by itself.</summary>
    public static Task<BodyReading<T>> ReadAsync<T>(HttpContext http, Func<JsonElement, (T? Value, Refusal? Refusal)> read)
        where T : class =>
        ReadTextAsync(http, text => Explain(http, text, read));

    private static Task<BodyReading<T>> ReadAsync<T, TJson>(HttpContext http, Func<TJson, T?> accept, Func<JsonElement, (T? Value, Refusal? Refusal)> explain)
        where T : class
        where TJson : class =>
        ReadTextAsync(http, text => ReadStrictly<TJson>(text) is { } json && accept(json) is { } value ? new(value, null) : Explain(http, text, explain));

    private static async Task<BodyReading<T>> ReadTextAsync<T>(HttpContext http, Func<ReadOnlySequence<byte>, BodyReading<T>> read)
        where T : class
    {
        if (!http.Request.HasJsonContentType())
            return new(null, Problems.Of(http, "unsupported-media-type", "The body must be JSON, sent with Content-Type: application/json."));
        var body = await ReadToEndAsync(http);
        try
        {
            return read(SkipByteOrderMark(body));
        }
        finally
        {
            http.Request.BodyReader.AdvanceTo(body.End);
        }
    }

    /// <summary>The body as one object whose fields may all be left out: no body at all is such an object.</summary>
    public static Task<BodyReading<T>> ReadOrEmptyAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class, new() =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? Task.FromResult(new BodyReading<T>(new T(), null)) : ReadAsync(http, type);

    private static async ValueTask<ReadOnlySequence<byte>> ReadToEndAsync(HttpContext http)
    {
        while (true)
        {
            var read = await http.Request.BodyReader.ReadAsync(http.RequestAborted);
            if (read.IsCompleted)
                return read.Buffer;
            http.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static ReadOnlySequence<byte> SkipByteOrderMark(ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body);
        return reader.IsNext(Encoding.UTF8.Preamble, advancePast: true) ? reader.UnreadSequence : body;
    }

    /// <summary>The body as it should be; null where anything at all is wrong with it.</summary>
    internal static T? ReadStrictly<T>(ReadOnlySequence<byte> body)
        where T : class
    {
        try
        {
            // The parser looks at the structure only: bytes inside a string would come to light where nobody expects them.
            if (!Utf8.IsValid(body.IsSingleSegment ? body.FirstSpan : body.ToArray()))
                return null;
            var reader = new Utf8JsonReader(body);
            var value = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)Strict.GetTypeInfo(typeof(T)));
            return reader.Read() ? null : value;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static BodyReading<T> Explain<T>(HttpContext http, ReadOnlySequence<byte> body, Func<JsonElement, (T? Value, Refusal? Refusal)> bind)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (!Utf8.IsValid(JsonMarshal.GetRawUtf8Value(document.RootElement)))
                return new(null, Problems.Of(http, "malformed-request", "The body is not valid UTF-8."));
            var (value, refusal) = bind(document.RootElement);
            return value is not null ? new(value, null) : new(null, Problems.Of(http, refusal!));
        }
        catch (JsonException exception)
        {
            return new(null, Problems.Of(http, "malformed-request", $"The body is not one complete JSON value: {exception.Message}"));
        }
    }

    /// <summary>One JSON object as a request, or what is wrong with its fields.</summary>
    public static (T? Value, Refusal? Refusal) Bind<T>(JsonElement element, JsonTypeInfo<T> type)
        where T : class
    {
        if (element.ValueKind != JsonValueKind.Object)
            return (null, new Refusal.ValidationFailed("$", $"must be a JSON object with the fields {string.Join(", ", FieldsOf(type).Keys)}"));
        try
        {
            return FindStrayFields(element, FieldsOf(type)) is { Count: > 0 } errors
                ? (null, new Refusal.ValidationFailed(errors))
                : (element.Deserialize(type), null);
        }
        catch (InvalidOperationException)
        {
            return (null, new Refusal.ValidationFailed("$", "has a field whose name is not valid text"));
        }
        catch (JsonException exception)
        {
            var field = exception.Path is { Length: > 2 } path ? path.TrimStart('$', '.') : "$";
            return (null, new Refusal.ValidationFailed(field, Explain(exception, FieldsOf(type).GetValueOrDefault(field))));
        }
    }

    private static Dictionary<string, string[]> FindStrayFields(JsonElement element, Dictionary<string, Type> fields)
    {
        var errors = new Dictionary<string, string[]>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            if (!fields.ContainsKey(property.Name))
                errors[property.Name] = [$"is not a field of this request, which has {string.Join(", ", fields.Keys)}"];
            else if (!seen.Add(property.Name))
                errors[property.Name] = ["is given more than once"];
            if (errors.Count == StrayFieldsMax)
                break;
        }
        return errors;
    }

    // The serializer's own sentences name CLR types; ours say what would be right. Amounts and times have converters that do so themselves.
    private static string Explain(JsonException exception, Type? fieldType) => (Nullable.GetUnderlyingType(fieldType ?? typeof(object)) ?? fieldType) switch
    {
        { } t when t == typeof(decimal) || t == typeof(DateTimeOffset) => exception.InnerException is null ? exception.Message.Split(" Path: ")[0] : "must be valid text",
        { } t when t == typeof(string) => "must be a string of valid text",
        { } t when t == typeof(int) || t == typeof(long) => "must be a whole number",
        { } t when t == typeof(bool) => "must be true or false",
        _ => "can't be read",
    };

    private static Dictionary<string, Type> FieldsOf(JsonTypeInfo type) =>
        FieldsByType.GetOrAdd(type.Type, _ => type.Properties.ToDictionary(p => p.Name, p => p.PropertyType, StringComparer.Ordinal));
}

/// <summary>A body that was read, or the problem that it has.</summary>
public readonly record struct BodyReading<T>(T? Value, Problem? Problem)
    where T : class;

/// <summary>One item of an array: a request, or the refusal it gets.</summary>
public readonly record struct ItemReading<T>(T? Value, Refusal? Refusal)
    where T : class;
