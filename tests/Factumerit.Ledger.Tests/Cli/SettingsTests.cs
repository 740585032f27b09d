namespace Factumerit.Ledger.Tests.Cli;

public sealed class SettingsTests : IDisposable
{
    private const string Empty = """{"asset_cents":0,"liability_cents":0,"available_cents":0,"providers":[]}""";

    private readonly ScratchDirectory _scratch = new();

    [Fact]
    public async Task Options_win_over_the_environment()
    {
        await using var ledger = (await FakeLedger.StartAsync()).Answers(200, Empty);
        var environment = FaRun.Alone() with
        {
            Variables = new Dictionary<string, string>
            {
                ["FACTUMERIT_URL"] = "http://localhost:1",
                ["FACTUMERIT_API_KEY"] = "wrong",
            },
        };

        var run = await FaRun.OfAsync(environment, "ledger", "headroom", "--url", ledger.Url, "--api-key", "right");

        run.ExitCode.ShouldBe(0);
        ledger.Request.Authorization.ShouldBe("Bearer right");
    }

    [Fact]
    public async Task Address_and_key_are_found_beside_an_embedded_service_from_a_directory_below()
    {
        await using var ledger = (await FakeLedger.StartAsync()).Answers(200, Empty);
        _scratch.Write(".factumerit/url", ledger.Url + "\n");
        _scratch.Write(".factumerit/admin-key", "embedded-key\n");
        _scratch.Write("deep/down/file", "");

        var run = await FaRun.OfAsync(
            FaRun.Alone() with { WorkingDirectory = Path.Combine(_scratch.Path, "deep", "down") },
            "ledger", "headroom");

        run.ExitCode.ShouldBe(0);
        ledger.Request.Authorization.ShouldBe("Bearer embedded-key");
    }

    [Fact]
    public async Task An_empty_variable_counts_as_not_set()
    {
        await using var ledger = (await FakeLedger.StartAsync()).Answers(200, Empty);
        _scratch.Write(".factumerit/url", ledger.Url);
        _scratch.Write(".factumerit/admin-key", "embedded-key");
        var environment = FaRun.Alone() with
        {
            WorkingDirectory = _scratch.Path,
            Variables = new Dictionary<string, string> { ["FACTUMERIT_URL"] = "", ["FACTUMERIT_API_KEY"] = "" },
        };

        (await FaRun.OfAsync(environment, "ledger", "headroom")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task White_space_around_what_a_file_or_a_variable_holds_is_cut_off()
    {
        await using var ledger = (await FakeLedger.StartAsync())
            .Answers(200, Empty).Answers(200, Empty).Answers(200, Empty);
        _scratch.Write(".factumerit/url", $"\n {ledger.Url}\r\n");
        _scratch.Write(".factumerit/admin-key", "\n embedded-key\r\n\n");
        var beside = FaRun.Alone() with { WorkingDirectory = _scratch.Path };
        var blank = beside with
        {
            Variables = new Dictionary<string, string> { ["FACTUMERIT_URL"] = " \n", ["FACTUMERIT_API_KEY"] = "\n" },
        };
        var mounted = FaRun.Alone() with
        {
            Variables = new Dictionary<string, string>
            {
                ["FACTUMERIT_URL"] = $" {ledger.Url}\n",
                ["FACTUMERIT_API_KEY"] = "mounted-key\n",
            },
        };

        (await FaRun.OfAsync(blank, "ledger", "headroom")).ExitCode.ShouldBe(0);
        ledger.Request.Authorization.ShouldBe("Bearer embedded-key");
        (await FaRun.OfAsync(mounted, "ledger", "headroom")).ExitCode.ShouldBe(0);
        ledger.Requests[^1].Authorization.ShouldBe("Bearer mounted-key");
        (await FaRun.OfAsync(
            FaRun.Alone(), "ledger", "headroom", "--url", $"{ledger.Url}\n", "--api-key", " given-key\n"))
            .ExitCode.ShouldBe(0);
        ledger.Requests[^1].Authorization.ShouldBe("Bearer given-key");
    }

    [Fact]
    public async Task The_embedded_key_is_not_sent_to_another_machine()
    {
        _scratch.Write(".factumerit/admin-key", "embedded-key");

        var run = await FaRun.OfAsync(
            FaRun.Alone() with { WorkingDirectory = _scratch.Path },
            "ledger", "headroom", "--url", "https://ledger.invalid");

        run.ShouldBe(
            new FaRun(1, "", "No API key for https://ledger.invalid/: pass --api-key or set FACTUMERIT_API_KEY.\n"));
    }

    [Fact]
    public async Task A_missing_key_is_told_with_the_address_it_is_missing_for()
    {
        var run = await FaRun.OfAsync(FaRun.Alone(), "ledger", "headroom");

        run.ShouldBe(
            new FaRun(1, "", "No API key for http://localhost:5080/: pass --api-key or set FACTUMERIT_API_KEY.\n"));
    }

    [Fact]
    public async Task A_wrong_address_in_the_environment_is_told()
    {
        var environment =
            FaRun.Alone() with { Variables = new Dictionary<string, string> { ["FACTUMERIT_URL"] = "localhost:5080" } };

        var run = await FaRun.OfAsync(environment, "ledger", "headroom");

        run.ShouldBe(new FaRun(
            1,
            "",
            "'localhost:5080' from FACTUMERIT_URL is not an http or https URL such as http://localhost:5080.\n"));
    }

    [Fact]
    public async Task A_path_in_the_address_is_kept()
    {
        await using var ledger = (await FakeLedger.StartAsync()).Answers(200, Empty);

        await FaRun.OfAsync(FaRun.Beside(ledger), "ledger", "headroom", "--url", ledger.Url + "/books");

        ledger.Request.Path.ShouldBe("/books/ledger/headroom");
    }

    [Fact]
    public async Task A_refused_connection_says_where_it_was_tried_and_what_to_do()
    {
        var ledger = await FakeLedger.StartAsync();
        var url = ledger.Url;
        await ledger.DisposeAsync();

        var run = await FaRun.OfAsync(FaRun.Alone(), "ledger", "headroom", "--url", url, "--api-key", "any");

        run.ExitCode.ShouldBe(1);
        run.Stdout.ShouldBe("");
        run.Stderr.ShouldStartWith($"Can't reach the ledger at {url}/: ");
        run.Stderr.ShouldEndWith("Start it, or give its address with --url or FACTUMERIT_URL.\n");
        run.Stderr.Count(letter => letter == '\n').ShouldBe(1);
    }

    public void Dispose() => _scratch.Dispose();
}
