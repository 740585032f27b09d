using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Factumerit.Ledger.Benchmarks.Micro;

/// <summary>
/// The verb micro: BenchmarkDotNet on the hot code. It runs in this process, because BenchmarkDotNet's own builds don't
/// know the runtime yet.
/// </summary>
internal static class MicroProgram
{
    private static readonly string[] All = ["--filter", "*"];

    public static int Run(string[] arguments)
    {
        var results = Directory.CreateTempSubdirectory("factumerit-micro-").FullName;
        try
        {
            var config = ManualConfig.Create(DefaultConfig.Instance)
                .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
                .WithArtifactsPath(results);
            var summaries = BenchmarkSwitcher.FromTypes([typeof(HotCode)])
                .Run([.. arguments, .. arguments is [] ? All : []], config);
            return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;
        }
        finally
        {
            Directory.Delete(results, recursive: true);
        }
    }
}
