namespace Factumerit.Ledger.Tests.Cli;

public sealed class HoldCommandsTests : IAsyncLifetime
{
    private const string Id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a62";

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_hold_is_placed_under_a_key()
    {
        _ledger.Answers(201, Hold("open", 20, 20));

        var run = await FaRun.OfAsync(
            _ledger, "hold", "place", "alice", "--amount-cents", "20", "--expires-in-seconds", "60", "--external-id",
            "run-1", "--idempotency-key", "k");

        run.ShouldBe(new FaRun(
            0, $"Holds $0.20 of alice, until 2026-01-02 00:01:00Z; available $0.80 (hold {Id}).\n", ""));
        (_ledger.Request.Path, _ledger.Request.IdempotencyKey).ShouldBe(("/holds", "k"));
        _ledger.Request.Body.ShouldBe(
            """{"user_id":"alice","amount_cents":20,"expires_in_seconds":60,"external_id":"run-1"}""");
    }

    [Fact]
    public async Task A_partial_hold_says_that_it_is_less_than_was_asked_for()
    {
        _ledger.Answers(201, Hold("open", 150, 100, isPartial: true));

        var run = await FaRun.OfAsync(
            _ledger, "hold", "place", "alice", "--model", "m", "--prompt-tokens", "10", "--max-completion-tokens",
            "5", "--partial");

        run.Stdout.ShouldStartWith("Holds $1.00 of alice, less than the $1.50 asked for, until ");
        _ledger.Request.Body.ShouldBe(
            """{"user_id":"alice","model":"m","prompt_tokens":10,"max_completion_tokens":5,"partial":true}""");
    }

    [Fact]
    public async Task A_hold_is_shown()
    {
        _ledger.Answers(200, Hold("settled", 20, 0));

        var run = await FaRun.OfAsync(_ledger, "hold", "show", Id);

        run.Stdout.ShouldContain("State        settled\n");
        run.Stdout.ShouldContain("Requested    $0.20\n");
        _ledger.Request.Path.ShouldBe($"/holds/{Id}");
    }

    [Fact]
    public async Task Holds_are_listed_by_user_and_state()
    {
        _ledger.Answers(200, $$"""{"holds":[{{Hold("open", 20, 20)}}],"next_after":null}""");

        var run = await FaRun.OfAsync(_ledger, "hold", "list", "--user", "a:b", "--state", "open");

        run.ShouldBe(new FaRun(
            0,
            "HOLD                                  USER   STATE  REQUESTED   HELD  SETTLED  "
            + "CREATED               EXPIRES\n"
            + $"{Id}  alice  open       $0.20  $0.20    $0.00  2026-01-02 00:00:00Z  2026-01-02 00:01:00Z\n", ""));
        _ledger.Request.Path.ShouldBe("/holds?user_id=a%3Ab&state=open&limit=1000");
        (await FaRun.OfAsync(_ledger, "hold", "list", "--state", "gone")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task A_hold_is_increased_by_credit_or_time()
    {
        _ledger.Answers(200, Hold("open", 25, 25));

        var run = await FaRun.OfAsync(_ledger, "hold", "increase", Id, "--amount-cents", "5");

        run.Stdout.ShouldBe("Holds $0.25 of alice, until 2026-01-02 00:01:00Z; available $0.80.\n");
        (_ledger.Request.Path, _ledger.Request.Body).ShouldBe(($"/holds/{Id}/increase", """{"amount_cents":5}"""));
        (await FaRun.OfAsync(_ledger, "hold", "increase", Id)).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task A_hold_is_released()
    {
        _ledger.Answers(200, Hold("released", 20, 0));

        var run = await FaRun.OfAsync(_ledger, "hold", "release", Id, "--reason", "cancelled");

        run.ShouldBe(new FaRun(0, "Released the hold of alice; available $0.80.\n", ""));
        _ledger.Request.Body.ShouldBe("""{"reason":"cancelled"}""");
        (await FaRun.OfAsync(_ledger, "hold", "release", "x")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task A_usage_names_its_hold()
    {
        _ledger.Answers(201, $$"""
            {"usage_id":"{{Id}}","request_id":"r","user_id":"alice","amount_cents":1,"billing_status":"billed",
             "balance_cents":5}
            """);

        await FaRun.OfAsync(
            _ledger, "usage", "record", "alice", "--amount-cents", "1", "--request-id", "r", "--hold", Id,
            "--keep-hold-open");

        _ledger.Request.Body.ShouldBe(
            $$"""{"user_id":"alice","amount_cents":1,"request_id":"r","hold_id":"{{Id}}","closes_hold":false}""");
    }

    private static string Hold(string state, decimal requested, decimal held, bool isPartial = false) => $$"""
        {"hold_id":"{{Id}}","user_id":"alice","state":"{{state}}","requested_cents":{{requested}},
         "held_cents":{{held}},"settled_cents":0,"is_partial":{{(isPartial ? "true" : "false")}},"balance_cents":100,
         "available_cents":80,"model":null,"external_id":null,"expires_at":"2026-01-02T00:01:00Z",
         "created_at":"2026-01-02T00:00:00Z","closed_at":null}
        """;
}
