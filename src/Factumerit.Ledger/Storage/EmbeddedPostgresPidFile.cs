using System.Globalization;

namespace Factumerit.Ledger.Storage;

/// <summary>What postmaster.pid says about the server of a cluster: its process, and its port once it's known.</summary>
internal sealed record EmbeddedPostgresPidFile(int ProcessId, int? Port)
{
    private const string NoProcess = "2147483647";

    private static string FileOf(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>The file of a server that is running now; null when there is none, or its process is gone.</summary>
    public static EmbeddedPostgresPidFile? ReadRunning(string cluster) =>
        Read(cluster) is { } file && IsPostgres(file.ProcessId) ? file : null;

    /// <summary>True while the process is a PostgreSQL that still runs; a zombie, or another program under a reused id, is not.</summary>
    public static bool IsPostgres(int processId)
    {
        try
        {
            // "pid (comm) state ...", where comm may hold anything.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var commEnd = stat.LastIndexOf(')');
            return stat[(stat.IndexOf('(') + 1)..commEnd] == "postgres" && stat[commEnd + 2] is not ('Z' or 'X');
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// PostgreSQL refuses to start when the process id in a stale file exists, though it may be a zombie that nobody has collected or a
    /// stranger under a reused id. A file of which neither is a server gets an id that can't exist. The file itself stays, since
    /// its line on shared memory is what keeps a new server from starting while backends of the dead one still run.
    /// </summary>
    public static void DisownStale(string cluster)
    {
        if (Read(cluster) is not { } stale || IsPostgres(stale.ProcessId))
            return;
        var lines = File.ReadAllLines(FileOf(cluster));
        lines[0] = NoProcess;
        File.WriteAllLines(FileOf(cluster), lines);
    }

    private static EmbeddedPostgresPidFile? Read(string cluster)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(FileOf(cluster));
        }
        catch (IOException)
        {
            return null;
        }
        const int portLine = 3;
        return lines.Length > 0 && int.TryParse(lines[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var processId)
            ? new(processId, lines.Length > portLine
                && int.TryParse(lines[portLine], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null)
            : null;
    }
}
