using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary><c>fa review</c>: the requests, the output, and the question before each decision.</summary>
public sealed class ReviewCommandsTests : IAsyncLifetime
{
    private const string Id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";
    private const string Billed =
        $$"""
        {"usage_id":"{{Id}}","request_id":"r1","user_id":"alice","amount_cents":1.65,
        """
        + """
        "transaction_id":"0190a1b2-0000-7000-8000-000000000001","balance_cents":-3,"billing_status":"billed"}
        """;

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task The_list_is_a_table_of_what_waits_over_all_pages()
    {
        _ledger
            .Answers(200,
                $$"""
                {"usages":[{"usage_id":"{{Id}}","review_reason":"unknown-model","user_id":"alice","model":"gpt-x",
                 "prompt_tokens":1200,"completion_tokens":5,"provider_cost_usd":null,
                 "occurred_at":"2026-01-31T12:00:00Z"}],"next_before":"{{Id}}"}
                """)
            .Answers(200,
                """
                {"usages":[{"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","review_reason":"no-user",
                 "user_id":null,"model":null,"prompt_tokens":null,
                 "completion_tokens":null,"provider_cost_usd":0.0123,"occurred_at":"2026-01-30T12:00:00Z",
                 "payer_hint":{"key_alias":"editor","key_hash":"88dc","user_id":"auth0|65f0","email":"a@example.test",
                 "end_user":"Jürgen M."}}],"next_before":null}
                """);

        var run = await FaRun.OfAsync(_ledger, "review", "list", "--user", "@bob:m.org", "--model", "gpt x", "--from",
            "2026-01-01", "--to", "2026-02-01");

        run.ShouldBe(new FaRun(
            0,
            "USAGE                                 REASON         USER   MODEL     IN  OUT     COST  "
            + "OCCURRED              PAYER HINT\n"
            + "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b  unknown-model  alice  gpt-x  1,200    5           "
            + "2026-01-31 12:00:00Z\n"
            + "0190a1b2-0000-7000-8000-0000000000a1  no-user        -      -          -    -  $0.0123  "
            + "2026-01-30 12:00:00Z  user auth0|65f0, e-mail a@example.test, end user Jürgen M., key editor, "
            + "hash 88dc\n",
            ""));
        const string query = "/usage?billing_status=needs_review&user_id=%40bob%3Am.org&model=gpt%20x"
            + "&from=2026-01-01&to=2026-02-01&limit=1000";
        _ledger.Requests.Select(r => r.Path).ShouldBe([query, $"{query}&before={Id}"]);
    }

    [Fact]
    public async Task An_empty_queue_is_a_sentence_and_for_programs_an_empty_array()
    {
        _ledger.Answers(200, """{"usages":[],"next_before":null}""")
            .Answers(200, """{"usages":[],"next_before":null}""");
        (await FaRun.OfAsync(_ledger, "review", "list")).ShouldBe(new FaRun(0, "Nothing waits for review.\n", ""));
        (await FaRun.OfAsync(_ledger, "review", "list", "--json")).ShouldBe(new FaRun(0, "[]\n", ""));
    }

    [Fact]
    public async Task A_bill_sends_the_digits_that_were_typed()
    {
        _ledger.Answers(200, Billed).Answers(200, Billed, ("Idempotency-Replayed", "true")).Answers(200, Billed);

        (await FaRun.OfAsync(_ledger, "review", "bill", Id, "--amount-cents", "1.650", "--user", "alice",
            "--idempotency-key", "k", "--yes"))
            .ShouldBe(new FaRun(0, "Billed $0.0165 to alice (request r1); balance -$0.03.\n", ""));
        (await FaRun.OfAsync(_ledger, "review", "bill", Id, "--cost-usd", "0.000165", "--yes")).Stdout.ShouldStartWith(
            "Already billed ");
        (await FaRun.OfAsync(_ledger, "review", "bill", Id, "--yes", "--json")).Stdout.ShouldBe(Billed + "\n");

        _ledger.Requests[0].ShouldBe(new Received(
            "POST", $"/usage/{Id}/bill", "Bearer " + FakeLedger.ApiKey, "k",
            """{"amount_cents":1.650,"user_id":"alice"}"""));
        _ledger.Requests[1].Body.ShouldBe("""{"provider_cost_usd":0.000165}""");
        _ledger.Requests[2].Body.ShouldBe("{}");
        _ledger.Requests[2].IdempotencyKey.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_waiver_sends_its_reason()
    {
        _ledger.Answers(
            200, $$"""{"usage_id":"{{Id}}","request_id":"r1","user_id":null,"amount_cents":null,"balance_cents":0}""");
        (await FaRun.OfAsync(_ledger, "review", "waive", Id, "--reason", "A test of ours", "--yes"))
            .ShouldBe(new FaRun(0, $"Waived {Id} (request r1); no money moved.\n", ""));
        (_ledger.Request.Path, _ledger.Request.Body)
            .ShouldBe(($"/usage/{Id}/waive", """{"reason":"A test of ours"}"""));
    }

    [Fact]
    public async Task Pricing_again_tells_what_it_did_and_what_is_left()
    {
        _ledger.Answers(200, """{"billed":1200,"waiting":1,"amount_cents":205}""")
            .Answers(200, """{"billed":1,"waiting":0,"amount_cents":0}""");
        (await FaRun.OfAsync(_ledger, "review", "reprice", "--model", "m", "--user", "alice", "--yes"))
            .ShouldBe(new FaRun(0, "Billed 1,200 calls for $2.05; 1 call still waits for review.\n", ""));
        (await FaRun.OfAsync(_ledger, "review", "reprice", "--yes")).Stdout.ShouldBe(
            "Billed 1 call for $0.00; 0 calls still wait for review.\n");
        _ledger.Requests.Select(r => $"{r.Path} {r.Body}")
            .ShouldBe(["""/usage/reprice {"model":"m","user_id":"alice"}""", "/usage/reprice {}"]);
    }

    [Theory]
    [InlineData("", "Bill all waiting calls that can be priced now?")]
    [InlineData(" --user bob --model m", "Bill all waiting calls of bob of the model m that can be priced now?")]
    public async Task Pricing_again_asks_which_calls_it_may_bill(string options, string question)
    {
        var declined = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("n\n") };
        (await FaRun.OfAsync(declined, $"review reprice{options}".Split(' '))).Stderr.ShouldStartWith(question);
    }

