namespace Factumerit.Ledger.Tests.Rules;

/// <summary>What is a time, and which: the same for bodies, queries, the intake, spend logs, imports and fa.</summary>
public sealed class LedgerTimeTests
{
    [Theory]
    [InlineData("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.1234567")]
    [InlineData("2026-03-01T12:00:00.12345678+02:00", "2026-03-01T10:00:00.1234567")]
    [InlineData("2026-03-01 12:00:00+00", "2026-03-01T12:00:00.0000000")]
    [InlineData("2026-03-01T12:00:00z", "2026-03-01T12:00:00.0000000")]
    [InlineData("2026-03-01T12:00:00.1+0530", "2026-03-01T06:30:00.1000000")]
    [InlineData("2026-03-01T12:00:00+02", "2026-03-01T10:00:00.0000000")]
    [InlineData("2026-03-01t12:00:00-00:00", "2026-03-01T12:00:00.0000000")]
    [InlineData("2026-03-01 12:00:00.123456-08", "2026-03-01T20:00:00.1234560")]
    [InlineData("2026-03-01 12:00:00.5", "2026-03-01T12:00:00.5000000")]
    [InlineData("2026-03-01T12:00:00.1234567", "2026-03-01T12:00:00.1234567")]
    [InlineData("2026-03-01T12:00:00.99999999999999999999999999999999999999Z", "2026-03-01T12:00:00.9999999")]
    [InlineData("2026-03-01T12:00", "2026-03-01T12:00:00.0000000")]
    [InlineData("2026-03-01T12:00+02:00", "2026-03-01T10:00:00.0000000")]
    [InlineData("2026-03-01 12:00Z", "2026-03-01T12:00:00.0000000")]
    [InlineData("2026-03-01", "2026-03-01T00:00:00.0000000")]
    [InlineData("2024-02-29T00:00:00+14:00", "2024-02-28T10:00:00.0000000")]
    [InlineData("2026-03-01T00:00:00-14:00", "2026-03-01T14:00:00.0000000")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000")]
    [InlineData("9999-12-31T23:59:59.99999999Z", "9999-12-31T23:59:59.9999999")]
    // A leap second, in UTC and elsewhere.
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.0000000")]
    [InlineData("2016-12-31T15:59:60.25-08:00", "2017-01-01T00:00:00.2500000")]
    public void A_time_is_read_in_UTC(string text, string expected)
    {
        LedgerTime.TryParse(text, out var time).ShouldBeTrue();

        time.Offset.ShouldBe(TimeSpan.Zero);
        time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff").ShouldBe(expected);
        LedgerTime.Parse(text).ShouldBe(time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026")]
    [InlineData("2026-3-1")]
    [InlineData("20260301T120000Z")]
    [InlineData("01/02/2026")]
    [InlineData("2026-02-29")]
    [InlineData("2026-00-10")]
    [InlineData("2026-13-01")]
    [InlineData("2026-03-00")]
    [InlineData("0000-03-01")]
    [InlineData("2026-03-01T")]
    [InlineData("2026-03-01Z")]
    [InlineData("2026-03-01T12")]
    [InlineData("2026-03-01T24:00:00Z")]
    [InlineData("2026-03-01T12:60:00Z")]
    [InlineData("2026-03-01T12:00:61Z")]
    [InlineData("2026-03-01T12:00:60Z")]
    [InlineData("2016-12-31T23:59:60+01:00")]
    [InlineData("2026-03-01T12:00:00.Z")]
    [InlineData("2026-03-01T12:00:00,5Z")]
    [InlineData("2026-03-01T12:00:00 Z")]
    [InlineData("2026-03-01T12:00:00ZZ")]
    [InlineData("2026-03-01T12:00:00+")]
    [InlineData("2026-03-01T12:00:00+2")]
    [InlineData("2026-03-01T12:00:00+02:")]
    [InlineData("2026-03-01T12:00:00+02:0")]
    [InlineData("2026-03-01T12:00:00+02-00")]
    [InlineData("2026-03-01T12:00:00+0260")]
    [InlineData("2026-03-01T12:00:00+14:01")]
    [InlineData("2026-03-01T12:00:00-15")]
    [InlineData("2026-03-01T12:00:00 UTC")]
    [InlineData(" 2026-03-01")]
    [InlineData("2026-03-01 ")]
    [InlineData("2026-03-01  12:00:00")]
    [InlineData("\u0662026-03-01")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("9999-12-31T23:59:60Z")]
    public void What_is_no_time_is_refused(string text)
    {
        LedgerTime.TryParse(text, out var time).ShouldBeFalse();

        time.ShouldBe(default);
        LedgerTime.Parse(text).ShouldBeNull();
    }

    [Fact]
    public void Every_time_that_the_framework_writes_is_read_as_it_means_it()
    {
        var random = new Random(14);
        for (var n = 0; n < 2000; n++)
        {
            var time = new DateTimeOffset(
                random.NextInt64(TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay), TimeSpan.Zero)
                .ToOffset(TimeSpan.FromMinutes(random.Next(-840, 841)));
            foreach (var format in (string[])[
                "O", "yyyy-MM-dd HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ss.fffffffzzz"])
                LedgerTime.Parse(time.ToString(format)).ShouldBe(time, time.ToString(format));
        }
    }
}
