namespace Factumerit.Ledger.Tests.Cli;

public sealed partial class UsageImportTests : IAsyncLifetime, IDisposable
{
    private const string Header = "user_id,amount_cents,request_id\n";
    private const string Columns = "user_id, amount_cents, request_id, model, prompt_tokens, completion_tokens, "
        + "description, occurred_at, provider, provider_cost_usd, cache_read_tokens, cache_write_tokens, "
        + "reasoning_tokens, usage, billing_status, enforce_balance, reference_id, metadata";
    private const string Pricing =
        "amount_cents, provider_cost_usd, or model and a token count, or billing_status needs_review";

    private readonly ScratchDirectory _scratch = new();
    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Amounts_go_out_with_their_exact_digits_and_empty_cells_stay_away()
    {
        _ledger.Answers(200, Results(Recorded("0.0165"), Recorded("12345678901.1234567")));

        var run = await ImportAsync(
            "request_id,user_id,amount_cents,model,prompt_tokens,completion_tokens,description,occurred_at\r\n" +
            "r1,@bob:m.org,0.0165000,opus,10,20,\"a, \"\"b\"\"\",2026-01-02T00:00:00Z\r\n" +
            "r2,alice, 12345678901.1234567 ,,,,,\r\n");

        run.ShouldBe(
            new FaRun(0, "2 rows: 2 recorded, 0 already there, 0 refused; $123,456,789.011399567 recorded\n", ""));
        _ledger.Request.ShouldBe(new Received(
            "POST",
            "/usage/batch",
            "Bearer " + FakeLedger.ApiKey,
            null,
            """
            [{"request_id":"r1","user_id":"@bob:m.org","amount_cents":0.0165000,"model":"opus","prompt_tokens":10,
            """
            + """
            "completion_tokens":20,"description":"a, \"b\"","occurred_at":"2026-01-02T00:00:00Z"},{"request_id":"r2",
            """
            + """
            "user_id":"alice","amount_cents":12345678901.1234567}]
            """));
    }

    [Fact]
    public async Task Every_field_of_a_usage_has_a_column()
    {
        _ledger.Answers(200, Results(Recorded("1"),
            """
            {"status":201,"usage":{"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","request_id":"r2",
            """
            + """
            "amount_cents":null,"billing_status":"needs_review"} }
            """,
            Recorded("2")));

        var run = await ImportAsync(
            "user_id,request_id,provider,provider_cost_usd,cache_read_tokens,cache_write_tokens,reasoning_tokens," +
            "usage,billing_status,enforce_balance,reference_id,metadata,model,prompt_tokens,amount_cents\n" +
            "alice,r1,openai,0.0000644,1,2,3,\"{\"\"a\"\": 1.50}\",,FALSE,task-1," +
            "\" {\"\"b\"\": \"\"ü\"\"} \",gpt-4o,10,\n" +
            "alice,r2,,,,,,,needs_review,,,,,,\n" +
            "alice,r3,,,,,,,,true,,,gpt-4o,10,\n");

        run.ShouldBe(
            new FaRun(0, "3 rows: 3 recorded (1 for review), 0 already there, 0 refused; $0.03 recorded\n", ""));
        _ledger.Request.Body.ShouldBe(
            """
            [{"user_id":"alice","request_id":"r1","provider":"openai","provider_cost_usd":0.0000644,
            """
            + """
            "cache_read_tokens":1,"cache_write_tokens":2,"reasoning_tokens":3,"usage":{"a": 1.50},
            """
            + """
            "enforce_balance":false,"reference_id":"task-1","metadata": {"b": "ü"} ,"model":"gpt-4o",
            """
            + """
            "prompt_tokens":10},
            """
            + """{"user_id":"alice","request_id":"r2","billing_status":"needs_review"},"""
            + """{"user_id":"alice","request_id":"r3","enforce_balance":true,"model":"gpt-4o","prompt_tokens":10}]""");
    }

