namespace Factumerit.Ledger.Tests.Cli;

public sealed class UserCommandsTests : IAsyncLifetime
{
    private const string Budget =
        """
        {"user_id":"vikunja:alice","balance_cents":100,"held_cents":0,"available_cents":100,
         "total_spent_cents":0,"total_added_cents":100,"has_credit":true,
         "promo_expires_at":"2026-02-01T00:00:00Z","signed_up_at":"2026-01-02T00:00:00Z",
         "created_at":"2026-01-02T00:00:00Z","updated_at":"2026-01-02T00:00:00Z","deleted_at":null}
        """;

    private const string Shown = """
        User           vikunja:alice
        Balance        $1.00
        Held           $0.00
        Available      $1.00
        Spent          $0.00
        Added          $1.00
        Has credit     yes
        Promo expires  2026-02-01 00:00:00Z
        Signed up      2026-01-02 00:00:00Z
        Created        2026-01-02 00:00:00Z
        Updated        2026-01-02 00:00:00Z
        Deleted        -

        """;

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_new_user_is_created_with_what_was_given()
    {
        _ledger.Answers(201, Budget);

        var run = await FaRun.OfAsync(
            _ledger, "user", "create", "vikunja:alice", "--initial-credit-cents", "100.0", "--promo-ttl-days", "30",
            "--override-headroom-check");

        run.ShouldBe(new FaRun(0, "Created vikunja:alice.\n" + Shown, ""));
        _ledger.Request.ShouldBe(new Received(
            "POST",
            "/users",
            "Bearer " + FakeLedger.ApiKey,
            null,
            """
            {"user_id":"vikunja:alice","initial_credit_cents":100.0,"promo_ttl_days":30,"override_headroom_check":true}
            """));
    }

    [Fact]
    public async Task R7_an_existing_user_is_told_from_a_new_one()
    {
        _ledger.Answers(200, Budget);

        var run = await FaRun.OfAsync(_ledger, "user", "create", "vikunja:alice");

        run.ShouldBe(new FaRun(0, "vikunja:alice already exists; nothing changed.\n" + Shown, ""));
        _ledger.Request.Body.ShouldBe("""{"user_id":"vikunja:alice"}""");
    }

    [Fact]
    public async Task R7_a_user_whose_budget_something_else_opened_is_signed_up_and_not_created()
    {
        _ledger.Answers(201, Budget.Replace(
            "\"created_at\":\"2026-01-02", "\"created_at\":\"2026-01-01", StringComparison.Ordinal));

        (await FaRun.OfAsync(_ledger, "user", "create", "vikunja:alice")).Stdout.ShouldStartWith(
            "Signed up vikunja:alice.\nUser ");
    }

    [Fact]
    public async Task A_user_is_shown()
    {
        _ledger.Answers(200, Budget);

        (await FaRun.OfAsync(_ledger, "user", "show", "vikunja:alice")).ShouldBe(new FaRun(0, Shown, ""));
    }

    [Fact]
    public async Task A_user_for_programs_is_the_answer_as_it_came()
    {
        _ledger.Answers(200, """{ "user_id": "alice", "balance_cents": 1.5000000 }""");

        (await FaRun.OfAsync(_ledger, "user", "show", "alice", "--json"))
            .ShouldBe(new FaRun(0, """{ "user_id": "alice", "balance_cents": 1.5000000 }""" + "\n", ""));
    }

    [Theory]
    [InlineData("@bob:matrix.org", "/users/%40bob%3Amatrix.org")]
    [InlineData("a+b=c@d", "/users/a%2Bb%3Dc%40d")]
    [InlineData("../api-keys", "/users/..%2Fapi-keys")]
    public async Task Ids_are_escaped_in_paths(string user, string path)
    {
        _ledger.Answers(200, Budget);

        await FaRun.OfAsync(_ledger, "user", "show", user);

        _ledger.Request.Path.ShouldBe(path);
    }

    [Fact]
    public async Task An_id_that_begins_like_an_option_goes_behind_two_dashes()
    {
        _ledger.Answers(200, Budget);

        (await FaRun.OfAsync(_ledger, "user", "show", "--", "-x")).ExitCode.ShouldBe(0);
        _ledger.Request.Path.ShouldBe("/users/-x");
    }

    [Fact]
    public async Task The_list_follows_all_pages_below_a_prefix()
    {
        _ledger
            .Answers(200, $$"""{"users":[{{Budget}}],"next_after":"vikunja:alice"}""")
            .Answers(200,
                """
                {"users":[{"user_id":"vikunja:bob","balance_cents":-2.5,"held_cents":0,"available_cents":-2.5,
                 "total_spent_cents":2.5,"total_added_cents":0,
                 "has_credit":false,"created_at":"2026-01-02T00:00:00Z","deleted_at":"2026-01-03T00:00:00Z"}],
                 "next_after":null}
                """);

        var run = await FaRun.OfAsync(_ledger, "user", "list", "--prefix", "vikunja:");

        run.ShouldBe(new FaRun(0, """
            USER           BALANCE   HELD   SPENT  ADDED  CREATED               DELETED
            vikunja:alice   $1.00   $0.00  $0.00   $1.00  2026-01-02 00:00:00Z  -
            vikunja:bob    -$0.025  $0.00  $0.025  $0.00  2026-01-02 00:00:00Z  2026-01-03 00:00:00Z

            """, ""));
        _ledger.Requests.Select(request => request.Path).ShouldBe(
            ["/users?prefix=vikunja%3A&limit=1000", "/users?prefix=vikunja%3A&limit=1000&after=vikunja%3Aalice"]);
    }

