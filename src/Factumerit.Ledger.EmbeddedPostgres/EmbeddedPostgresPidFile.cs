using System.Globalization;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// The contents of a cluster's postmaster.pid: the process of the server, and its port once it is known.
/// </summary>
internal sealed record EmbeddedPostgresPidFile(int ProcessId, string? Cluster, int? Port)
{
    private const string NoProcess = "2147483647";

    private static string FileOf(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>Reads the file of a running server; null if there is no file, or its process is gone.</summary>
    public static EmbeddedPostgresPidFile? ReadRunning(string cluster) =>
        Read(cluster) is { } file && file.IsRunning ? file : null;

    private bool IsRunning => IsPostgres(ProcessId) && !IsOfAnotherCluster;

    /// <summary>
    /// True if the process can't be the server of this cluster: it is a backend, or a server of another directory, such
    /// as the system's own after a reboot. In doubt it is false, because a running server stops if it loses its pid
    /// file.
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

    /// <summary>
    /// True if the process is a running PostgreSQL; false for a zombie, and for another program under a reused id.
    /// </summary>
    public static bool IsPostgres(int processId)
    {
        try
        {
            // "pid (comm) state ...", where comm may contain any characters.
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
    /// Replaces the process id in a stale file by an id that can't exist. PostgreSQL refuses to start if the process id
    /// in a stale file exists, even if that process is an unreaped zombie or another program under a reused id. The
    /// file itself stays: its line on shared memory prevents a new server from starting while backends of the dead
    /// server still run.
    /// </summary>
    public static void DisownStale(string cluster)
    {
        if (Read(cluster) is not { } stale || stale.IsRunning)
            return;
        var lines = File.ReadAllLines(FileOf(cluster));
        lines[0] = NoProcess;
        // Write a temporary file and rename it: a kill must not leave an empty file, because then no server starts.
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
        if (lines.Length == 0
            || !int.TryParse(lines[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var processId))
            return null;
        int? port = int.TryParse(
            lines.ElementAtOrDefault(portLine), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
        return new(processId, lines.ElementAtOrDefault(clusterLine), port);
    }
}
