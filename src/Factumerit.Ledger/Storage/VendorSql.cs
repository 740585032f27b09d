using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Maps providers to vendors in SQL. Old rows may have another name of a vendor; they count under the vendor's own name
/// (<see cref="Vendors"/>).
/// </summary>
internal static class VendorSql
{
    /// <summary>Returns an SQL expression for the vendor of the provider in the given expression.</summary>
    public static string Of(string provider)
    {
        var aliases = Vendors.Names.Select(name => $"WHEN {provider} = '{name.Key}' THEN '{name.Value}'");
        var families = Vendors.Families.Select(family => $"WHEN starts_with({provider}, '{family}-') THEN '{family}'");
        return $"CASE {string.Join(' ', aliases.Concat(families))} ELSE {provider} END";
    }
}
