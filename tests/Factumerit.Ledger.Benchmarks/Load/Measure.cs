using System.Globalization;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>What a number counts, which decides how it is written.</summary>
internal enum Unit
{
    PerSecond,
    Times,
    Percent,
    Milliseconds,
    Seconds,
    Megabytes,
    Bytes,
    Count,
}

/// <summary>One line of the table: what was measured, its value, and what it is held against.</summary>
internal sealed record Measure(string What, double Value, Unit Unit)
{
    public List<Bound> Bounds { get; } = [];

    /// <summary>The value itself must reach, or keep below, a number.</summary>
    public Measure Within(double must, double? aim = null, bool atLeast = false)
    {
        Bounds.Add(new Bound(null, Value, Unit, must, aim, atLeast));
        return this;
    }

    /// <summary>The value in relation to a yardstick of the same run; nothing when that one did not run.</summary>
    public Measure Against(
        string yardstick, double? ratio, Unit unit, double? must = null, double? aim = null, bool atLeast = true)
    {
        if (ratio is { } reached)
            Bounds.Add(new Bound(yardstick, reached, unit, must, aim, atLeast));
        return this;
    }

    public static string Format(double value, Unit unit) => unit switch
    {
        Unit.PerSecond => string.Create(CultureInfo.InvariantCulture, $"{value:#,0}/s"),
        Unit.Times => string.Create(CultureInfo.InvariantCulture, $"{value:0.0#} x"),
        Unit.Percent => string.Create(CultureInfo.InvariantCulture, $"{value:0.#} %"),
        Unit.Milliseconds => string.Create(CultureInfo.InvariantCulture, $"{value:#,0.0#} ms"),
        Unit.Seconds => string.Create(CultureInfo.InvariantCulture, $"{value:0.0#} s"),
        Unit.Megabytes => string.Create(CultureInfo.InvariantCulture, $"{value:#,0} MB"),
        Unit.Bytes => string.Create(CultureInfo.InvariantCulture, $"{value:#,0} B"),
        Unit.Count => string.Create(CultureInfo.InvariantCulture, $"{value:#,0}"),
        _ => throw new ArgumentOutOfRangeException(nameof(unit), unit, "is no unit"),
    };
}

/// <summary>What a value is held against: a yardstick, and what must be reached and what is aimed at.</summary>
internal sealed record Bound(string? Yardstick, double Reached, Unit Unit, double? Must, double? Aim, bool AtLeast)
{
    public string Ratio =>
        Yardstick is null ? "" : $"{Measure.Format(Reached, Unit)} {(Unit == Unit.Percent ? "of " : "")}{Yardstick}";
    public string MustText => Text(Must);
    public string AimText => Text(Aim);
    public string Met =>
        Must is null ? "" : Aim is { } aim && Reaches(aim) ? "aim" : Reaches(Must.Value) ? "yes" : "NO";

    private bool Reaches(double goal) => AtLeast ? Reached >= goal : Reached <= goal;

    private string Text(double? goal) =>
        goal is { } number ? $"{(AtLeast ? "≥" : "≤")} {Measure.Format(number, Unit)}" : "";
}
