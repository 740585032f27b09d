using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Factumerit.Ledger.FakeLiteLlm;
using Npgsql;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// Runs the commands of the README and the documents in order, as a reader would: at one terminal, beside one service.
/// Compares their output with what the documents print.
/// </summary>
[Collection(nameof(BuildingHere))]
public sealed partial class DocumentedCommandsTests
{
    private const string NeedsDocker = "needs Docker";

    // In the order of reading: what a document needs of another stands before it.
    private static readonly string[] Documents =
    [
        "README.md", "docs/accounting.md", "docs/pricing.md", "docs/litellm.md", "docs/operating.md",
        "docs/security.md", "docs/errors.md", "docs/credit.md",
        "docs/performance.md", "samples/README.md", "src/Factumerit.Ledger.Cli/README.md",
        .. Directory.GetFiles(Path.Combine(Repository.Root, "docs", "decisions"))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(),
    ];

    /// <summary>The only commands that are not run here, with the reason.</summary>
    private static readonly Dictionary<string, string> NotRun = new()
    {
        ["scripts/run --demo"] = $"{nameof(DemoTests)} runs it",
        ["scripts/test"] = "it runs this test",
        ["scripts/fa write-down --provider bedrock --actual-balance-cents 120000 "
            + "--reason \"From bedrock_converse\" --yes"] =
            "only a ledger of before has the account that it takes the credit from",
        ["docker compose up"] = NeedsDocker,
        ["docker compose up -d"] = NeedsDocker,
        ["docker compose --profile litellm up -d"] = NeedsDocker,
        ["docker compose exec -e FACTUMERIT_API_KEY=... ledger dotnet fa/fa.dll "
            + "api-key create --name litellm --role bot --may-intake"] = NeedsDocker,
        ["docker compose exec ledger dotnet fa/fa.dll --help"] = NeedsDocker,
        ["docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=0.1.0 "
            + "--build-arg REVISION=\"$(git rev-parse HEAD)\" "
            + "-t factumerit-ledger -f src/Factumerit.Ledger.Api/Dockerfile ."] = NeedsDocker,
        ["docker buildx imagetools inspect mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled"] = NeedsDocker,
    };

    public static TheoryData<string> AllDocuments => [.. Documents];

