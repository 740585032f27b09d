using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads a request's body in two steps, so that each mistake gets the right name: first as JSON (else malformed-request), then field by field
/// against the request's type (else validation-failed, by the names as sent). Unknown and repeated fields are refused.
/// </summary>
public static class JsonBody
{
    // Enough to mend a request by; a body full of them must not be answered with many times its size.
    private const int StrayFieldsMax = 50;

    private static readonly ConcurrentDictionary<Type, Dictionary<string, Type>> FieldsByType = [];

    /// <summary>The body as one object.</summary>
    public static async Task<BodyReading<T>> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class
    {
        var (document, problem) = await ParseAsync(http);
        if (document is null)
            return new(null, problem!);
        using (document)
        {
            var (value, refusal) = Bind(document.RootElement, type);
            return value is not null ? new(value, null) : new(null, Problems.Of(http, refusal!));
        }
    }

    /// <summary>The body as one object whose fields may all be left out: no body at all is such an object.</summary>
    public static Task<BodyReading<T>> ReadOrEmptyAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class, new() =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? Task.FromResult(new BodyReading<T>(new T(), null)) : ReadAsync(http, type);

    /// <summary>The body as JSON, whatever it says. The caller disposes the document.</summary>
    public static async Task<(JsonDocument? Document, Problem? Problem)> ParseAsync(HttpContext http)
    {
        if (!http.Request.HasJsonContentType())
            return (null, Problems.Of(http, "unsupported-media-type", "The body must be JSON, sent with Content-Type: application/json."));
        try
        {
            var document = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            // The parser looks at the structure only: bytes inside a string would come to light where nobody expects them.
            if (Utf8.IsValid(JsonMarshal.GetRawUtf8Value(document.RootElement)))
                return (document, null);
            document.Dispose();
            return (null, Problems.Of(http, "malformed-request", "The body is not valid UTF-8."));
        }
        catch (JsonException exception)
        {
            return (null, Problems.Of(http, "malformed-request", $"The body is not one complete JSON value: {exception.Message}"));
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