    [Theory]
    [InlineData("review bill " + Id)]
    [InlineData("review waive " + Id + " --reason x")]
    [InlineData("review reprice")]
    public async Task Nothing_is_decided_unasked(string line)
    {
        (await FaRun.OfAsync(_ledger, line.Split(' ')))
            .ShouldBe(new FaRun(2, "", "This can't be undone. Without a terminal to ask on, confirm it with --yes.\n"));
        var declined = FaRun.Beside(_ledger) with { StdinIsTerminal = true, Stdin = new StringReader("n\n") };
        (await FaRun.OfAsync(declined, line.Split(' '))).ExitCode.ShouldBe(1);
        _ledger.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(
        "review bill 7 --yes", "USAGE: '7' is not a usage id from 'fa review list'.\nTry 'fa review bill --help'.\n")]
    [InlineData("review bill " + Id + " --amount-cents 1 --cost-usd 1",
        "Pass at most one of --amount-cents and --cost-usd.\nTry 'fa review bill --help'.\n")]
    [InlineData("review waive " + Id + " --yes", "Option '--reason' is required.\nTry 'fa review waive --help'.\n")]
    public async Task Wrong_usage_is_told(string line, string stderr) =>
        (await FaRun.OfAsync(FaRun.Alone(), line.Split(' '))).ShouldBe(new FaRun(2, "", stderr));

    [Theory]
    [InlineData(1, 119, "1 call waits for review, the oldest for 119 s.")]
    [InlineData(2000, 7199, "2,000 calls wait for review, the oldest for 119 min.")]
    [InlineData(2, 172799, "2 calls wait for review, the oldest for 47 h.")]
    [InlineData(2, 172800, "2 calls wait for review, the oldest for 2 days.")]
    public async Task The_summary_tells_what_waits(int waiting, int seconds, string line)
    {
        _ledger.Answers(200,
            $$"""
            {"types":[],"review":{"waiting":{{waiting}},"oldest_at":"2026-01-01T00:00:00Z",
             "oldest_age_seconds":{{seconds}} } }
            """);
        (await FaRun.OfAsync(_ledger, "ledger", "summary")).Stdout.ShouldEndWith($"\n\n{line}\n");
    }

    [Fact]
    public async Task The_queue_of_a_real_service_ends()
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        try
        {
            (await service.PostAsync(
                "/usage", """{"user_id":"alice","request_id":"r1","model":"m","prompt_tokens":10}""")).Expect(201);
            var listed = await FaRun.OfAsync(FaRun.Beside(service), "review", "list", "--json");
            var id = System.Text.Json.JsonElement.Parse(listed.Stdout)[0].GetProperty("usage_id").GetString()!;
            (await FaRun.OfAsync(FaRun.Beside(service), "review", "reprice", "--yes")).Stdout.ShouldBe(
                "Billed 0 calls for $0.00; 1 call still waits for review.\n");
            (await FaRun.OfAsync(FaRun.Beside(service), "review", "bill", id, "--yes")).Stderr.ShouldStartWith(
                "not-priceable: The price book has no price of m");
            (await FaRun.OfAsync(FaRun.Beside(service), "review", "bill", id, "--cost-usd", "0.0003", "--yes"))
                .ShouldBe(new FaRun(0, "Billed $0.0003 to alice (request r1); balance -$0.0003.\n", ""));
            (await FaRun.OfAsync(FaRun.Beside(service), "review", "waive", id, "--reason", "x", "--yes"))
                .Stderr.ShouldStartWith($"already-reviewed: Usage {id} was billed by bootstrap");
            (await FaRun.OfAsync(FaRun.Beside(service), "review", "list")).Stdout.ShouldBe(
                "Nothing waits for review.\n");
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
