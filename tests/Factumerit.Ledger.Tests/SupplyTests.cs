using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Factumerit.Ledger.Tests;

/// <summary>
/// The contents of a release: the same sources give the same programs, and everything from outside is pinned.
/// </summary>
public sealed partial class SupplyTests
{
    private static readonly string[] Programs = ["Factumerit.Ledger.dll", "Factumerit.Ledger.Api.dll", "fa.dll"];

    [Fact]
    public async Task The_same_sources_in_another_folder_give_the_same_programs()
    {
        var copy = Directory.CreateTempSubdirectory("factumerit-other-folder-").FullName;
        try
        {
            Copy(Repository.Root, copy);
            foreach (var project in new[] { "src/Factumerit.Ledger.Api", "src/Factumerit.Ledger.Cli" })
                await BuildAsync(copy, project);

            foreach (var program in Programs)
            {
                var other = Directory.GetFiles(Path.Combine(copy, "src"), program, SearchOption.AllDirectories)
                    .Single(file =>
                        file.Contains($"/bin/{Configuration}/", StringComparison.Ordinal) && IsItsOwn(file));
                Hash(other).ShouldBe(Hash(Path.Combine(AppContext.BaseDirectory, program)), program);
            }
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    // The generator behind LoggerMessage writes the classes of a project in an order that changes from build to build.
    [Fact]
    public void At_most_one_class_of_a_project_uses_the_generator_of_log_methods()
    {
        foreach (var project in Directory.GetDirectories(Path.Combine(Repository.Root, "src")))
            Directory.GetFiles(project, "*.cs", SearchOption.AllDirectories)
                .Count(file => !file.Contains("/obj/", StringComparison.Ordinal)
                    && File.ReadAllText(file).Contains("[LoggerMessage("))
                .ShouldBeLessThanOrEqualTo(1, project);
    }

    [Fact]
    public void Programs_name_no_folder_of_the_machine_that_built_them()
    {
        foreach (var program in Programs)
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, program), System.Text.Encoding.Latin1)
                .ShouldNotContain(Repository.Root + "/src", Case.Sensitive, program);
    }

    [Fact]
    public void Every_project_has_a_lock_file()
    {
        var projects = Directory.GetFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories);

        projects.ShouldNotBeEmpty();
        foreach (var project in projects)
            File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")).ShouldBeTrue(project);
    }

    [Fact]
    public void The_SDK_is_pinned_to_its_major_version()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "global.json")));
        var sdk = json.RootElement.GetProperty("sdk");

        sdk.GetProperty("version").GetString()!.ShouldStartWith("10.0.");
        sdk.GetProperty("rollForward").GetString().ShouldBe("latestFeature");
    }

    [Theory]
    [InlineData("src/Factumerit.Ledger.Api/Dockerfile", @"^FROM (--platform=\S+ )?(?<image>\S+)")]
    [InlineData("docker-compose.yml", @"^ +image: (?!factumerit)(?<image>\S+)")]
    public void Images_from_outside_are_named_by_digest(string file, string pattern)
    {
        var images = File.ReadLines(Path.Combine(Repository.Root, file)).Select(line => Regex.Match(line, pattern))
            .Where(match => match.Success).Select(match => match.Groups["image"].Value).ToList();

        images.ShouldNotBeEmpty();
        images.ShouldAllBe(image => Pinned().IsMatch(image));
    }

    private static string Configuration =>
        Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;

    // A library lies beside each program that uses it as well.
    private static bool IsItsOwn(string file) =>
        file.Contains(
            "/"
            + (Path.GetFileName(file) == "fa.dll" ? "Factumerit.Ledger.Cli" : Path.GetFileNameWithoutExtension(file))
            + "/bin/",
            StringComparison.Ordinal);

    private static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));

    private static void Copy(string from, string to)
    {
        foreach (var file in new[]
        {
            "global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig"
        })
            File.Copy(Path.Combine(from, file), Path.Combine(to, file));
        var source = Path.Combine(from, "src");
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(source, file);
            if (relative.Split('/').Any(part => part is "bin" or "obj"))
                continue;
            var target = Path.Combine(to, "src", relative);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    // Analyzers change nothing in the output, so they are off. The copy has no history, so the commit is passed: the
    // one that the programs under test were built from.
    private static async Task BuildAsync(string folder, string project)
    {
        var start = new ProcessStartInfo("dotnet", [
            "build", Path.Combine(folder, project), "-c", Configuration, "--nologo", "-v", "quiet", "-nodeReuse:false",
            "-p:UseSharedCompilation=false", "-p:RunAnalyzers=false", $"-p:SourceRevisionId={Commit()}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, output + await errors);
    }

    private static string Commit() =>
        typeof(Money).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+').ElementAtOrDefault(1) ?? "";

    [GeneratedRegex("^[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}$")]
    private static partial Regex Pinned();
}
