using System.Runtime.InteropServices;
using Factumerit.Ledger.Benchmarks.Load.Scenarios;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// The verb load: runs the scenarios one after the other on one fresh server, prints the table, and writes it down.
/// </summary>
internal static class LoadProgram
{
    public static async Task<int> RunAsync(LoadOptions options)
    {
        using var stopping = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stopping));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stopping));
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => Stop(signal, stopping));
        try
        {
            return await RunAsync(options, stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 130;
        }
    }

    private static async Task<int> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        var root = FindRoot();
        var directory = Directory.CreateTempSubdirectory("factumerit-bench-").FullName;
        try
        {
            // The server's user must get through to its own directory below.
            File.SetUnixFileMode(
                directory, File.GetUnixFileMode(directory) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            await using var server = await Server.StartAsync(Path.Combine(directory, "server"), cancellationToken);
            await using var lab = new Lab(server, new Wrk(directory), root, Console.Error);
            foreach (var scenario in options.Chosen())
                await RunAsync(scenario, lab, cancellationToken);
            await lab.CloseWarmAsync(cancellationToken);
            var report = new Report(lab.Measures, await Machine.DescribeAsync(server, cancellationToken));
            report.Print();
            if (options.Only is null)
                report.WriteTo(Path.Combine(root, "docs", "performance.md"));
            return Verdict(lab);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task RunAsync(Scenario scenario, Lab lab, CancellationToken cancellationToken)
    {
        await Console.Error.WriteLineAsync($"{scenario.Name}: {scenario.About}");
        try
        {
            await scenario.RunAsync(lab, cancellationToken);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            lab.Fail($"{scenario.Name} did not get through: {failure}");
        }
    }

    private static int Verdict(Lab lab)
    {
        if (lab.Failures.Count == 0)
            return 0;
        Console.Error.WriteLine();
        Console.Error.WriteLine($"!!! {lab.Failures.Count} FAILURES:");
        foreach (var failure in lab.Failures)
            Console.Error.WriteLine($"!!! {failure}");
        return 1;
    }

    // Everything that was started is disposed on the way out, instead of being left behind.
    private static void Stop(PosixSignalContext signal, CancellationTokenSource stopping)
    {
        signal.Cancel = true;
        stopping.Cancel();
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null;
            directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Factumerit.Ledger.sln")))
                return directory.FullName;
        throw new InvalidOperationException("The benchmarks must run from within the repository.");
    }
}
