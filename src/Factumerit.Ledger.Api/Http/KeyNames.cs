namespace Factumerit.Ledger.Api.Http;

/// <summary>Compares the names by which people tell API keys apart.</summary>
internal static class KeyNames
{
    /// <summary>Whether two names differ at most in case and spaces, so that people would confuse them.</summary>
    public static bool AreAlike(string one, string other) =>
        string.Equals(WithoutSpaces(one), WithoutSpaces(other), StringComparison.OrdinalIgnoreCase);

    private static string WithoutSpaces(string name) =>
        string.Concat(name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
