namespace Factumerit.Ledger;

/// <summary>
/// Parses times in RFC 3339 and in the output format of PostgreSQL; all inputs use this parser. The format is a date,
/// then T, t or a space and the time, with or without seconds and with any number of decimals, then Z, z or an offset
/// such as +02, +0530 or -08:00. Without an offset the time is UTC; a date alone means its midnight. Decimals beyond
/// the seventh are truncated: earlier versions compared requests by seven, and the database stores six.
/// </summary>
public static class LedgerTime
{
    /// <summary>The error text for an invalid time; it continues a field name.</summary>
    public const string Expected = "must be a time such as 2026-01-31T12:00:00Z";

    private const int DecimalsKept = 7;
    private const int OffsetHoursMax = 14;

    /// <summary>The time in UTC; false when the text is not a time, or lies outside the years 1 to 9999.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (!TryReadDate(ref text, out var date))
            return false;
        var ticks = date.Ticks;
        if (!text.IsEmpty)
        {
            if (text[0] is not ('T' or 't' or ' '))
                return false;
            text = text[1..];
            if (!TryReadTimeOfDay(ref text, out var timeOfDay, out var isLeapSecond)
                || !TryReadOffset(text, out var offset))
                return false;
            ticks += timeOfDay - offset;
            // A leap second ends a day in UTC. Like PostgreSQL, read it as the second after it.
            if (isLeapSecond && (ticks - (ticks % TimeSpan.TicksPerSecond)) % TimeSpan.TicksPerDay != 0)
                return false;
        }
        if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks)
            return false;
        time = new DateTimeOffset(ticks, TimeSpan.Zero);
        return true;
    }

    /// <summary>The time in UTC; null when the text is not a time.</summary>
    public static DateTimeOffset? Parse(ReadOnlySpan<char> text) => TryParse(text, out var time) ? time : null;

    private static bool TryReadDate(ref ReadOnlySpan<char> text, out DateTime date)
    {
        date = default;
        if (!TryReadDigits(ref text, 4, out var year) || !TrySkip(ref text, '-')
            || !TryReadDigits(ref text, 2, out var month) || !TrySkip(ref text, '-')
            || !TryReadDigits(ref text, 2, out var day)
            || year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month))
            return false;
        date = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc);
        return true;
    }

    private static bool TryReadTimeOfDay(ref ReadOnlySpan<char> text, out long ticks, out bool isLeapSecond)
    {
        (ticks, isLeapSecond) = (0, false);
        if (!TryReadDigits(ref text, 2, out var hour) || !TrySkip(ref text, ':')
            || !TryReadDigits(ref text, 2, out var minute)
            || hour > 23 || minute > 59)
            return false;
        ticks = (hour * TimeSpan.TicksPerHour) + (minute * TimeSpan.TicksPerMinute);
        if (!TrySkip(ref text, ':'))
            return true;
        if (!TryReadDigits(ref text, 2, out var second) || second > 60)
            return false;
        isLeapSecond = second == 60;
        ticks += second * TimeSpan.TicksPerSecond;
        return !TrySkip(ref text, '.') || TryReadDecimals(ref text, ref ticks);
    }

    private static bool TryReadDecimals(ref ReadOnlySpan<char> text, ref long ticks)
    {
        var count = 0;
        for (var unit = TimeSpan.TicksPerSecond / 10;
            count < text.Length && char.IsAsciiDigit(text[count]);
            count++, unit /= 10)
            ticks += count < DecimalsKept ? (text[count] - '0') * unit : 0;
        text = text[count..];
        return count > 0;
    }

    private static bool TryReadOffset(ReadOnlySpan<char> text, out long ticks)
    {
        ticks = 0;
        if (text is "" or "Z" or "z")
            return true;
        if (text[0] is not ('+' or '-') || text.Length is not (3 or 5 or 6))
            return false;
        var sign = text[0] == '-' ? -1 : 1;
        text = text[1..];
        var minute = 0;
        if (!TryReadDigits(ref text, 2, out var hour)
            || (text.Length == 3 && !TrySkip(ref text, ':'))
            || (!text.IsEmpty && !TryReadDigits(ref text, 2, out minute)))
            return false;
        ticks = sign * ((hour * TimeSpan.TicksPerHour) + (minute * TimeSpan.TicksPerMinute));
        return minute < 60 && Math.Abs(ticks) <= OffsetHoursMax * TimeSpan.TicksPerHour;
    }

    private static bool TryReadDigits(ref ReadOnlySpan<char> text, int count, out int number)
    {
        number = 0;
        if (text.Length < count || text[..count].ContainsAnyExceptInRange('0', '9'))
            return false;
        foreach (var digit in text[..count])
            number = (number * 10) + (digit - '0');
        text = text[count..];
        return true;
    }

    private static bool TrySkip(ref ReadOnlySpan<char> text, char expected)
    {
        if (text.IsEmpty || text[0] != expected)
            return false;
        text = text[1..];
        return true;
    }
}
