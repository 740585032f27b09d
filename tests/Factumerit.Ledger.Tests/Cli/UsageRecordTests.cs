namespace Factumerit.Ledger.Tests.Cli;

public sealed class UsageRecordTests : IAsyncLifetime
{
    private const string Recorded =
        """
        {"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","request_id":"r1","user_id":"alice",
         "amount_cents":0.0165,"billing_status":"billed",
         "transaction_id":"0190a1b2-0000-7000-8000-000000000001","balance_cents":94.9835,
         "occurred_at":"2026-01-02T00:00:00Z",
         "created_at":"2026-01-02T00:00:00Z"}
        """;

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_call_is_recorded_with_the_very_digits_that_were_typed()
    {
        _ledger.Answers(201, Recorded);

        var run = await FaRun.OfAsync(
            _ledger, "usage", "record", "alice", "--amount-cents", "0.0165000", "--request-id", "r1", "--model", "opus",
            "--prompt-tokens", "10", "--completion-tokens", "20", "--description", "héllo",
            "--occurred-at", "2026-01-02T00:00:00Z");

        run.ShouldBe(new FaRun(0, "Recorded $0.000165 for alice (request r1); balance $0.949835.\n", ""));
        _ledger.Request.ShouldBe(new Received(
            "POST",
            "/usage",
            "Bearer " + FakeLedger.ApiKey,
            null,
            """
            {"user_id":"alice","amount_cents":0.0165000,"request_id":"r1","model":"opus","prompt_tokens":10,
            """
            + """
            "completion_tokens":20,"description":"héllo","occurred_at":"2026-01-02T00:00:00Z"}
            """));
    }

    [Fact]
    public async Task Both_costs_and_the_classes_of_tokens_go_out_as_typed()
    {
        _ledger.Answers(201, Recorded);

        await FaRun.OfAsync(
            _ledger, "usage", "record", "alice", "--request-id", "r1", "--provider", "openai",
            "--cost-usd", "0.000000000000000001", "--prompt-tokens", "10", "--completion-tokens", "20",
            "--cache-read-tokens", "3", "--cache-write-tokens", "2", "--reasoning-tokens", "5");

        _ledger.Request.Body.ShouldBe(
            """
            {"user_id":"alice","request_id":"r1","provider":"openai","provider_cost_usd":0.000000000000000001,
            """
            + """
            "prompt_tokens":10,"completion_tokens":20,"cache_read_tokens":3,"cache_write_tokens":2,"reasoning_tokens":5}
            """);
    }

    [Fact]
    public async Task A_call_that_waits_for_review_says_why()
    {
        _ledger.Answers(201,
            """
            {"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","request_id":"r1","user_id":"alice",
             "amount_cents":null,"billing_status":"needs_review",
             "review_reason":"requested","transaction_id":null,"balance_cents":5}
            """);

        var run = await FaRun.OfAsync(_ledger, "usage", "record", "alice", "--request-id", "r1", "--needs-review");

        run.ShouldBe(new FaRun(
            0, "Recorded a call for alice (request r1); it waits for review (requested), and no money moved.\n", ""));
        _ledger.Request.Body.ShouldBe("""{"user_id":"alice","request_id":"r1","billing_status":"needs_review"}""");
    }

    [Fact]
    public async Task A_replayed_call_is_told_from_a_new_one()
    {
        _ledger.Answers(200, Recorded, ("Idempotency-Replayed", "true"));

        var run = await FaRun.OfAsync(
            _ledger, "usage", "record", "alice", "--amount-cents", "0.0165", "--request-id", "r1");

        run.ShouldBe(new FaRun(0, "Already recorded $0.000165 for alice (request r1); balance $0.949835.\n", ""));
    }

    [Fact]
    public async Task An_unknown_outcome_leaves_the_request_id_to_run_again_with()
    {
        _ledger.Answers(503, """{"code":"unavailable","detail":"The database is away."}""");

        var run = await FaRun.OfAsync(_ledger, "usage", "record", "alice", "--amount-cents", "1");

        var requestId = System.Text.Json.JsonDocument.Parse(_ledger.Request.Body)
            .RootElement.GetProperty("request_id").GetString();
        run.ShouldBe(new FaRun(
            1,
            "",
            "unavailable: The database is away. It is unknown whether the request was carried out. "
                + $"Running it again with --request-id {requestId} is safe.\n"));
    }

    [Fact]
    public async Task Spent_credit_is_a_refusal()
    {
        _ledger.Answers(
            402, """{"code":"insufficient-credit","detail":"alice has no credit left.","balance_cents":-1}""");

        var run = await FaRun.OfAsync(_ledger, "usage", "record", "alice", "--amount-cents", "1");

        run.ShouldBe(new FaRun(1, "", "insufficient-credit: alice has no credit left.\n"));
    }
}
