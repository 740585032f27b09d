namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Parses times as LiteLLM writes them: seconds since 1970 with decimals, or a text that <see cref="LedgerTime"/>
/// reads. Times are cut to the microsecond, PostgreSQL's precision.
/// </summary>
internal static class CallTime
{
    private const decimal SecondsMax = 253_402_300_799m;

    // Programs write their earliest time, 1970 or the year 1, for an unknown time.
    private static readonly DateTimeOffset Earliest = DateTimeOffset.UnixEpoch.AddDays(1);

    public static bool TryParse(string text, out DateTimeOffset time)
    {
        if (Money.ReadExact(text) is { } seconds)
        {
            time = default;
            if (seconds is < 0 or > SecondsMax)
                return false;
            time = DateTimeOffset.UnixEpoch.AddTicks(
                (long)decimal.Truncate(seconds * 1_000_000) * TimeSpan.TicksPerMicrosecond);
            return time > Earliest;
        }
        if (!LedgerTime.TryParse(text, out time) || time <= Earliest)
            return false;
        time = time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));
        return true;
    }
}
