namespace Factumerit.Ledger.Cli.Import;

/// <summary>Rows that were refused with one code: how many, and the first of them.</summary>
internal sealed record RefusalGroup(string Code, long Count, IReadOnlyList<RefusedRow> First);

/// <summary>A row that was refused, by its first line, and why.</summary>
internal sealed record RefusedRow(long Line, string Detail);

/// <summary>
/// The rows of an import that were refused, by code in the order in which the codes came up. The first rows of each are kept, so
/// that a large file with one fault throughout stays readable and takes little memory.
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
