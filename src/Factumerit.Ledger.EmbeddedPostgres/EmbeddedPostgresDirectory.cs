using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// The files of the embedded PostgreSQL and an exclusive lock on them. Only one service at a time can hold the lock.
/// The operating system releases it when the service dies. Other users can traverse the directory if needed, but read
/// nothing.
/// </summary>
internal sealed class EmbeddedPostgresDirectory : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;
    private const long LogBytesMax = 10 * 1024 * 1024;
    private static readonly TimeSpan InitTimeout = TimeSpan.FromMinutes(3);
    private static readonly string Settings = """

        # Set by Factumerit.Ledger when the cluster was made; yours to change.
        # Durability keeps its defaults, which are on.
        max_connections = 100
        shared_buffers = 256MB
        max_wal_size = 4GB
        timezone = 'UTC'
        log_timezone = 'UTC'

        """;

    // Until WAL segments can be recycled, PostgreSQL fills each new one with zeros while a commit waits. With 4 MB this
    // takes a quarter of the time of the default 16 MB.
    private const string LogFiles = "--wal-segsize=4";
    // EAGAIN: flock(2) fails with it if another process holds the lock.
    private const int IsLocked = 11;
    private static readonly SearchValues<char> BeyondPgCtl = SearchValues.Create("\"$`\\\n\r");
    private readonly FileStream _lock;

    private EmbeddedPostgresDirectory(string root, FileStream lockFile)
    {
        Root = root;
        _lock = lockFile;
    }

    public string Root { get; }
    public string Cluster => Path.Combine(Root, "postgres");
    public string LogFile => Path.Combine(Root, "postgres.log");
    public string PasswordFile => Path.Combine(Root, "password");

    /// <summary>Creates the directory if missing, and locks it. Throws if another service holds the lock.</summary>
    public static EmbeddedPostgresDirectory Open(string dataDirectory)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataDirectory));
        if (root.AsSpan().ContainsAny(BeyondPgCtl))
            throw new EmbeddedPostgresException(
                $"'{root}' holds a character that PostgreSQL's pg_ctl can't take in a path: "
                + "choose another Embedded__DataDirectory.");
        try
        {
            // If the server runs as another user, that user must be able to traverse the directory.
            var passing = Environment.IsPrivilegedProcess
                ? UnixFileMode.GroupExecute | UnixFileMode.OtherExecute
                : UnixFileMode.None;
            if (!Directory.Exists(root))
                MakeDirectory(root, PrivateDirectory | passing);
            return new(root, Lock(Path.Combine(root, "lock")));
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
        {
            throw new EmbeddedPostgresException(
                $"'{root}' can't be used ({failure.Message}): run the service as the user it belongs to, give it to "
                + "this one (chown -R), or choose another Embedded__DataDirectory.");
        }
    }

    /// <summary>Reads the major version of the cluster; null when there is no cluster yet.</summary>
    public int? ClusterMajor()
    {
        var file = Path.Combine(Cluster, "PG_VERSION");
        if (!File.Exists(file))
            return null;
        return int.TryParse(
            File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            ? major
            : throw new EmbeddedPostgresException(
                $"'{file}' does not hold a version: restore '{Cluster}' from a backup.");
    }

    /// <summary>
    /// Creates the cluster if there is none. It is created under a temporary name and then renamed, so a kill never
    /// leaves an incomplete cluster.
    /// </summary>
    public async Task<bool> MakeClusterAsync(
        EmbeddedPostgresCommands commands, EmbeddedPostgresBinaries binaries, CancellationToken cancellationToken)
    {
        DeleteUnfinished();
        if (ClusterMajor() is not null)
            return false;
        if (Directory.Exists(Cluster) && Directory.EnumerateFileSystemEntries(Cluster).Any())
            throw new EmbeddedPostgresException(
                $"'{Cluster}' is not empty and not a PostgreSQL cluster: move it away.");

        var unfinished = Path.Combine(Root, $"postgres.new-{Guid.NewGuid():N}");
        var password = unfinished + ".password";
        try
        {
            MakeDirectory(unfinished, PrivateDirectory);
            WriteNew(password, Password());
            await commands.GiveAsync(cancellationToken, unfinished, password).ConfigureAwait(false);
            await commands.RunAsync(InitTimeout, cancellationToken,
                binaries.InitDb, "-D", unfinished, $"--pwfile={password}", $"--username={PrivatePostgres.User}",
                "--auth=scram-sha-256", "--data-checksums", LogFiles, "--encoding=UTF8", "--locale=C",
                "--no-instructions").ConfigureAwait(false);
            await AppendSettingsAsync(Path.Combine(unfinished, "postgresql.conf"), cancellationToken)
                .ConfigureAwait(false);
            if (Directory.Exists(Cluster))
                Directory.Delete(Cluster);
            Directory.Move(unfinished, Cluster);
            return true;
        }
        finally
        {
            DeleteUnfinished();
        }
    }

    /// <summary>
    /// Returns the server's password. The first call generates and stores it. Without its password a cluster can't be
    /// used.
    /// </summary>
    public string Password()
    {
        if (File.Exists(PasswordFile))
            return File.ReadAllText(PasswordFile).Trim();
        if (ClusterMajor() is not null)
            throw new EmbeddedPostgresException(
                $"'{PasswordFile}' is missing, and the database in '{Cluster}' only opens with it: "
                + "restore the file from a backup.");
        var password = RandomNumberGenerator.GetHexString(48, lowercase: true);
        var unfinished = PasswordFile + ".new";
        File.Delete(unfinished);
        WriteNew(unfinished, password);
        File.Move(unfinished, PasswordFile);
        return password;
    }

    /// <summary>Prepares the server's log file. A log over the size limit is rotated; one old log is kept.</summary>
    public void RotateLog()
    {
        var log = new FileInfo(LogFile);
        if (log.Exists && log.Length > LogBytesMax)
            log.MoveTo(LogFile + ".1", overwrite: true);
        if (!File.Exists(LogFile))
            WriteNew(LogFile, "");
    }

    /// <summary>
    /// Returns the reason of a failed start from the end of the server's log, or its last lines if they name no reason.
    /// </summary>
    public string LogTail()
    {
        // The number of lines to search for the reason, and the number to return if there is none.
        const int read = 20, shown = 3;
        var end = File.Exists(LogFile) ? File.ReadLines(LogFile).TakeLast(read).ToList() : [];
        var reason = end.FindLast(line =>
            line.Contains(" FATAL: ", StringComparison.Ordinal)
            || line.Contains(" PANIC: ", StringComparison.Ordinal));
        return reason ?? string.Join(" ", end.TakeLast(shown));
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string file)
    {
        try
        {
            var stream = OpenPrivate(file, FileMode.OpenOrCreate);
            stream.SetLength(0);
            stream.Write(Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"));
            stream.Flush();
            return stream;
        }
        catch (IOException failure) when (failure.HResult == IsLocked)
        {
            throw new EmbeddedPostgresException(
                $"'{Path.GetDirectoryName(file)}' is in use by another service ({failure.Message}): " +
                "stop that one first, or choose another Embedded__DataDirectory.");
        }
    }

    private static async Task AppendSettingsAsync(string file, CancellationToken cancellationToken)
    {
        await File.AppendAllTextAsync(file, Settings, cancellationToken).ConfigureAwait(false);
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    private static void WriteNew(string file, string content)
    {
        using var stream = OpenPrivate(file, FileMode.CreateNew);
        stream.Write(Encoding.UTF8.GetBytes(content));
        stream.Flush(flushToDisk: true);
    }

    private static FileStream OpenPrivate(string file, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = Private;
        return new(file, options);
    }

    private static void MakeDirectory(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
            return;
        Directory.CreateDirectory(path, mode);
        // A strict umask removes rights from the mode of a new directory, so set the mode again.
        File.SetUnixFileMode(path, mode);
    }

    private void DeleteUnfinished()
    {
        foreach (var file in Directory.GetFiles(Root, "postgres.new-*"))
            File.Delete(file);
        foreach (var directory in Directory.GetDirectories(Root, "postgres.new-*"))
            Directory.Delete(directory, recursive: true);
    }
}
