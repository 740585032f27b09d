namespace Factumerit.Ledger; internal static class Placeholder;
