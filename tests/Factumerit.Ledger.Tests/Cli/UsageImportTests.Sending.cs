namespace Factumerit.Ledger.Tests.Cli;

/// <summary>How batches are sent, sent again, and halved.</summary>
public sealed partial class UsageImportTests
{
    [Fact]
    public async Task A_busy_service_is_tried_again_after_the_time_it_asks_for()
    {
        var time = new InstantTime();
        _ledger
            .Answers(503, """{"code":"unavailable","detail":"Away."}""", ("Retry-After", "7"))
            .Answers(429, """{"code":"rate-limited","detail":"Slow down."}""")
            .HangsUp()
            .Answers(200, Results(Recorded("1")));

        var run = await ImportAsync(FaRun.Beside(_ledger) with { Time = time }, Header + "alice,1,r1\n");

        run.ShouldBe(new FaRun(0, "1 row: 1 recorded, 0 already there, 0 refused; $0.01 recorded\n", ""));
        time.Waits.ShouldBe([TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)]);
        _ledger.Requests.Select(request => request.Body).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task Only_rows_whose_answer_does_not_stand_are_sent_again()
    {
        _ledger
            .Answers(200, Results(
                Recorded("1"), """{"status":503,"problem":{"code":"unavailable","detail":"Away."}}""", Recorded("3")))
            .Answers(200, Results(Recorded("2")));

        var run = await ImportAsync(Header + "alice,1,r1\nalice,2,r2\nalice,3,r3\n");

        run.Stdout.ShouldBe("3 rows: 3 recorded, 0 already there, 0 refused; $0.06 recorded\n");
        _ledger.Requests[1].Body.ShouldBe("""[{"user_id":"alice","amount_cents":2,"request_id":"r2"}]""");
    }

    [Fact]
    public async Task Attempts_are_bounded_and_the_way_out_is_told()
    {
        for (var attempt = 0; attempt < 8; attempt++)
            _ledger.Answers(503, """{"code":"unavailable","detail":"Away."}""");

        var run = await ImportAsync(Header + "alice,1,r1\n");

        run.ShouldBe(new FaRun(
            1,
            "0 rows: 0 recorded, 0 already there, 0 refused; $0.00 recorded\n",
            "unavailable: Away. The import stopped. Run it again: recorded rows are not recorded twice.\n"));
        _ledger.Requests.Count.ShouldBe(8);
    }

    [Fact]
    public async Task A_wrong_key_stops_at_once()
    {
        _ledger.Answers(401, """{"code":"unauthorized","detail":"No such key."}""");

        var run = await ImportAsync(Header + "alice,1,r1\n");

        run.ExitCode.ShouldBe(1);
        run.Stderr.ShouldStartWith("unauthorized: No such key. The import stopped");
        _ledger.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_batch_refused_as_a_whole_is_halved_until_the_row_at_fault_stands_alone()
    {
        const string Malformed = """{"code":"malformed-request","detail":"occurred_at is no time."}""";
        _ledger
            .Answers(400, Malformed)
            .Answers(200, Results(Recorded("1")))
            .Answers(400, Malformed)
            .Answers(400, Malformed)
            .Answers(200, Results(Recorded("3")));

        var run = await ImportAsync(Header + "alice,1,r1\nalice,2,r2\nalice,3,r3\n");

        run.ShouldBe(new FaRun(
            1,
            "3 rows: 2 recorded, 0 already there, 1 refused; $0.04 recorded\n",
            "usage.csv:3: malformed-request: occurred_at is no time.\n"));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task Line_numbers_are_right_behind_quoted_line_breaks(string lineBreak)
    {
        _ledger.Answers(
            200, Results(Recorded("1"), """{"status":410,"problem":{"code":"user-deleted","detail":"Gone."}}"""));
        var file = "user_id,amount_cents,request_id,description\nalice,1,r1,\"one\ntwo\n\nfour\"\n\n"
            + "bob,1,r2,\"x\ny\"\nbob,x,r3,";

        var run = await ImportAsync("\ufeff" + file.Replace("\n", lineBreak, StringComparison.Ordinal));

        run.Stderr.ShouldBe(
            "usage.csv:7: user-deleted: Gone.\nusage.csv:9: malformed-row: amount_cents 'x' is not a number\n");
    }

    [Fact]
    public async Task Batches_have_the_size_that_was_asked_for()
    {
        _ledger.Answers(200, Results(Recorded("1"), Recorded("1"))).Answers(200, Results(Recorded("1")));

        var run = await ImportAsync(Header + "a,1,r1\na,1,r2\na,1,r3\n", "--batch-size", "2");

        run.Stdout.ShouldBe("3 rows: 3 recorded, 0 already there, 0 refused; $0.03 recorded\n");
        _ledger.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Bodies_stay_below_four_mebibytes()
    {
        const int Rows = 12;
        var description = new string('d', 900_000);
        var rows = string.Concat(Enumerable.Range(0, Rows).Select(row => $"a,1,r{row},{description}\n"));
        for (var request = 0; request < Rows / 4; request++)
            _ledger.Answers(200, Results(Recorded("1"), Recorded("1"), Recorded("1"), Recorded("1")));

        var run = await ImportAsync("user_id,amount_cents,request_id,description\n" + rows);

        run.ShouldBe(new FaRun(0, "12 rows: 12 recorded, 0 already there, 0 refused; $0.12 recorded\n", ""));
        _ledger.Requests.ShouldAllBe(request => request.Body.Length < 4 * 1024 * 1024);
    }
}