    [Fact]
    public async Task An_empty_list_for_programs_is_an_empty_array()
    {
        _ledger.Answers(200, """{"users":[],"next_after":null}""");

        (await FaRun.OfAsync(_ledger, "user", "list", "--json")).ShouldBe(new FaRun(0, "[]\n", ""));
    }

    [Theory]
    [InlineData(
        """{"user_id":"bob","forfeited_cents":595,"written_off_cents":"""
        + """0,"transaction_id":"0190a1b2-0000-7000-8000-000000000001"}""",
        "Deleted bob: $5.95 forfeited (transaction 0190a1b2-0000-7000-8000-000000000001).\n")]
    [InlineData(
        """{"user_id":"bob","forfeited_cents":0,"written_off_cents":"""
        + """2.5,"transaction_id":"0190a1b2-0000-7000-8000-000000000001"}""",
        "Deleted bob: $0.025 written off (transaction 0190a1b2-0000-7000-8000-000000000001).\n")]
    [InlineData("""{"user_id":"bob","forfeited_cents":0,"written_off_cents":0,"transaction_id":null}""",
        "Deleted bob: no credit was left.\n")]
    public async Task Deleting_says_what_became_of_the_credit(string answer, string stdout)
    {
        _ledger.Answers(200, answer);

        (await FaRun.OfAsync(_ledger, "user", "delete", "bob", "--yes")).ShouldBe(new FaRun(0, stdout, ""));
        _ledger.Request.Method.ShouldBe("DELETE");
        _ledger.Request.Path.ShouldBe("/users/bob");
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("\n", 1)]
    [InlineData("n\n", 1)]
    [InlineData("yep\n", 1)]
    [InlineData("y\n", 0)]
    [InlineData("YES\n", 0)]
    public async Task Deleting_asks_on_a_terminal_and_takes_only_a_yes(string typed, int exitCode)
    {
        _ledger.Answers(200, """{"user_id":"bob","balance_cents":595}""")
            .Answers(200,
                """
                {"user_id":"bob","forfeited_cents":595,"written_off_cents":0,
                """
                + """
                "transaction_id":"0190a1b2-0000-7000-8000-000000000001"}
                """);
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader(typed) };

        var run = await FaRun.OfAsync(environment, "user", "delete", "bob");

        run.ExitCode.ShouldBe(exitCode);
        run.Stderr.ShouldBe(
            "bob has $5.95 left, which will be forfeited. Delete bob? This can't be undone. [y/N] "
            + (exitCode == 0 ? "" : typed.Length == 0 ? "\nNothing was done.\n" : "Nothing was done.\n"));
        _ledger.Requests.Select(request => request.Method).ShouldBe(exitCode == 0 ? ["GET", "DELETE"] : ["GET"]);
    }

    [Theory]
    [InlineData(
        """{"user_id":"bob","balance_cents":-2.5}""", "bob owes $0.025, which will be written off. Delete bob?")]
    [InlineData("""{"user_id":"bob","balance_cents":0}""", "bob has no credit left. Delete bob?")]
    [InlineData("""{"user_id":"bob","balance_cents":0,"deleted_at":"2026-01-02T00:00:00Z"}""",
        "bob is already deleted and has no credit left. Delete bob?")]
    public async Task Deleting_shows_what_is_at_stake_before_it_asks(string budget, string question)
    {
        _ledger.Answers(200, budget);
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("n\n") };

        (await FaRun.OfAsync(environment, "user", "delete", "bob")).Stderr.ShouldStartWith(question);
    }

    [Fact]
    public async Task Interrupted_at_a_question_it_ends_and_claims_nothing()
    {
        _ledger.Answers(200, """{"user_id":"bob","balance_cents":595}""");
        using var interrupted = new CancellationTokenSource();
        using var keyboard = new SilentKeyboard(interrupted.Cancel);
        var environment = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = keyboard };

        var exitCode = await Factumerit.Ledger.Cli.FaApplication.RunAsync(
            ["user", "delete", "bob"], environment, interrupted.Token);

        exitCode.ShouldBe(130);
        environment.Stderr.ToString().ShouldEndWith("[y/N] \nInterrupted.\n");
        environment.Stdout.ToString().ShouldBe("");
        _ledger.Requests.Select(request => request.Method).ShouldBe(["GET"]);
    }

    /// <summary>A keyboard where Ctrl+C is pressed in place of an answer: the line never ends.</summary>
    private sealed class SilentKeyboard(Action press) : TextReader
    {
        private readonly ManualResetEventSlim _end = new();

        public override string? ReadLine()
        {
            press();
            _end.Wait();
            return null;
        }

        protected override void Dispose(bool disposing)
        {
            _end.Set();
            base.Dispose(disposing);
        }
    }

    [Fact]
    public async Task A_problem_is_one_line_with_its_code_and_fields()
    {
        _ledger.Answers(400,
            """
            {"type":"/problems/validation-failed","title":"Bad","status":400,"detail":"2 fields are wrong.",
             "code":"validation-failed","trace_id":"x","errors":{"user_id":["is too long","has a blank"],
             "promo_ttl_days":["is negative"]}}
            """);

        var run = await FaRun.OfAsync(_ledger, "user", "create", "a b");

        run.ShouldBe(new FaRun(
            1, "",
            "validation-failed: 2 fields are wrong. user_id: is too long, has a blank; promo_ttl_days: is negative\n"));
    }
}
