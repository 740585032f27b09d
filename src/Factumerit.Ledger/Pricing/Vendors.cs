namespace Factumerit.Ledger.Pricing;

public static class Vendors
{
    public static string? NameOf(string raw) => PriceMap.NormalizeProvider(raw);
}
