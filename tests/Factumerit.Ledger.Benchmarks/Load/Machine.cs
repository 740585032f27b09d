using System.Globalization;
using System.Runtime.InteropServices;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>The facts that numbers depend on: what they were measured on, and when.</summary>
internal sealed record Machine(IReadOnlyList<(string Name, string Value)> Facts)
{
    public static async Task<Machine> DescribeAsync(Server server, CancellationToken cancellationToken) => new(
    [
        ("date", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
        ("processor", $"{Field("/proc/cpuinfo", "model name")}, {Environment.ProcessorCount} cores, "
            + "shared by the load, the service and PostgreSQL"),
        ("memory",
            $"{long.Parse(Field("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1024:#,0}"
                + " MB"),
        ("disk", Disk(Path.GetTempPath())),
        ("system",
            $"{RuntimeInformation.OSDescription}, kernel {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}"),
        ("PostgreSQL", $"{server.Version}: {await server.SettingsAsync(cancellationToken)}"),
        (".NET", RuntimeInformation.FrameworkDescription),
    ]);

    private static string Field(string file, string name) =>
        File.ReadLines(file).First(l => l.StartsWith(name, StringComparison.Ordinal)).Split(':', 2)[1].Trim();

    private static string Disk(string path)
    {
        var drive = new DriveInfo(path);
        return $"{drive.DriveFormat}, where the server keeps its files";
    }
}
