using System.Globalization;

namespace Factumerit.Ledger.Tests.Data;

/// <summary>One LLM call of the trace.</summary>
public sealed record RealCall(string Time, long ContextTokens, long GeneratedTokens);

/// <summary>
/// The 8,818 calls of one afternoon at a coding service, in order. Their source is in the README.md beside them.
/// </summary>
internal static class RealCalls
{
    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "Data", file);

    public static IReadOnlyList<RealCall> Read() =>
    [
        .. File.ReadLines(PathOf("azure-llm-code.csv")).Skip(1).Select(line => line.Split(','))
            .Select(cells => new RealCall(cells[0], Tokens(cells[1]), Tokens(cells[2]))),
    ];

    private static long Tokens(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
