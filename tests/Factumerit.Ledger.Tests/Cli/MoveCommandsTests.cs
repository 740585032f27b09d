namespace Factumerit.Ledger.Tests.Cli;

public sealed class MoveCommandsTests : IAsyncLifetime
{
    private const string Granted =
        """{"transaction_id":"0190a1b2-0000-7000-8000-000000000001","budget":"""
        + """{"user_id":"alice","balance_cents":600}}""";
    private const string Unavailable = """{"status":503,"code":"unavailable","detail":"The database is away."}""";
    private const string NoUser =
        """{"status":404,"code":"user-not-found","detail":"There is no user alise. Check the id."}""";
    private const string Books = "asset:anthropic holds $24.95 on the books. ";
    private const string NoAccount = "The books have no account asset:opnai. If opnai is another name of a provider, "
        + "the provider's own account is used. ";
    private const string Held = """{"asset_cents":2495,"providers":[{"provider":"anthropic","balance_cents":2495}]}""";
    private const string Headroom =
        """{"asset_cents":2495,"liability_cents":595,"available_cents":1900,"providers":["""
        + """{"provider":"anthropic","balance_cents":2490},{"provider":"openai","balance_cents":5}]}""";

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_grant_carries_key_reason_and_admin()
    {
        _ledger.Answers(201, Granted);

        var run = await FaRun.OfAsync(
            _ledger, "grant", "alice", "--amount-cents", "500", "--reason", "sorry", "--admin-id", "ivan", "--new-user",
            "--idempotency-key", "k1");

        run.ShouldBe(new FaRun(
            0,
            "Granted $5.00 to alice; balance $6.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n",
            ""));
        _ledger.Request.ShouldBe(new Received(
            "POST",
            "/grants",
            "Bearer " + FakeLedger.ApiKey,
            "k1",
            """{"user_id":"alice","amount_cents":500,"reason":"sorry","admin_id":"ivan"}"""));
    }

    [Fact]
    public async Task A_grant_to_a_user_who_is_there_goes_out_without_a_question()
    {
        _ledger.Answers(200, """{"user_id":"alice"}""").Answers(201, Granted);

        var run = await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500", "--idempotency-key", "k1");

        run.ShouldBe(new FaRun(
            0,
            "Granted $5.00 to alice; balance $6.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n",
            ""));
        _ledger.Requests.Select(request => $"{request.Method} {request.Path} {request.Body}").ShouldBe(
            ["GET /users/alice ", """POST /grants {"user_id":"alice","amount_cents":500}"""]);
    }

    [Fact]
    public async Task A_grant_to_a_user_who_is_not_there_needs_new_user_where_nobody_can_be_asked()
    {
        _ledger.Answers(404, NoUser).Answers(404, NoUser);

        (await FaRun.OfAsync(_ledger, "grant", "alise", "--amount-cents", "500"))
            .ShouldBe(new FaRun(1, "",
                "user-not-found: There is no user alise. Check the id. Pass --new-user to open a budget.\n"));
        (await FaRun.OfAsync(_ledger, "grant", "alise", "--amount-cents", "500", "--json")).ShouldBe(new FaRun(
            1, "",
            """{"status":404,"code":"user-not-found","detail":"There is no user alise. Check the id. """
                + """Pass --new-user to open a budget."}"""
                + "\n"));
        _ledger.Requests.ShouldAllBe(request => request.Method == "GET");
    }

    [Theory]
    [InlineData("y\n", 0, "")]
    [InlineData("n\n", 1, "Nothing was done.\n")]
    [InlineData("", 1, "\nNothing was done.\n")]
    public async Task A_grant_to_a_user_who_is_not_there_asks_on_a_terminal(string typed, int exitCode, string stderr)
    {
        _ledger.Answers(404, NoUser)
            .Answers(201, Granted.Replace("}}", "},\"user_created\":true}", StringComparison.Ordinal));
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader(typed) };

        var run = await FaRun.OfAsync(environment, "grant", "alise", "--amount-cents", "500");

