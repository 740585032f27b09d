using Factumerit.Ledger.Benchmarks.Load;
using Factumerit.Ledger.Benchmarks.Load.Scenarios;
using Factumerit.Ledger.Benchmarks.Micro;
using Factumerit.Ledger.Benchmarks.Plain;

const string usage = """
    load [--full] [--only NAME[,NAME]]   loads the service and compares it with PostgreSQL itself
    load --list                          the scenarios that load knows
    micro [arguments of BenchmarkDotNet] the hot code by itself
    plain                                serves POST /usage as a plain EF service would,
    """
    + """
     on the database of ConnectionStrings__Ledger
    """;

switch (args)
{
    case ["load", "--list"]:
        foreach (var scenario in Scenario.All)
            Console.WriteLine($"{scenario.Name,-12} {scenario.About}{(scenario.FullOnly ? " (--full)" : "")}");
        return 0;
    case ["load", .. var rest]:
        var (options, error) = LoadOptions.Parse(rest);
        if (options is not null)
            return await LoadProgram.RunAsync(options);
        await Console.Error.WriteLineAsync(error);
        return 2;
    case ["micro", .. var rest]:
        return MicroProgram.Run(rest);
    case ["plain"]:
        return await PlainService.RunAsync();
    default:
        await Console.Error.WriteLineAsync(usage);
        return 2;
}
