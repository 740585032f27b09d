using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Vendors in statements: rows from before each vendor had one name count under that one (<see cref="Vendors"/>).
/// </summary>
internal static class VendorSql
{
    /// <summary>An expression for the vendor that the provider in another expression is.</summary>
    public static string Of(string provider)
    {
        var aliases = Vendors.Names.Select(name => $"WHEN {provider} = '{name.Key}' THEN '{name.Value}'");
        var families = Vendors.Families.Select(family => $"WHEN starts_with({provider}, '{family}-') THEN '{family}'");
        return $"CASE {string.Join(' ', aliases.Concat(families))} ELSE {provider} END";
    }
}
