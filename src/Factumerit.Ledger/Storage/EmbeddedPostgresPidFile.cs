using System.Globalization;

namespace Factumerit.Ledger.Storage;

/// <summary>What postmaster.pid says about the server of a cluster: its process, and its port once it's known.</summary>
internal sealed record EmbeddedPostgresPidFile(int ProcessId, string? Cluster, int? Port)
{
    private const string NoProcess = "2147483647";

    private static string FileOf(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>The file of a server that is running now; null when there is none, or its process is gone.</summary>
    public static EmbeddedPostgresPidFile? ReadRunning(string cluster) =>
        Read(cluster) is { } file && file.IsRunning ? file : null;

    private bool IsRunning => IsPostgres(ProcessId) && !IsOfAnotherCluster;

    /// <summary>
    /// True only for what can't be the server meant: a backend, or a server of another directory, such as the system's own after a
    /// reboot. In doubt it's false, since a running server that loses its pid file stops.
    /// </summary>
    private bool IsOfAnotherCluster
    {
        get
        {
            string[] arguments;
            try
            {
                arguments = File.ReadAllText($"/proc/{ProcessId}/cmdline").Split('\0');
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return false;
            }
            var directory = arguments.SkipWhile(argument => argument != "-D").ElementAtOrDefault(1);
            return arguments[0].StartsWith("postgres: ", StringComparison.Ordinal)
                || (directory is ['/', ..] && Cluster is not null && directory != Cluster);
        }
    }

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
        if (Read(cluster) is not { } stale || stale.IsRunning)
            return;
        var lines = File.ReadAllLines(FileOf(cluster));
        lines[0] = NoProcess;
        // Under another name first: a kill in the middle must not leave an empty file, over which no server starts.
        var unfinished = FileOf(cluster) + ".new";
        File.WriteAllLines(unfinished, lines);
        File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(unfinished, FileOf(cluster), overwrite: true);
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
        const int clusterLine = 1, portLine = 3;
        if (lines.Length == 0 || !int.TryParse(lines[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var processId))
            return null;
        int? port = int.TryParse(lines.ElementAtOrDefault(portLine), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
        return new(processId, lines.ElementAtOrDefault(clusterLine), port);
    }
}
