using System.Globalization;

namespace Factumerit.Ledger.Client;

/// <summary>Paths and queries of requests.</summary>
internal static class Paths
{
    /// <summary>The path of a user, escaped: ids may hold ':', '@', '+' and '='.</summary>
    public static string User(string userId) => $"users/{Uri.EscapeDataString(userId)}";

    /// <summary>The path with the parameters that have a value.</summary>
    public static string Of(string path, params (string Name, object? Value)[] parameters)
    {
        var query = string.Join('&', parameters
            .Where(parameter => parameter.Value is not null)
            .Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(TextOf(parameter.Value!))}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    private static string TextOf(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        DateTimeOffset time =>
            time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
