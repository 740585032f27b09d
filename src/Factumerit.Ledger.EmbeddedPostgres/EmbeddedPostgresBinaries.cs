using System.Globalization;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>
/// An installation of PostgreSQL on this machine: a directory that holds initdb, pg_ctl and postgres. If the operator
/// configures a directory, only that one is used. Otherwise an installation with the major version of the existing
/// cluster comes first, then PATH, then the newest one.
/// </summary>
internal sealed partial record EmbeddedPostgresBinaries(string Directory, string Version, int Major)
{
    private const int MajorMin = 15;
    private static readonly TimeSpan VersionTimeout = TimeSpan.FromSeconds(20);

    public string InitDb => Path.Combine(Directory, "initdb");
    public string PgCtl => Path.Combine(Directory, "pg_ctl");
    public string Postgres => Path.Combine(Directory, "postgres");

    public static async Task<EmbeddedPostgresBinaries> FindAsync(
        string? binDirectory, int? clusterMajor, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrWhiteSpace(binDirectory))
            return Supported(
                await FromOperatorAsync(Path.GetFullPath(binDirectory), cancellationToken).ConfigureAwait(false));

        var found = new List<EmbeddedPostgresBinaries>();
        foreach (var directory in Candidates())
        {
            var version = await VersionAsync(directory, cancellationToken).ConfigureAwait(false);
            if (version.Installation is { } installation)
                found.Add(installation);
        }
        if (found.Count == 0)
            throw new EmbeddedPostgresException(
                "No PostgreSQL is installed here: install version 15 or newer (such as `apt-get install postgresql`), "
                + "name the directory of its programs in Embedded__BinDirectory, or use a server through "
                + "ConnectionStrings__Ledger.");
        return found.Find(candidate => candidate.Major == clusterMajor)
            ?? found.Find(candidate => candidate.Major >= MajorMin)
            ?? Supported(found[0]);
    }

    private static async Task<EmbeddedPostgresBinaries> FromOperatorAsync(
        string directory, CancellationToken cancellationToken)
    {
        if (!HasPrograms(directory))
            throw new EmbeddedPostgresException(
                $"'{directory}' does not hold PostgreSQL's initdb, pg_ctl and postgres: "
                + "correct Embedded__BinDirectory.");
        var version = await VersionAsync(directory, cancellationToken).ConfigureAwait(false);
        return version.Installation ?? throw new EmbeddedPostgresException(
            $"PostgreSQL in '{directory}' does not run: {version.Failure}. "
            + "Repair it, or correct Embedded__BinDirectory.");
    }

    private static EmbeddedPostgresBinaries Supported(EmbeddedPostgresBinaries found) =>
        found.Major >= MajorMin
            ? found
            : throw new EmbeddedPostgresException(
                $"PostgreSQL {found.Version} in '{found.Directory}' is too old: install version {MajorMin} or newer.");

    private static IEnumerable<string> Candidates()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        var fromPath = path.Split(':', StringSplitOptions.RemoveEmptyEntries).Where(HasPrograms).Select(FollowLinks);
        const string packages = "/usr/lib/postgresql";
        var fromPackages = System.IO.Directory.Exists(packages)
            ? System.IO.Directory.GetDirectories(packages)
                .Where(directory => int.TryParse(
                    Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .OrderByDescending(directory => int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture))
                .Select(directory => Path.Combine(directory, "bin"))
                .Where(HasPrograms)
            : [];
        return fromPath.Concat(fromPackages).Distinct(StringComparer.Ordinal);
    }

    private static bool HasPrograms(string directory) =>
        Path.IsPathRooted(directory)
        && File.Exists(Path.Combine(directory, "initdb"))
        && File.Exists(Path.Combine(directory, "pg_ctl"))
        && File.Exists(Path.Combine(directory, "postgres"));

    /// <summary>If the directory only holds links to the programs, returns the directory of the link targets.</summary>
    private static string FollowLinks(string directory)
    {
        var target = File.ResolveLinkTarget(Path.Combine(directory, "postgres"), returnFinalTarget: true)?.FullName;
        return target is not null && Path.GetDirectoryName(target) is { } real && HasPrograms(real) ? real : directory;
    }

    private static async Task<(EmbeddedPostgresBinaries? Installation, string Failure)> VersionAsync(
        string directory, CancellationToken cancellationToken)
    {
        var outcome = await EmbeddedPostgresCommands
            .TryAsync([Path.Combine(directory, "postgres"), "--version"], VersionTimeout, cancellationToken)
            .ConfigureAwait(false);
        var version = VersionPattern().Match(outcome.Output);
        return outcome.Succeeded && version.Success
            ? (
                new(
                    directory, version.Groups[1].Value,
                    int.Parse(version.Groups[2].ValueSpan, CultureInfo.InvariantCulture)),
                "")
            : (null, outcome.Message);
    }

    [GeneratedRegex(@"\(PostgreSQL\) ((\d+)\S*)")]
    private static partial Regex VersionPattern();
}
