using Factumerit.Ledger.Cli;

namespace Factumerit.Ledger.Tests.Cli;

public sealed class LedgerCommandsTests : IAsyncLifetime
{
    private const string Budget =
        """
        {"user_id":"alice","balance_cents":595.0,"held_cents":0,"available_cents":595.0,
         "total_spent_cents":5,"total_added_cents":600,"has_credit":true,
         "promo_expires_at":null,"created_at":"2026-01-02T03:04:05.123456Z","updated_at":"2026-01-03T00:00:00+01:00",
         "deleted_at":null}
        """;

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task Balances_follow_all_pages_and_end_with_a_total()
    {
        _ledger
            .Answers(200,
                """
                {"accounts":[{"account":"asset:anthropic","type":"asset","balance_cents":249500,"total_debits":5,
                 "total_credits":249505,"entry_count":1200}],"next_after":"asset:anthropic"}
                """)
            .Answers(200,
                """
                {"accounts":[{"account":"user:@bob:m.org","type":"user","balance_cents":-0.0165,"total_debits":0.0165,
                 "total_credits":0,"entry_count":1}],"next_after":null}
                """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "balances");

        run.ShouldBe(new FaRun(0, """
            ACCOUNT          TYPE         BALANCE     DEBITS    CREDITS  ENTRIES
            asset:anthropic  asset  $2,495.00      $0.05      $2,495.05    1,200
            user:@bob:m.org  user      -$0.000165  $0.000165      $0.00        1
            TOTAL                   $2,494.999835  $0.050165  $2,495.05    1,201

            """, ""));
        _ledger.Requests.Select(request => request.Path).ShouldBe(
            ["/ledger/balances?limit=1000", "/ledger/balances?limit=1000&after=asset%3Aanthropic"]);
        _ledger.Requests[0].Authorization.ShouldBe("Bearer " + FakeLedger.ApiKey);
    }

    [Fact]
    public async Task Balances_of_one_type_ask_for_it()
    {
        _ledger.Answers(200, """{"accounts":[],"next_after":null}""");

        var run = await FaRun.OfAsync(_ledger, "ledger", "balances", "--type", "expense");

        run.ShouldBe(new FaRun(0, "No accounts.\n", ""));
        _ledger.Request.Path.ShouldBe("/ledger/balances?type=expense&limit=1000");
    }

    [Fact]
    public async Task Balances_for_programs_are_one_array_of_all_pages_as_they_came()
    {
        _ledger
            .Answers(200, """{"accounts":[{"account":"a","balance_cents":1.0000000}],"next_after":"a"}""")
            .Answers(200, """{"accounts":[{"account":"b", "more":1}],"next_after":null}""");

        var run = await FaRun.OfAsync(_ledger, "ledger", "balances", "--json");

        run.ShouldBe(
            new FaRun(0, "[{\"account\":\"a\",\"balance_cents\":1.0000000},\n{\"account\":\"b\", \"more\":1}]\n", ""));
    }

    [Fact]
    public async Task A_user_is_shown_with_budget_and_newest_entries()
    {
        _ledger
            .Answers(200, Budget)
            .Answers(200,
                """
                {"entries":[{"id":13,"transaction_id":"0190a1b2-0000-7000-8000-0000000000a1",
                 "account":"user:alice","debit_cents":5,"credit_cents":0,
                 "description":"a\u001b[31mb\nc","reference_type":"llm_call","reference_id":"r1",
                 "created_at":"2026-01-02T03:04:06Z","posted_by":{"api_key_id":null,"name":"bot"}},
                 {"id":2,"transaction_id":"0190a1b2-0000-7000-8000-000000000001",
                 "account":"user:alice","debit_cents":0,"credit_cents":600,
                 "description":null,"reference_type":"initial","reference_id":null,
                 "created_at":"2026-01-02T03:04:05Z"}],"next_before":2}
                """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "user", "alice", "--limit", "2");

        run.ShouldBe(new FaRun(0, """
            User           alice
            Balance        $5.95
            Held           $0.00
            Available      $5.95
            Spent          $0.05
            Added          $6.00
            Has credit     yes
            Promo expires  -
            Signed up      -
            Created        2026-01-02 03:04:05Z
            Updated        2026-01-02 23:00:00Z
            Deleted        -

            ENTRY  TIME                  DEBIT  CREDIT  TYPE      REFERENCE  POSTED BY  DESCRIPTION
            13     2026-01-02 03:04:06Z  $0.05          llm_call  r1         bot        a [31mb c
            2      2026-01-02 03:04:05Z          $6.00  initial   -          -          -

            """, ""));
        _ledger.Requests.Select(request => request.Path).ShouldBe(["/users/alice", "/users/alice/entries?limit=2"]);
    }

