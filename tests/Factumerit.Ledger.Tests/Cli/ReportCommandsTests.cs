namespace Factumerit.Ledger.Tests.Cli;

/// <summary><c>fa report margin</c> and the related <c>fa write-down --from-usage</c>.</summary>
public sealed class ReportCommandsTests : IAsyncLifetime
{
    private const string Headroom =
        """{"asset_cents":2495,"liability_cents":595,"available_cents":1900,"providers":["""
        + """{"provider":"openai","balance_cents":2495}]}""";

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task People_see_dollars_and_the_total_below()
    {
        _ledger.Answers(200, Page(
            $"{Line("\"big\"", 1204, "0.1700000001", "15", "-2.00000001")},{Line("null", 1, "0", "0", "0")}",
            Line("null", 1205, "0.1700000001", "15", "-2.00000001"), "null"));

        var run = await FaRun.OfAsync(
            _ledger, "report", "margin", "--from", "2026-01-01", "--to", "2026-02-01", "--group-by", "model");

        run.ShouldBe(new FaRun(0, """
    MODEL      CALLS  TOKENS IN  TOKENS OUT  PROVIDER COST  USER PRICE          MARGIN  COST UNKNOWN  WAITING  WAIVED
    big        1,204         70           8  $0.1700000001       $0.15  -$0.0200000001             3        2       1
    (unknown)      1         70           8  $0.00               $0.00   $0.00                     3        2       1
    TOTAL      1,205         70           8  $0.1700000001       $0.15  -$0.0200000001             3        2       1

    """, ""));
        _ledger.Request.Path.ShouldBe("/reports/margin?from=2026-01-01&to=2026-02-01&group_by=model&limit=1000");
    }

    [Fact]
    public async Task Programs_get_all_pages_as_one_answer_with_its_numbers_as_they_came()
    {
        _ledger
            .Answers(200, Page(
                Line("\"a\"", 1, "1.50", "2", "3"),
                Line("null", 2, "9999999999.0000000000000000000000000001", "2", "3"), "\"a\""))
            .Answers(200, Page(
                Line("\"b\"", 1, "1.50", "2", "3"),
                Line("null", 3, "9999999999.0000000000000000000000000001", "2", "3"), "null"));

        var run = await FaRun.OfAsync(_ledger, "report", "margin", "--json");

        run.ShouldBe(new FaRun(0, $$"""
            {"from":null,"to":null,"group_by":"model","groups":[{{Line("\"a\"", 1, "1.50", "2", "3")}},
            {{Line("\"b\"", 1, "1.50", "2", "3")}}],"total":
            """
            + $$"""
            {{Line("null", 3, "9999999999.0000000000000000000000000001", "2", "3")}}}

            """, ""));
        _ledger.Requests.Select(r => r.Path)
            .ShouldBe(["/reports/margin?limit=1000", "/reports/margin?limit=1000&after=a"]);
    }

    [Fact]
    public async Task On_a_narrow_terminal_each_group_is_a_record_with_names_of_one_form()
    {
        _ledger.Answers(200, Page(Line("\"big\"", 1, "0", "0", "0"), Line("null", 1, "0", "0", "0"), "null"));
        var environment = FaRun.Beside(_ledger) with { StdoutIsTerminal = true, TerminalWidth = 60 };

        var run = await FaRun.OfAsync(environment, "report", "margin");

        var lines = run.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Select(line => line.Split("  ")[0]).Distinct().ShouldBe(
        [
            "Model", "Calls", "Tokens in", "Tokens out", "Provider cost", "User price", "Margin", "Cost unknown",
            "Waiting", "Waived",
        ]);
    }

    [Fact]
    public async Task Without_calls_a_sentence_stands_for_the_table()
    {
        _ledger.Answers(200, Page("", Line("null", 0, "0", "0", "0"), "null"));
        (await FaRun.OfAsync(_ledger, "report", "margin")).ShouldBe(new FaRun(0, "No calls.\n", ""));
    }

    [Theory]
    [InlineData("""{"groups":[]}""", "The response has no total. Check that the URL is the ledger's.\n")]
    [InlineData("""{"accounts":[]}""", "The answer holds no groups: is it the ledger's address?\n")]
    public async Task An_answer_of_something_else_is_told(string answer, string stderr)
    {
        _ledger.Answers(200, answer);
        (await FaRun.OfAsync(_ledger, "report", "margin")).ShouldBe(new FaRun(1, "", stderr));
    }

    [Theory]
    [InlineData(
        201,
        "\"0190a1b2-0000-7000-8000-000000000001\"",
        "0.0165",
        "Wrote asset:openai down by $0.000165; headroom $19.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n")]
    [InlineData(200, "null", "0", "Nothing to post: no usage of openai is left to write down; headroom $19.00.\n")]
    public async Task A_write_down_from_usage_sends_neither_amount(
        int status, string transaction, string amount, string stdout)
    {
        _ledger.Answers(
            status, $$"""{"transaction_id":{{transaction}},"amount_cents":{{amount}},"headroom":{{Headroom}}}""");

        var run = await FaRun.OfAsync(
            _ledger, "write-down", "--from-usage", "--provider", "openai", "--idempotency-key", "k", "--yes");

        run.ShouldBe(new FaRun(0, stdout, ""));
        _ledger.Request.Path.ShouldBe("/write-downs");
        _ledger.Request.IdempotencyKey.ShouldBe("k");
        _ledger.Request.Body.ShouldBe("""{"from_usage":true,"provider":"openai"}""");
    }

    [Fact]
    public async Task A_write_down_from_usage_asks_first()
    {
        _ledger.Answers(200, """{"asset_cents":1,"providers":[{"provider":"anthropic","balance_cents":1}]}""");
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("n\n") };

        var run = await FaRun.OfAsync(environment, "write-down", "--from-usage");

        run.Stderr.ShouldStartWith("Write asset:anthropic down by the cost of all usage that is not written down yet? "
            + "This can't be undone. [y/N] ");
        _ledger.Request.Path.ShouldBe("/ledger/headroom");
    }

    private static string Page(string groups, string total, string nextAfter) =>
        $$"""{"from":null,"to":null,"group_by":"model","groups":[{{groups}}],"total":{{total}},"next_after":"""
        + $$"""{{nextAfter}}}""";

    private static string Line(string group, long calls, string costUsd, string priceCents, string marginCents) => $$"""
        {"group":{{group}},"calls":{{calls}},"prompt_tokens":70,"completion_tokens":8,"cache_read_tokens":0,
        """
        + $$"""
        "cache_write_tokens":0,"reasoning_tokens":0,"provider_cost_usd":{{costUsd}},"unknown_cost_calls":3,
        """
        + $$"""
        "user_price_cents":{{priceCents}},"margin_cents":{{marginCents}},"waiting":2,"waived":1}
        """;
}
