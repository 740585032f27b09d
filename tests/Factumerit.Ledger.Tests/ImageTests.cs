using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Tests;

/// <summary>
/// Checks of the image and the compose files that need no container engine: the files they name exist, and the image
/// stays small and unprivileged.
/// </summary>
public sealed partial class ImageTests
{
    private static readonly string[] Dockerfile = Lines("src/Factumerit.Ledger.Api/Dockerfile");

    [Fact]
    public void All_that_the_image_is_built_from_exists_and_is_in_the_build_context()
    {
        var admitted = Lines(".dockerignore").Where(line => line.StartsWith('!')).Select(line => line[1..]).ToList();
        var copied = Dockerfile.Where(line =>
            line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ')[1..^1]).ToList();

        copied.Count.ShouldBeGreaterThan(5);
        foreach (var path in copied.Where(path => path != "src/"))
        {
            Directory.GetFiles(Path.Combine(Repository.Root, Path.GetDirectoryName(path)!), Path.GetFileName(path))
                .ShouldNotBeEmpty(path);
            admitted.ShouldContain(
                entry => path == entry || path.StartsWith($"{entry}/", StringComparison.Ordinal), path);
        }
        // Every project's lock file is copied before the restore. Otherwise each change of a source rebuilds the layer
        // of packages.
        foreach (var project in Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(Path.GetFileName))
            copied.ShouldContain($"src/{project}/packages.lock.json");
    }

    [Fact]
    public void The_image_is_chiselled_labelled_runs_without_rights_and_is_built_for_any_platform()
    {
        var last = Array.FindLastIndex(Dockerfile, line => line.StartsWith("FROM ", StringComparison.Ordinal));
        var final = Dockerfile[last..];

        Dockerfile.First(line => line.StartsWith("FROM ", StringComparison.Ordinal))
            .ShouldStartWith("FROM --platform=$BUILDPLATFORM ");
        final[0].ShouldContain("-chiseled@sha256:");
        // What would run there would be emulated for another platform.
        final.ShouldAllBe(line => !line.StartsWith("RUN ", StringComparison.Ordinal));
        final.ShouldContain("USER $APP_UID");
        foreach (var label in (string[])["title", "description", "licenses", "version", "revision", "base.name"])
            string.Join('\n', final).ShouldContain($"org.opencontainers.image.{label}=");
    }

    [Theory]
    [InlineData("docker-compose.yml")]
    [InlineData("samples/docker-compose.yml")]
    public void Files_that_a_compose_file_names_exist(string file)
    {
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(file)!);
        var named = Lines(file).SelectMany(line => NamedFile().Matches(line))
            .Select(match => match.Groups["file"].Value).ToList();

        named.ShouldNotBeEmpty();
        named.ShouldAllBe(path => File.Exists(Path.Combine(folder, path)));
    }

    private static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Repository.Root, file));

    [GeneratedRegex(@"(- (?<file>\./[^:]+):|(file|dockerfile): (?<file>\S+))")]
    private static partial Regex NamedFile();
}