        run.ExitCode.ShouldBe(exitCode);
        run.Stderr.ShouldBe("There is no user alise. Open a budget and grant $5.00? [y/N] " + stderr);
        run.Stdout.ShouldBe(
            exitCode == 0
                ? "Granted $5.00 to alice, a new user; "
                    + "balance $6.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n"
                : "");
        _ledger.Requests.Count.ShouldBe(2 - exitCode);
    }

    [Fact]
    public async Task A_grant_whose_user_can_not_be_looked_up_is_not_sent()
    {
        _ledger.Answers(401, """{"code":"unauthorized","detail":"No such key."}""");

        (await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500"))
            .ShouldBe(new FaRun(1, "", "unauthorized: No such key.\n"));
        _ledger.Request.Method.ShouldBe("GET");
    }

    [Fact]
    public async Task A_failure_for_programs_is_the_problem_with_what_to_do_in_its_detail()
    {
        _ledger.Answers(503, Unavailable).HangsUp();

        (await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "5", "--new-user", "--idempotency-key", "k1",
            "--json")).ShouldBe(new FaRun(
            1, "",
            """{"status":503,"code":"unavailable","detail":"The database is away. """
                + """It is unknown whether the request was carried out. """
                + """Running it again with --idempotency-key k1 is safe."}"""
                + "\n"));
        var lost = await FaRun.OfAsync(_ledger, "purchase", "--credits-cents", "5", "--json");
        System.Text.Json.JsonElement.Parse(lost.Stderr).GetProperty("code").GetString().ShouldBe("outcome-unknown");
    }

    [Fact]
    public async Task A_replayed_grant_is_told_from_a_new_one()
    {
        _ledger.Answers(201, Granted, ("Idempotency-Replayed", "true"));

        var run = await FaRun.OfAsync(
            _ledger, "grant", "alice", "--amount-cents", "500", "--new-user", "--idempotency-key", "k1");

        run.Stdout.ShouldBe(
            "Already granted $5.00 to alice; balance $6.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n");
    }

    [Fact]
    public async Task Without_a_key_each_run_makes_its_own()
    {
        _ledger.Answers(201, Granted).Answers(201, Granted);

        await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500", "--new-user");
        await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500", "--new-user");

        _ledger.Requests.ShouldAllBe(request => request.IdempotencyKey!.Length >= 32);
        _ledger.Requests.Select(request => request.IdempotencyKey).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task An_unavailable_service_leaves_the_key_to_run_again_with()
    {
        _ledger.Answers(503, Unavailable);

        var run = await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500", "--new-user");

        run.ShouldBe(new FaRun(
            1,
            "",
            "unavailable: The database is away. It is unknown whether the request was carried out. "
                + $"Running it again with --idempotency-key {_ledger.Request.IdempotencyKey} is safe.\n"));
    }

    [Fact]
    public async Task A_lost_connection_leaves_the_key_to_run_again_with()
    {
        _ledger.HangsUp();

        var run = await FaRun.OfAsync(_ledger, "purchase", "--credits-cents", "500", "--idempotency-key", "June's");

        run.ExitCode.ShouldBe(1);
        run.Stderr.ShouldStartWith($"The connection to {_ledger.Url}/ was lost before the answer came: ");
        run.Stderr.ShouldEndWith(
            " It is unknown whether the request was carried out. "
                + "Running it again with --idempotency-key 'June'\\''s' is safe.\n");
    }

    [Fact]
    public async Task A_refusal_names_no_key_since_nothing_happened()
    {
        _ledger.Answers(410, """{"code":"user-deleted","detail":"alice was deleted."}""");

        var run = await FaRun.OfAsync(_ledger, "grant", "alice", "--amount-cents", "500", "--new-user");

        run.ShouldBe(new FaRun(1, "", "user-deleted: alice was deleted.\n"));
    }

    [Fact]
    public async Task A_purchase_is_booked_with_its_tax()
    {
        _ledger.Answers(201,
            """{"transaction_id":"0190a1b2-0000-7000-8000-000000000001","total_cents":2759,"headroom":"""
            + $$"""{{Headroom}}}""");

        var run = await FaRun.OfAsync(
            _ledger, "purchase", "--credits-cents", "2500", "--sales-tax-cents", "259", "--provider", "openai",
            "--invoice", "I-1", "--idempotency-key", "k");

        run.ShouldBe(new FaRun(
            0,
            "Booked a purchase of $27.59; headroom $19.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n",
            ""));
        _ledger.Request.Path.ShouldBe("/purchases");
        _ledger.Request.IdempotencyKey.ShouldBe("k");
        _ledger.Request.Body.ShouldBe(
            """{"credits_cents":2500,"sales_tax_cents":259,"provider":"openai","invoice":"I-1"}""");
    }

    [Theory]
    [InlineData(
        201,
        "\"0190a1b2-0000-7000-8000-000000000001\"",
        "5",
        "Wrote asset:openai down by $0.05; headroom $19.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n")]
    [InlineData(
        201,
        "\"0190a1b2-0000-7000-8000-000000000001\"",
        "-5",
        "Wrote asset:openai up by $0.05; headroom $19.00 (transaction 0190a1b2-0000-7000-8000-000000000001).\n")]
    [InlineData(
        200, "null", "0", "Nothing to post: the balance of asset:openai does not change; headroom $19.00.\n")]
    public async Task A_write_down_to_a_balance_says_what_it_found(
        int status, string transaction, string amount, string stdout)
    {
        _ledger.Answers(
            status, $$"""{"transaction_id":{{transaction}},"amount_cents":{{amount}},"headroom":{{Headroom}}}""");

        var run = await FaRun.OfAsync(
            _ledger, "write-down", "--actual-balance-cents", "2495", "--provider", "openai", "--reason", "month",
            "--idempotency-key", "k", "--yes");

        run.ShouldBe(new FaRun(0, stdout, ""));
        _ledger.Request.IdempotencyKey.ShouldBe("k");
        _ledger.Request.Body.ShouldBe("""{"actual_balance_cents":2495,"provider":"openai","reason":"month"}""");
    }

    [Theory]
    [InlineData(200, "asset:openai")]
    [InlineData(503, "text-completion-openai")]
    public async Task A_write_down_of_an_alias_names_the_account_that_was_booked(int status, string account)
    {
        const string Id = "0190a1b2-0000-7000-8000-000000000001";
        _ledger.Answers(201, $$"""{"transaction_id":"{{Id}}","amount_cents":5,"headroom":{{Headroom}}}""")
            .Answers(status, status == 503 ? Unavailable : $$"""
                {"transaction_id":"{{Id}}","entries":[
                 {"id":1,"account":"asset:openai","debit_cents":5},
                 {"id":2,"account":"expense:openai","credit_cents":5}]}
                """);

        var run = await FaRun.OfAsync(
            _ledger, "write-down", "--amount-cents", "5", "--provider", "text-completion-openai", "--yes");

        run.ShouldBe(new FaRun(0, $"Wrote {account} down by $0.05; headroom $19.00 (transaction {Id}).\n", ""));
        _ledger.Requests.Select(request => $"{request.Method} {request.Path}")
            .ShouldBe(["POST /write-downs", $"GET /ledger/transactions/{Id}"]);
    }

    [Fact]
    public async Task A_write_down_beyond_the_books_is_forced_by_an_option()
    {
        _ledger.Answers(201,
            """{"transaction_id":"0190a1b2-0000-7000-8000-000000000001","amount_cents":5,"headroom":"""
            + $$"""{{Headroom}}}""");

        (await FaRun.OfAsync(_ledger, "write-down", "--amount-cents", "5", "--force", "--yes")).ExitCode.ShouldBe(0);

        _ledger.Request.Body.ShouldBe("""{"amount_cents":5,"force":true}""");
    }

    [Fact]
    public async Task A_write_down_asks_with_account_and_amount()
    {
        _ledger.Answers(200, Held)
            .Answers(201,
                """{"transaction_id":"0190a1b2-0000-7000-8000-000000000001","amount_cents":0.0165,"headroom":"""
                + $$"""{{Headroom}}}""");
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("y\n") };

        var run = await FaRun.OfAsync(environment, "write-down", "--amount-cents", "0.0165");

        run.ShouldBe(new FaRun(
            0,
            "Wrote asset:anthropic down by $0.000165; headroom $19.00 "
            + "(transaction 0190a1b2-0000-7000-8000-000000000001).\n",
            "Write asset:anthropic down by $0.000165? This can't be undone. [y/N] "));
        _ledger.Requests[^1].Body.ShouldBe("""{"amount_cents":0.0165}""");
    }

    [Theory]
    [InlineData(NoAccount + "Write opnai down by $0.05?", "--amount-cents", "5", "--provider", "opnai")]
    [InlineData(
        NoAccount + "Set the balance of opnai to $0.05?", "--actual-balance-cents", "5", "--provider", "opnai")]
    [InlineData(NoAccount + "Write opnai down by the cost of all usage", "--from-usage", "--provider", "opnai")]
    [InlineData("asset:anthropic holds only $24.95. Write asset:anthropic down by $25.00?", "--amount-cents", "2500")]
    [InlineData("Write asset:anthropic down by $24.95?", "--amount-cents", "2495")]
    [InlineData(Books + "Write it up by $74.05 to $99.00?", "--actual-balance-cents", "9900")]
    [InlineData(Books + "Write it down by $4.95 to $20.00?", "--actual-balance-cents", "2000")]
    [InlineData(Books + "Write it down by $25.00 to -$0.05?", "--actual-balance-cents", "-5")]
    [InlineData(Books + "Set it to $24.95 (no change)?", "--actual-balance-cents", "2495.0")]
    [InlineData(Books + "Set it to 1e99 cents?", "--actual-balance-cents", "1e99")]
    public async Task A_write_down_asks_with_what_the_books_hold(string question, params string[] options)
    {
        _ledger.Answers(200, Held);
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("n\n") };

        var run = await FaRun.OfAsync(environment, ["write-down", .. options]);

        run.Stderr.ShouldStartWith(question);
        _ledger.Request.Path.ShouldBe("/ledger/headroom");
    }
}
