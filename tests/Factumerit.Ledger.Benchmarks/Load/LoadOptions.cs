using Factumerit.Ledger.Benchmarks.Load.Scenarios;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>What of the load is asked for on the command line.</summary>
internal sealed record LoadOptions(bool Full, IReadOnlyList<string>? Only)
{
    /// <summary>The options that the arguments spell, or what is wrong with them.</summary>
    public static (LoadOptions? Options, string? Error) Parse(ReadOnlySpan<string> arguments)
    {
        var options = new LoadOptions(false, null);
        while (arguments is [var option, .. var rest])
        {
            switch (option)
            {
                case "--full":
                    options = options with { Full = true };
                    break;
                case "--only" when rest is [var names, ..]:
                    options = options with { Only = names.Split(',') };
                    rest = rest[1..];
                    break;
                default:
                    return (null, $"'{option}' is no option, or lacks its value.");
            }
            arguments = rest;
        }
        var unknown = options.Only?.Except(Scenario.All.Select(s => s.Name)).ToList();
        return unknown is { Count: > 0 }
            ? (null, $"There is no scenario {string.Join(", ", unknown)}. "
                + $"There are {string.Join(", ", Scenario.All.Select(s => s.Name))}.")
            : (options, null);
    }

    public IEnumerable<Scenario> Chosen() => Scenario.All.Where(s => Only?.Contains(s.Name) ?? (Full || !s.FullOnly));
}
