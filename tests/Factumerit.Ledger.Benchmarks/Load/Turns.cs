namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// Figures that were taken in turn, within seconds, so a change in the machine's speed affects all of them. The median
/// counts: a single turn in which the disk stalls, on either side, does not decide the result.
/// </summary>
internal static class Turns
{
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    /// <summary>The median of what each turn's figure is in relation to the yardstick of the same turn.</summary>
    public static double Ratio(IEnumerable<double> values, IEnumerable<double> yardstick) =>
        values.Zip(yardstick, (value, held) => value / held).Median();
}
