namespace Factumerit.Ledger.Cli.Import;

/// <summary>The rows refused with one code: their number and the first of them.</summary>
internal sealed record RefusalGroup(string Code, long Count, IReadOnlyList<RefusedRow> First);

/// <summary>A refused row: its first line and the reason.</summary>
internal sealed record RefusedRow(long Line, string Detail);

/// <summary>
/// The refused rows of an import, grouped by code in the order of first occurrence. Each group keeps its first rows
/// only. A large file with one fault throughout therefore stays readable and takes little memory.
/// </summary>
internal sealed class Refusals
{
    private const int FirstMax = 10;

    private readonly List<string> _codes = [];
    private readonly Dictionary<string, (long Count, List<RefusedRow> First)> _groups = new(StringComparer.Ordinal);

    public long Count { get; private set; }

    public IReadOnlyList<RefusalGroup> Groups =>
        _codes.ConvertAll(code => new RefusalGroup(code, _groups[code].Count, _groups[code].First));

    public void Add(string code, long line, string detail)
    {
        Count++;
        if (!_groups.TryGetValue(code, out var group))
        {
            group = (0, []);
            _codes.Add(code);
        }
        if (group.First.Count < FirstMax)
            group.First.Add(new RefusedRow(line, detail));
        _groups[code] = group with { Count = group.Count + 1 };
    }
}
