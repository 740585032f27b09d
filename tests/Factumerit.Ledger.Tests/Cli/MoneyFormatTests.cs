using System.Globalization;
using Factumerit.Ledger.Cli.Display;

namespace Factumerit.Ledger.Tests.Cli;

public sealed class MoneyFormatTests
{
    [Theory]
    [InlineData("0", "$0.00")]
    [InlineData("-0.0", "$0.00")]
    [InlineData("5", "$0.05")]
    [InlineData("0.5", "$0.005")]
    [InlineData("0.0165", "$0.000165")]
    [InlineData("0.0000001", "$0.000000001")]
    [InlineData("100.0000000", "$1.00")]
    [InlineData("123456", "$1,234.56")]
    [InlineData("-500", "-$5.00")]
    [InlineData("-0.0165", "-$0.000165")]
    [InlineData("9999999999999999999.9999999", "$99,999,999,999,999,999.999999999")]
    public void Cents_are_shown_as_dollars_without_rounding(string cents, string dollars) =>
        MoneyFormat.Format(decimal.Parse(cents, CultureInfo.InvariantCulture)).ShouldBe(dollars);

    [Fact]
    public void A_column_has_its_decimal_points_below_each_other() =>
        MoneyFormat.Align([123456m, -5.5m, null, 0m])
            .ShouldBe(["$1,234.56 ", "   -$0.055", "          ", "    $0.00 "]);

    [Theory]
    [InlineData("5", true)]
    [InlineData("-5", true)]
    [InlineData("0.0165", true)]
    [InlineData("1e3", true)]
    [InlineData("", false)]
    [InlineData("05", false)]
    [InlineData(".5", false)]
    [InlineData("+5", false)]
    [InlineData("1,000", false)]
    [InlineData("5\n", false)]
    [InlineData("NaN", false)]
    [InlineData("٥", false)]
    public void Only_what_JSON_takes_as_a_number_is_one(string text, bool isNumber) =>
        MoneyFormat.IsNumber(text).ShouldBe(isNumber);
}
