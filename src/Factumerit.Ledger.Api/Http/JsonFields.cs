using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Reads a JSON object field by field against the type of a request, and reports wrong fields by name.
/// </summary>
internal static class JsonFields
{
    private static readonly ConcurrentDictionary<Type, Dictionary<string, Type>> FieldsByType = [];

    /// <summary>The JSON object as a request, or a refusal that names its wrong fields.</summary>
    public static (T? Value, Refusal? Refusal) Bind<T>(JsonElement element, JsonTypeInfo<T> type)
        where T : class
    {
        if (element.ValueKind != JsonValueKind.Object)
            return (null, new Refusal.ValidationFailed(
                "$", $"must be a JSON object with the fields {string.Join(", ", FieldsOf(type).Keys)}"));
        try
        {
            return FindStrayFields(element, FieldsOf(type)) is { Any: true } errors
                ? (null, errors.ToRefusal())
                : (element.Deserialize(type), null);
        }
        catch (InvalidOperationException)
        {
            return (null, new Refusal.ValidationFailed("$", "has a field whose name is not valid text"));
        }
        catch (JsonException exception)
        {
            var field = exception.Path is { Length: > 2 } path ? path.TrimStart('$', '.') : "$";
            return (null, new Refusal.ValidationFailed(
                FieldErrors.Shorten(field), Explain(exception, FieldsOf(type).GetValueOrDefault(field))));
        }
    }

    private static FieldErrors FindStrayFields(JsonElement element, Dictionary<string, Type> fields)
    {
        var (errors, seen, stray) = (new FieldErrors(default), new HashSet<string>(StringComparer.Ordinal), 0);
        foreach (var property in element.EnumerateObject())
            if (fields.ContainsKey(property.Name))
            {
                if (!seen.Add(property.Name))
                    errors.Add(property.Name, "is given more than once");
            }
            // List the known fields only once.
            else if (seen.Add(property.Name))
                errors.Add(property.Name, stray++ == 0
                    ? $"is not a field of this request; its fields are {string.Join(", ", fields.Keys)}"
                    : "is not a field of this request");
        return errors;
    }

    // The serializer's messages name CLR types, so replace them by messages that say what is expected. The converters
    // of amounts and times throw such messages themselves.
    private static string Explain(JsonException exception, Type? fieldType) =>
        (Nullable.GetUnderlyingType(fieldType ?? typeof(object)) ?? fieldType) switch
        {
            { } t when t == typeof(decimal) || t == typeof(DateTimeOffset) => exception.InnerException is null
                ? exception.Message.Split(" Path: ")[0]
                : "must be valid text",
            { } t when t == typeof(string) => "must be a string of valid text",
            { } t when t == typeof(int) || t == typeof(long) => "must be a whole number",
            { } t when t == typeof(bool) => "must be true or false",
            _ => "can't be read",
        };

    private static Dictionary<string, Type> FieldsOf(JsonTypeInfo type) =>
        FieldsByType.GetOrAdd(
            type.Type, _ => type.Properties.ToDictionary(p => p.Name, p => p.PropertyType, StringComparer.Ordinal));
}