    [Fact]
    public async Task A_user_for_programs_is_the_two_answers_in_one_object()
    {
        _ledger.Answers(200, """{"user_id":"alice"}""").Answers(200, """{"entries":[{"id":1}],"next_before":null}""");

        var run = await FaRun.OfAsync(_ledger, "ledger", "user", "alice", "--json");

        run.ShouldBe(new FaRun(0, """{"budget":{"user_id":"alice"},"entries":[{"id":1}]}""" + "\n", ""));
    }

    [Fact]
    public async Task Integrity_of_sound_books_is_balanced_and_exits_with_0()
    {
        _ledger.Answers(200,
            """
            {"is_balanced":true,"total_debits":6118,"total_credits":6118,"imbalance":0,"entry_count":13,
             "transaction_count":6,"faults":[]}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "integrity");

        run.ShouldBe(new FaRun(0, """
            BALANCED
            Debits        $61.18
            Credits       $61.18
            Imbalance      $0.00
            Entries       13
            Transactions  6

            """, ""));
    }

    [Fact]
    public async Task Integrity_prints_each_fault_and_exits_with_1()
    {
        _ledger.Answers(200,
            """
            {"is_balanced":false,"total_debits":10,"total_credits":9.5,"imbalance":-0.5,"entry_count":2,
             "transaction_count":1,"faults":[{"kind":"unbalanced-transaction","id":"t1",
             "detail":"debits 10, credits 9.5"},{"kind":"budget","id":"7","detail":"d"}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "integrity");

        run.ShouldBe(new FaRun(1, """
            IMBALANCE
            Debits         $0.10
            Credits        $0.095
            Imbalance     -$0.005
            Entries       2
            Transactions  1

            FAULT                   ID  DETAIL
            unbalanced-transaction  t1  debits 10, credits 9.5
            budget                  7   d

            """, ""));
    }

    [Fact]
    public async Task Integrity_numbers_the_faults_that_stand_and_one_is_resolved_by_its_number()
    {
        _ledger.Answers(200,
            """
            {"is_balanced":false,"total_debits":10,"total_credits":10,"imbalance":0,"entry_count":2,
             "transaction_count":1,"faults":[{"kind":"budget-mismatch","id":"bob","detail":"d","fault_id":7,
             "found_at":"2026-01-31T12:00:00Z"}]}
            """);
        _ledger.Answers(200,
            """
            {"fault_id":7,"kind":"budget-mismatch","id":"bob","detail":"d","resolved_by":"root","reason":"set back"}
            """);

        var shown = await FaRun.OfAsync(_ledger, "ledger", "integrity");
        var resolved = await FaRun.OfAsync(_ledger, "ledger", "resolve-fault", "7", "--reason", "set back");

        shown.Stdout.ShouldContain("""
            FAULT            ID   DETAIL  NUMBER  FOUND
            budget-mismatch  bob  d       7       2026-01-31 12:00:00
            """);
        resolved.ShouldBe(new FaRun(0, "Resolved fault 7: budget-mismatch bob, by root.\n", ""));
        (_ledger.Requests[1].Method, _ledger.Requests[1].Path, _ledger.Requests[1].Body)
            .ShouldBe(("POST", "/ledger/faults/7/resolve", """{"reason":"set back"}"""));
    }

    [Fact]
    public async Task Integrity_for_programs_exits_with_1_on_a_fault_all_the_same()
    {
        const string Answer =
            """{"is_balanced":true,"imbalance":0,"faults":[{"kind":"budget","id":"alice","detail":"d"}]}""";
        _ledger.Answers(200, Answer);

        var run = await FaRun.OfAsync(_ledger, "--json", "ledger", "integrity");

        run.ShouldBe(new FaRun(1, Answer + "\n", ""));
    }

    [Fact]
    public async Task Integrity_reads_everything_when_asked_to()
    {
        _ledger.Answers(200,
            """
            {"is_balanced":true,"total_debits":0,"total_credits":0,"imbalance":0,"entry_count":0,"transaction_count":0,
             "faults":[]}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "integrity", "--full");

        run.ExitCode.ShouldBe(0);
        _ledger.Requests.Single().Path.ShouldBe("/ledger/integrity?full=true");
    }

    [Fact]
    public async Task Summary_adds_the_types_up()
    {
        _ledger.Answers(200,
            """
            {"types":[{"type":"asset","accounts":1,"debits":5,"credits":2500,"net":2495,"entries":2},
             {"type":"equity","accounts":2,"debits":2759,"credits":0,"net":-2759,"entries":2}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "summary");

        run.ShouldBe(new FaRun(0, """
            TYPE    ACCOUNTS  DEBITS  CREDITS      NET  ENTRIES
            asset          1   $0.05   $25.00   $24.95        2
            equity         2  $27.59    $0.00  -$27.59        2
            TOTAL          3  $27.64   $25.00   -$2.64        4

            """, ""));
    }

    [Fact]
    public async Task Headroom_is_shown_with_the_providers()
    {
        _ledger.Answers(200,
            """
            {"asset_cents":2495,"liability_cents":595,"available_cents":1900,"providers":[{"provider":"anthropic",
             "balance_cents":2495}]}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "headroom");

        run.ShouldBe(new FaRun(0, """
            Assets         $24.95
            Owed to users   $5.95
            Headroom       $19.00

            PROVIDER   BALANCE
            anthropic   $24.95

            """, ""));
    }

    [Fact]
    public async Task Colour_is_for_terminals_only_and_never_with_NO_COLOR()
    {
        const string Sound =
            """
            {"is_balanced":true,"total_debits":0,"total_credits":0,"imbalance":0,"entry_count":0,"transaction_count":0,
             "faults":[]}
            """;
        _ledger.Answers(200, Sound).Answers(200, Sound);
        var terminal = FaRun.Beside(_ledger) with { StdoutIsTerminal = true };
        var quiet = FaRun.Beside(_ledger) with { StdoutIsTerminal = true };
        quiet = quiet with { Variables = new Dictionary<string, string>(quiet.Variables) { ["NO_COLOR"] = "1" } };

        (await FaRun.OfAsync(terminal, "ledger", "integrity")).Stdout.ShouldContain("\u001b[");
        (await FaRun.OfAsync(quiet, "ledger", "integrity")).Stdout.ShouldNotContain("\u001b");
    }

    [Fact]
    public async Task Long_rows_are_neither_wrapped_nor_cut_where_no_terminal_is()
    {
        var account = "user:" + new string('x', 200);
        _ledger.Answers(200,
            $$"""
            {"accounts":[{"account":"{{account}}","type":"user","balance_cents":0,"total_debits":0,"total_credits":0,
             "entry_count":0}],"next_after":null}
            """);

        var run = await FaRun.OfAsync(_ledger, "ledger", "balances");

        run.Stdout.Split('\n')[1].ShouldStartWith(account + "  user  ");
    }

    [Fact]
    public async Task A_table_wider_than_the_terminal_is_shown_as_records()
    {
        const string Accounts =
            """
            {"accounts":[{"account":"asset:anthropic","type":"asset","balance_cents":249500,"total_debits":5,
             "total_credits":249505,"entry_count":1200}],"next_after":null}
            """;
        _ledger.Answers(200, Accounts).Answers(200, Accounts);

        var fitting = await FaRun.OfAsync(Terminal(61), "ledger", "balances");
        var narrow = await FaRun.OfAsync(Terminal(60), "ledger", "balances");

        fitting.Stdout.ShouldBe("""
            ACCOUNT          TYPE     BALANCE  DEBITS    CREDITS  ENTRIES
            asset:anthropic  asset  $2,495.00   $0.05  $2,495.05    1,200
            TOTAL                   $2,495.00   $0.05  $2,495.05    1,200

            """);
        narrow.Stdout.ShouldBe("""
            Account  asset:anthropic
            Type     asset
            Balance  $2,495.00
            Debits   $0.05
            Credits  $2,495.05
            Entries  1,200

            Account  TOTAL
            Balance  $2,495.00
            Debits   $0.05
            Credits  $2,495.05
            Entries  1,200

            """);
    }

    [Fact]
    public async Task A_description_at_the_end_of_a_table_is_wrapped_between_words()
    {
        _ledger.Answers(200, Budget).Answers(200, """
            {"entries":[{"id":13,"account":"user:alice","debit_cents":123456.7,"credit_cents":0,
             "description":"Summary of task 17 and of all that came after it",
             "reference_type":"llm_call","reference_id":"r1","created_at":"2026-01-02T03:04:06Z"}],"next_before":null}
            """);

        var run = await FaRun.OfAsync(Terminal(110), "ledger", "user", "alice");

        run.Stdout.ShouldEndWith("""
        ENTRY  TIME                       DEBIT  CREDIT  TYPE      REFERENCE  POSTED BY  DESCRIPTION
        13     2026-01-02 03:04:06Z  $1,234.567          llm_call  r1         -          Summary of task 17 and of all
                                                                                         that came after it

        """);
    }

    private FaEnvironment Terminal(int width)
    {
        var environment = FaRun.Beside(_ledger) with { StdoutIsTerminal = true, TerminalWidth = width };
        return environment with
        {
            Variables = new Dictionary<string, string>(environment.Variables) { ["NO_COLOR"] = "1" },
        };
    }

    [Fact]
    public async Task An_answer_of_something_else_is_not_taken_for_the_ledgers()
    {
        _ledger.Answers(200, "<html>").Answers(502, "<html>");

        var first = await FaRun.OfAsync(_ledger, "ledger", "headroom");
        var second = await FaRun.OfAsync(_ledger, "ledger", "headroom");

        first.ShouldBe(
            new FaRun(1, "", $"The answer of {_ledger.Url}/ was not understood: is it the ledger's address?\n"));
        second.ShouldBe(new FaRun(1, "", $"{_ledger.Url}/ answered 502 BadGateway: is it the ledger's address?\n"));
    }
}
