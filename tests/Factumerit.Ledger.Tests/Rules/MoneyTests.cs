using System.Globalization;

namespace Factumerit.Ledger.Tests.Rules;

/// <summary>Amounts are read exactly or refused: nothing is rounded, whatever the text.</summary>
public sealed class MoneyTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("0.00", "0")]
    [InlineData("0e5", "0")]
    [InlineData("0e-400", "0")]
    [InlineData("5", "5")]
    [InlineData("5.00", "5")]
    [InlineData("-5", "-5")]
    [InlineData("0.0165", "0.0165")]
    [InlineData("0.0000001", "0.0000001")]
    [InlineData("1e-7", "0.0000001")]
    [InlineData("10e-8", "0.0000001")]
    [InlineData("1E+12", "1000000000000")]
    [InlineData("1e0", "1")]
    [InlineData("1.5e3", "1500")]
    [InlineData("1.5E-3", "0.0015")]
    [InlineData("-12.3400e-2", "-0.1234")]
    [InlineData("0.00000010000000000000000000000000000000", "0.0000001")]
    [InlineData("5.00000000000000000000000000000000000000", "5")]
    [InlineData("1000000000000", "1000000000000")]
    [InlineData("99999999999999.9999999", "99999999999999.9999999")]
    [InlineData("9007199254740993", null)]
    [InlineData("90071992547409.9300001", "90071992547409.9300001")]
    [InlineData("007", "7")]
    [InlineData("0000000000000000000000000000000000000000012", "12")]
    public void A_number_is_read_exactly(string text, string? expected)
    {
        var reading = Money.Read(text).ShouldNotBeNull();
        reading.Cents.ShouldBe(expected is null ? null : decimal.Parse(expected, CultureInfo.InvariantCulture));
        (reading.Error is null).ShouldBe(expected is not null);
    }

    [Theory]
    [InlineData("3e-06", "0.000003")]
    [InlineData("1.875e-05", "0.00001875")]
    [InlineData("7.999999999999999e-07", "0.0000007999999999999999")]
    [InlineData("0.0", "0")]
    [InlineData("0e-9999", "0")]
    [InlineData("-1.5E+3", "-1500")]
    [InlineData("1e-28", "0.0000000000000000000000000001")]
    [InlineData("9.999999999999999999999999999", "9.999999999999999999999999999")]
    [InlineData("1e27", "1000000000000000000000000000")]
    [InlineData("1e-29", null)]
    [InlineData("1e-99999", null)]
    [InlineData("1e28", null)]
    [InlineData("1e9999", null)]
    [InlineData("12345678901234567890123456789", null)]
    [InlineData("1.2345678901234567890123456789", null)]
    [InlineData("3e", null)]
    [InlineData("abc", null)]
    [InlineData("", null)]
    public void A_number_of_any_unit_is_read_exactly_or_not_at_all(string text, string? expected) =>
        (Money.ReadExact(text) is { } number ? Money.Format(number) : null).ShouldBe(expected);

    [Theory]
    [InlineData("0.00000001")]
    [InlineData("1e-8")]
    [InlineData("5.12345678")]
    [InlineData("1.00000000000000000000000000000000000001")]
    [InlineData("0.1234567890123456789012345678901234567890")]
    [InlineData("1e-9999")]
    public void More_than_seven_decimals_are_refused_never_rounded(string text) =>
        ErrorOf(text).ShouldContain("at most 7 decimals");

    [Theory]
    [InlineData("1e30")]
    [InlineData("-1e30")]
    [InlineData("1e14")]
    [InlineData("100000000000000")]
    [InlineData("12345678901234567890123456789012345678901234567890")]
    [InlineData("12345678901234567890123456789.5")]
    [InlineData("1e9999")]
    public void What_is_too_large_to_keep_is_refused(string text) =>
        ErrorOf(text).ShouldBe("must be at most 1000000000000");

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("+5")]
    [InlineData("--5")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("5.e3")]
    [InlineData("e3")]
    [InlineData("5e")]
    [InlineData("5e+")]
    [InlineData("5e+-3")]
    [InlineData("5e1.5")]
    [InlineData("5e 1")]
    [InlineData("5e3e3")]
    [InlineData("1.2.3")]
    [InlineData("1,5")]
    [InlineData("1_000")]
    [InlineData(" 5")]
    [InlineData("5 ")]
    [InlineData("5\n")]
    [InlineData("0x10")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("five")]
    [InlineData("٥")]
    [InlineData("$5")]
    public void What_is_no_number_is_told_apart(string text) => Money.Read(text).ShouldBeNull();

    [Theory]
    [InlineData("1e2147483647")]
    [InlineData("1e2147483648")]
    [InlineData("1e-2147483648")]
    [InlineData("1e-99999999999999999999")]
    [InlineData("1e10000")]
    public void An_exponent_beyond_all_reason_gives_no_amount(string text) => (Money.Read(text)?.Cents).ShouldBeNull();

    [Fact]
    public void A_very_long_text_is_read_or_refused_like_any_other()
    {
        Money.Read(new string('9', 100_000)).ShouldNotBeNull().Error.ShouldNotBeNull();
        Money.Read("0." + new string('0', 100_000)).ShouldNotBeNull().Cents.ShouldBe(0);
        Money.Read("1." + new string('0', 100_000) + "1").ShouldNotBeNull().Error.ShouldNotBeNull();
        Money.Read(new string('0', 100_000) + "5").ShouldNotBeNull().Cents.ShouldBe(5);
        Money.Read(new string('x', 100_000)).ShouldBeNull();
    }

    [Theory]
    [InlineData("5.0000000", "5")]
    [InlineData("0.0165000", "0.0165")]
    [InlineData("0.0000000", "0")]
    [InlineData("-1.10", "-1.1")]
    [InlineData("9999999999999.9999999", "9999999999999.9999999")]
    public void Amounts_are_written_without_trailing_zeros(string text, string expected) =>
        Money.Format(decimal.Parse(text, CultureInfo.InvariantCulture)).ShouldBe(expected);

    [Fact]
    public void Exactness_ends_after_seven_decimals()
    {
        Money.IsExact(0.0000001m).ShouldBeTrue();
        Money.IsExact(5.10000000000m).ShouldBeTrue();
        Money.IsExact(0.00000001m).ShouldBeFalse();
        Money.IsExact(-1.00000005m).ShouldBeFalse();
    }

    private static string ErrorOf(string text)
    {
        var reading = Money.Read(text).ShouldNotBeNull();
        reading.Cents.ShouldBeNull();
        return reading.Error.ShouldNotBeNull();
    }
}
