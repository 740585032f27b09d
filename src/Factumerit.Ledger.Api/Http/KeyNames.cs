namespace Factumerit.Ledger.Api.Http;

/// <summary>Names of API keys, by which people know them.</summary>
internal static class KeyNames
{
    /// <summary>Whether two names differ in case and spaces at most, so that people would take them for one.</summary>
    public static bool AreAlike(string one, string other) =>
        string.Equals(WithPlainSpaces(one), WithPlainSpaces(other), StringComparison.OrdinalIgnoreCase);

    private static string WithPlainSpaces(string name) =>
        string.Join(' ', name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