    [Fact]
    public async Task Every_command_works_as_it_is_printed()
    {
        await using var reader = await Reader.SitDownAsync();

        foreach (var command in Documents.SelectMany(DocumentedCommand.In)
            .Where(command => !NotRun.ContainsKey(Bare(command))))
            await reader.FollowAsync(command);

        reader.Complaints.ShouldBeEmpty();
        reader.CommandsRun.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void What_is_not_run_is_printed_and_tells_the_reader_what_it_needs()
    {
        var commands = Documents.SelectMany(DocumentedCommand.In).ToList();

        NotRun.Keys.ShouldBeSubsetOf(commands.Select(Bare));
        foreach (var command in commands)
            command.Needs.ShouldBe(
                NotRun.GetValueOrDefault(Bare(command)) is { } reason
                && reason.StartsWith("needs", StringComparison.Ordinal)
                    ? reason
                    : null,
                command.Place);
    }

    [Fact]
    public void Every_document_is_read() =>
        Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.Root, file)).ShouldBeSubsetOf(Documents);

    [Theory]
    [MemberData(nameof(AllDocuments))]
    public void No_command_stands_in_a_block_that_is_not_run(string document) =>
        OtherBlocks(File.ReadAllLines(Path.Combine(Repository.Root, document)))
            .Where(line => LooksLikeCommand().IsMatch(line)).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(AllDocuments))]
    public void Commands_in_the_text_exist(string document)
    {
        foreach (Match span in Span().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))))
            FaUsage.MistakeIn(span.Groups["command"].Value).ShouldBeNull($"{document}: {span.Value}");
        foreach (Match script in Script().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))))
            File.Exists(Path.Combine(Repository.Root, script.Value)).ShouldBeTrue($"{document}: {script.Value}");
    }

    [Theory]
    [InlineData("fa grant", null)]
    [InlineData("fa usage import FILE", null)]
    [InlineData("fa review list | bill | waive", null)]
    [InlineData("fa ledger integrity --full", null)]
    [InlineData("fa ledger integrety", "integrety")]
    [InlineData("fa review list | build", "build")]
    [InlineData("fa ledger integrity --ful", "--ful")]
    public void A_command_that_does_not_exist_would_be_found(string command, string? mistake) =>
        FaUsage.MistakeIn(command).ShouldBe(mistake);

    private static string Bare(DocumentedCommand command) => Comment().Replace(command.Text, "").Trim();

    private static IEnumerable<string> OtherBlocks(string[] lines)
    {
        var fence = "";
        foreach (var line in lines)
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                fence = fence.Length == 0 ? line : "";
            else if (fence is not ("" or "```sh" or "```console" or "```crontab"))
                yield return line;
            else if (fence.Length == 0 && line.StartsWith("    ", StringComparison.Ordinal))
                yield return line[4..];
        }
    }

    [GeneratedRegex(
        @"^(\$ |(sudo |\w+=\S* )*(scripts/[a-z]|docker |dotnet |curl |export "
        + @"|createdb |dropdb |pg_\w+ |psql |npm |apt-get |awk |fa [a-z]))")]
    private static partial Regex LooksLikeCommand();

    [GeneratedRegex("`(scripts/)?(?<command>fa [a-z][^`]*)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"(?<![\w/.])scripts/[a-z][\w.-]*\b")]
    private static partial Regex Script();

    [GeneratedRegex(@"\s+# .*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    // Those of a dump and its restore, and those that look at what was restored.
    [GeneratedRegex(@"\b(pg_dump|pg_restore|createdb|dropdb)\b|restored|localhost:5093")]
    private static partial Regex TakesClientPrograms();

    /// <summary>
    /// Follows the documents at one terminal, in a directory that looks like the repository after its first start.
    /// </summary>
    private sealed class Reader : IAsyncDisposable
    {
        private readonly string _directory;
        private readonly FakeProxy _liteLlm;
        private readonly Terminal _terminal;
        private readonly PrintedOutput _printed = new();
        private readonly Dictionary<string, string> _here;

        private Reader(string directory, FakeProxy liteLlm)
        {
            (_directory, _liteLlm) = (directory, liteLlm);
            _here = new()
            {
                ["http://localhost:5093"] = $"http://localhost:{FreePort()}",
                ["src/Factumerit"] = $"{Repository.Root}/src/Factumerit",
                ["FACTUMERIT_URL=https://ledger.example FACTUMERIT_API_KEY=fa_admin_..."] = "",
            };
            _terminal = new Terminal(directory, new Dictionary<string, string?>
            {
                ["PATH"] = $"{directory}/.path:{Programs}",
                ["Embedded__DataDirectory"] = DataDirectory,
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                // Programs that end at once gain nothing from code that is measured first.
                ["DOTNET_TieredPGO"] = "0",
                ["LiteLlm__BaseUrl"] = liteLlm.Url,
                ["LiteLlm__MasterKey"] = FakeProxy.MasterKey,
                ["ConnectionStrings__Ledger"] = null,
                ["FACTUMERIT_URL"] = null,
                ["FACTUMERIT_API_KEY"] = null,
            });
        }

        public List<string> Complaints { get; } = [];

        public int CommandsRun { get; private set; }

        // The server's folder has the client's programs too. npm's package of PostgreSQL has none of them.
        private static string Programs { get; } = string.Join(':', [
            Environment.GetEnvironmentVariable("PATH")!,
            .. Directory.Exists("/usr/lib/postgresql")
                ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(version => $"{version}/bin")
                : []]);

        private static bool HasClientPrograms { get; } = Programs.Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "pg_dump")));

        private string DataDirectory => Path.Combine(_directory, ".factumerit");

        public static async Task<Reader> SitDownAsync()
        {
            // PostgreSQL runs as another user where the tests are root's, so it must be able to pass through.
            var directory = Directory.CreateTempSubdirectory("factumerit-reader-").FullName;
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101);
            foreach (var name in (string[])["scripts", "samples"])
                File.CreateSymbolicLink(Path.Combine(directory, name), Path.Combine(Repository.Root, name));
            Directory.CreateDirectory(Path.Combine(directory, ".path"));
            File.CreateSymbolicLink(
                Path.Combine(directory, ".path", "fa"), Path.Combine(Repository.Root, "scripts", "fa"));
            return new Reader(directory, await FakeProxy.StartAsync());
        }

        public async Task FollowAsync(DocumentedCommand command)
        {
            if (!HasClientPrograms && TakesClientPrograms().IsMatch(command.Text))
                return;
            CommandsRun++;
            await PrepareAsync(command.Text);
            var text = _here.Aggregate(_printed.WithIdsOfThisRun(command.TextWithoutNeeds), (text, here) =>
                text.Replace(here.Key, here.Value, StringComparison.Ordinal));
            if (command.Serves)
            {
                await StartAsync(text);
                return;
            }
            var (exitCode, output) = await _terminal.RunAsync(text);
            if (exitCode != 0)
                Complaints.Add($"{command.Place}: {text}\nended with {exitCode}: {output}");
            else if (_printed.Difference(command.Output, output) is { } difference)
                Complaints.Add($"{command.Place}: {text}\nprinted {difference}");
            if (command.Text.StartsWith("dotnet pack ", StringComparison.Ordinal))
                await CheckPackageAsync();
            // The text says to stop the service after a restore, and to start it again.
            if (command.Text.StartsWith("dropdb ", StringComparison.Ordinal))
            {
                (await _terminal.StopLastAsync(), await _terminal.StopLastAsync()).ShouldBe((0, 0));
                await StartAsync("scripts/run");
            }
        }

        // Where packages are listed the readme is what people see.
        private async Task CheckPackageAsync()
        {
            using var package = ZipFile.OpenRead(
                Directory.GetFiles(Path.Combine(_directory, "artifacts"), "*.nupkg").Single());
            package.GetEntry("README.md").ShouldNotBeNull();
            using var manifest = new StreamReader(
                package.Entries.Single(entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open());
            (await manifest.ReadToEndAsync()).ShouldContain("<readme>README.md</readme>");
        }

        private async Task StartAsync(string command)
        {
            await _terminal.StartAsync(command, "The ledger listens on ");
            _here["http://localhost:5080"] = (await File.ReadAllTextAsync(Path.Combine(DataDirectory, "url"))).Trim();
        }

        public async ValueTask DisposeAsync()
        {
            await _terminal.DisposeAsync();
            await _liteLlm.DisposeAsync();
            Directory.Delete(_directory, recursive: true);
        }

        // What the text around a command tells to have happened before.
        private async Task PrepareAsync(string command)
        {
            if (command.StartsWith("scripts/fa ledger resolve-fault 7 ", StringComparison.Ordinal))
                await ExecuteAsync("""
                    INSERT INTO ledger_faults (id, found_at, last_seen_at, kind, subject, detail)
                    OVERRIDING SYSTEM VALUE
                    VALUES (7, now(), now(), 'budget-mismatch', 'bob', 'R3: the budget is -19, the ledger says -20')
                    """);
            else if (command.StartsWith("scripts/fa litellm reconcile ", StringComparison.Ordinal))
                await MakeUnreportedCallsAsync();
        }

        private async Task MakeUnreportedCallsAsync()
        {
            var key = new FakeKey
            {
                Token = FakeKey.HashOf("sk-alice"),
                KeyName = "sk-...lice",
                Fields = new() { ["user_id"] = "vikunja:alice" }
            };
            lock (_liteLlm.Keys)
                _liteLlm.Keys.Add(key.Token, key);
            await _liteLlm.MakeCallsAsync([.. Enumerable.Range(9, 3).Select(hour =>
                new FakeCall
                {
                    Key = key.Token,
                    Cost = 0.0042m,
                    StartTime = new DateTimeOffset(2026, 1, 30, hour, 0, 0, TimeSpan.Zero)
                })]);
        }

        private async Task ExecuteAsync(string sql)
        {
            var port = (await File.ReadAllLinesAsync(Path.Combine(DataDirectory, "postgres", "postmaster.pid")))[3];
            var password = (await File.ReadAllTextAsync(Path.Combine(DataDirectory, "password"))).Trim();
            await using var connection = new NpgsqlConnection(
                $"Host=127.0.0.1;Port={port};Database=ledger;Username=factumerit;Password={password};Pooling=false");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