    [Fact]
    public async Task Cells_that_are_not_what_their_column_holds_are_told_by_line()
    {
        var run = await ImportAsync(
            "user_id,request_id,amount_cents,model,prompt_tokens,metadata,usage,enforce_balance\n" +
            "a,r1,1,,,[1],,\na,r2,1,,,{,,\na,r3,1,,,,5,\na,r4,1,,,,,no\na,r5,,m,,,,\na,r6,,,5,,,\na,r7,1,,x,,,\n");

        run.ShouldBe(new FaRun(1, "7 rows: 0 recorded, 0 already there, 7 refused; $0.00 recorded\n", $$"""
            usage.csv:2: malformed-row: metadata '[1]' is not a JSON object
            usage.csv:3: malformed-row: metadata '{' is not a JSON object
            usage.csv:4: malformed-row: usage '5' is not a JSON object
            usage.csv:5: malformed-row: enforce_balance 'no' is neither true nor false
            usage.csv:6: malformed-row: has no price: fill in {{Pricing}}
            usage.csv:7: malformed-row: has no price: fill in {{Pricing}}
            usage.csv:8: malformed-row: prompt_tokens 'x' is not a number

            """));
        _ledger.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_request_id_that_comes_twice_is_told_by_line_and_sent_once()
    {
        _ledger.Answers(200, Results(Recorded("1"), Recorded("1"))).Answers(200, Results(Recorded("1")));

        var run = await ImportAsync(
            Header + "alice,1,r1\nalice,x,r2\nalice,1,r2\nalice,1,r1\nalice,2,r2\nbob,1,r1\n", "--batch-size", "3");

        run.ShouldBe(new FaRun(1, "6 rows: 3 recorded, 0 already there, 3 refused; $0.03 recorded\n", """
            usage.csv:3: malformed-row: amount_cents 'x' is not a number
            usage.csv:5: duplicate-row: request_id r1 is already on line 2
            usage.csv:6: duplicate-row: request_id r2 is already on line 4

            """));
        string.Concat(_ledger.Requests.Select(request => request.Body)).ShouldBe(
            """[{"user_id":"alice","amount_cents":1,"request_id":"r1"},"""
            + """{"user_id":"alice","amount_cents":1,"request_id":"r2"}]"""
            + """[{"user_id":"bob","amount_cents":1,"request_id":"r1"}]""");
    }

    [Fact]
    public async Task Refused_and_malformed_rows_are_reported_by_code_and_line_and_stop_nobody()
    {
        _ledger.Answers(200, Results(
            Recorded("1"),
            """{"status":402,"problem":{"code":"insufficient-credit","detail":"bob has no credit."}}""",
            """{"status":400,"problem":{"code":"validation-failed","detail":"Wrong.","errors":"""
                + """{"amount_cents":["is negative"]}}}""",
            Recorded("2")));

        var run = await ImportAsync(
            Header + "alice,1,r1\nbob,abc,r2\nbob,2,r3\n\nbob,-1,r4\nbob,1\n,1,r5\nbob,1,\nbob,\"1\"x,r6\n"
            + "alice,2,r7\n");

        run.ShouldBe(new FaRun(1, "9 rows: 2 recorded, 0 already there, 7 refused; $0.03 recorded\n", """
            usage.csv:3: malformed-row: amount_cents 'abc' is not a number
            usage.csv:7: malformed-row: has 2 fields, but the first line names 3 columns
            usage.csv:8: malformed-row: user_id is empty
            usage.csv:9: malformed-row: request_id is empty
            usage.csv:10: malformed-row: a quote is in the wrong place
            usage.csv:4: insufficient-credit: bob has no credit.
            usage.csv:6: validation-failed: Wrong. amount_cents: is negative

            """));
    }

    [Fact]
    public async Task A_second_run_finds_all_rows_there()
    {
        _ledger.Answers(200, Results(Replayed("1"), Replayed("2")));

        var run = await ImportAsync(Header + "alice,1,r1\nalice,2,r2\n");

        run.ShouldBe(new FaRun(0, "2 rows: 0 recorded, 2 already there, 0 refused; $0.00 recorded\n", ""));
    }

    [Fact]
    public async Task The_summary_for_programs_is_an_object()
    {
        _ledger.Answers(200, Results(Recorded("0.5")));

        var run = await ImportAsync(Header + "alice,0.5,r1\n", "--json");

        run.ShouldBe(new FaRun(
            0,
            """{"rows":1,"recorded":1,"already_there":0,"refused":0,"recorded_cents":0.5,"""
            + "\"needs_review\":0,\"empty\":0,\"refusals\":[]}\n",
            ""));
    }

    [Fact]
    public async Task Of_many_rows_refused_for_one_reason_the_first_ten_are_shown()
    {
        _ledger.AnswersEachItem(
            """{"status":402,"problem":{"code":"insufficient-credit","detail":"bob has no credit."}}""");
        var rows = Header + string.Concat(Enumerable.Range(1, 1012).Select(row => $"bob,1,r{row}\n")) + "bob,x,r\n";

        var run = await ImportAsync(rows);

        run.Stderr.Split('\n').ShouldBe(
        [
            .. Enumerable.Range(2, 10).Select(line => $"usage.csv:{line}: insufficient-credit: bob has no credit."),
            "usage.csv: 1,002 more insufficient-credit",
            "usage.csv:1014: malformed-row: amount_cents 'x' is not a number", "",
        ]);
        run.Stdout.ShouldBe("1,013 rows: 0 recorded, 0 already there, 1,013 refused; $0.00 recorded\n");
    }

    [Fact]
    public async Task Refusals_for_programs_stand_in_the_summary()
    {
        _ledger.AnswersEachItem(
            """{"status":402,"problem":{"code":"insufficient-credit","detail":"bob has no credit."}}""");

        var run = await ImportAsync(Header + "bob,1,r1\nbob,1,r2\nbob,x,r3\n", "--json");

        (run.ExitCode, run.Stderr).ShouldBe((1, ""));
        run.Stdout.ShouldContain("""
            "refusals":[{"code":"insufficient-credit","count":2,
            "first":[{"line":2,"detail":"insufficient-credit: bob has no credit."},{"line":3,
            """.ReplaceLineEndings(""));
        run.Stdout.ShouldContain(
            """{"code":"malformed-row","count":1,"first":[{"line":4,"detail":"malformed-row: amount_cents """);
    }

    [Theory]
    [InlineData("user_id,amount_cents\n", "the column request_id is missing.")]
    [InlineData("amount_cents,model\n", "the columns user_id and request_id are missing.")]
    public async Task A_missing_column_is_named(string header, string complaint) =>
        (await ImportAsync(header)).ShouldBe(new FaRun(1, "", $"usage.csv: {complaint}\n"));

    [Fact]
    public async Task A_dash_reads_standard_input()
    {
        _ledger.Answers(200, Results(Recorded("1")));
        var environment =
            FaRun.Beside(_ledger) with { OpenStdin = () => new PipedInput(Header + "alice,1,r1\nalice,x,r2\n") };

        var run = await FaRun.OfAsync(environment, "usage", "import", "-");

        run.ShouldBe(new FaRun(1, "2 rows: 1 recorded, 0 already there, 1 refused; $0.01 recorded\n",
            "-:3: malformed-row: amount_cents 'x' is not a number\n"));
    }

    [Theory]
    [InlineData("start_time,end_time,amount_value,amount_currency,user_id\n1,2,0.5,usd,alice\n")]
    [InlineData(
        """{"data":[{"start_time":1,"end_time":2,"results":"""
        + """[{"amount":{"value":0.5,"currency":"usd"},"user_id":"alice"}]}]}""")]
    public async Task A_dash_reads_exports_whatever_their_form(string export)
    {
        _ledger.Answers(200, Results(Recorded("50")));
        var environment = FaRun.Beside(_ledger) with { OpenStdin = () => new PipedInput(export) };

        var run = await FaRun.OfAsync(environment, "usage", "import", "--format", "openai", "-");

        run.ShouldBe(new FaRun(0, "1 row: 1 recorded, 0 already there, 0 refused; $0.50 recorded\n", ""));
        _ledger.Request.Body.ShouldContain("\"provider_cost_usd\":0.5");
    }

    [Fact]
    public async Task A_quote_that_is_never_closed_does_not_take_in_the_file()
    {
        _ledger.Answers(200, Results(Recorded("1")));
        var rest = string.Concat(Enumerable.Repeat("alice,1,rx\n", 500_000));

        var run = await ImportAsync(Header + "alice,1,r1\nbob,\"1,r2\n" + rest);

        run.ExitCode.ShouldBe(1);
        run.Stdout.ShouldBe("1 row: 1 recorded, 0 already there, 0 refused; $0.01 recorded\n");
        run.Stderr.ShouldStartWith(
            "usage.csv:3: the row is longer than 1048576 bytes; check for a quote that is never closed.");
    }

    [Theory]
    [InlineData("", "usage.csv: is empty.\n")]
    [InlineData("{\"users\": 1}", "usage.csv: is not a CSV file of usages: the first line must name the columns, "
        + "separated by commas (" + Columns + ").\n")]
    [InlineData("user_id,amount_cent,request_id\n",
        "usage.csv: unknown column 'amount_cent'; the columns are " + Columns + ".\n")]
    [InlineData("user_id,amount_cents\n", "usage.csv: the column request_id is missing.\n")]
    [InlineData("user_id,amount_cents,request_id,user_id\n", "usage.csv: the first line names a column twice.\n")]
    [InlineData("user_id,request_id,model\n", "usage.csv: no column for the price: add " + Pricing + ".\n")]
    public async Task A_wrong_header_is_told_before_anything_is_sent(string file, string stderr)
    {
        (await ImportAsync(file)).ShouldBe(new FaRun(1, "", stderr));
        _ledger.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_missing_file_is_told()
    {
        var run = await FaRun.OfAsync(
            FaRun.Beside(_ledger) with { WorkingDirectory = _scratch.Path }, "usage", "import", "none.csv");

        run.ShouldBe(new FaRun(1, "", "none.csv: no such file.\n"));
    }

    [Fact]
    public async Task A_terminal_shows_a_bar_that_makes_room_for_refused_rows()
    {
        _ledger.Answers(200, Results(Recorded("1")));

        var run = await ImportAsync(FaRun.Beside(_ledger) with { StderrIsTerminal = true }, Header + "alice,1,r1\n");

        run.Stderr.ShouldStartWith("\r[##############################] 100%  1 row\r");
        run.Stderr.ShouldEndWith(" \r");
    }

    private static string Results(params string[] results) => $$"""{"results":[{{string.Join(',', results)}}]}""";

    private static string Recorded(string cents) => Usage(201, cents);

    private static string Replayed(string cents) => Usage(200, cents);

    private static string Usage(int status, string cents) =>
        $$"""
        {"status":{{status}},"usage":{"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","request_id":"r","user_id":"a",
        """
        + $$"""
        "amount_cents":{{cents}},"billing_status":"billed","transaction_id":"0190a1b2-0000-7000-8000-000000000001",
        """
        + """
        "balance_cents":1} }
        """;

    private Task<FaRun> ImportAsync(string file, params string[] options) =>
        ImportAsync(FaRun.Beside(_ledger), file, options);

    private Task<FaRun> ImportAsync(Ledger.Cli.FaEnvironment environment, string file, params string[] options)
    {
        _scratch.Write("usage.csv", file);
        return FaRun.OfAsync(
            environment with { WorkingDirectory = _scratch.Path }, ["usage", "import", "usage.csv", .. options]);
    }
}
