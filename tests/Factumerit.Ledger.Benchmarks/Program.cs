using Factumerit.Ledger.Benchmarks.Load;
using Factumerit.Ledger.Benchmarks.Load.Scenarios;

const string usage = """
    load [--full] [--only NAME[,NAME]]   loads the service and compares it with PostgreSQL itself
    --list                               the scenarios that load knows
    """;

switch (args)
{
    case ["--list"] or ["load", "--list"]:
        foreach (var scenario in Scenario.All)
            Console.WriteLine($"{scenario.Name,-12} {scenario.About}{(scenario.FullOnly ? " (--full)" : "")}");
        return 0;
    case ["load", .. var rest]:
        var (options, error) = LoadOptions.Parse(rest);
        if (options is not null)
            return await LoadProgram.RunAsync(options);
        await Console.Error.WriteLineAsync(error);
        return 2;
    default:
        await Console.Error.WriteLineAsync(usage);
        return 2;
}
