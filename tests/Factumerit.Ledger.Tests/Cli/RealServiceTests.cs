using System.Text.RegularExpressions;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>
/// <c>fa</c> against the real service: its output agrees with the service. Ids and times are masked.
/// </summary>
public sealed partial class RealServiceTests : IAsyncLifetime
{
    private readonly LedgerService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_tour_from_the_purchase_to_the_last_balance()
    {
        await PrintsAsync("Booked a purchase of $27.59; headroom $25.00 (transaction <uuid>).\n",
            "purchase", "--credits-cents", "2500", "--sales-tax-cents", "259", "--invoice", "INV-1",
            "--idempotency-key", "p");
        await PrintsAsync("Already booked a purchase of $27.59; headroom $25.00 (transaction <uuid>).\n",
            "purchase", "--credits-cents", "2500", "--sales-tax-cents", "259", "--invoice", "INV-1",
            "--idempotency-key", "p");
        await PrintsAsync("""
            Created vikunja:alice.
            User           vikunja:alice
            Balance        $1.00
            Held           $0.00
            Available      $1.00
            Spent          $0.00
            Added          $1.00
            Has credit     yes
            Promo expires  <time>
            Signed up      <time>
            Created        <time>
            Updated        <time>
            Deleted        -

            """, "user", "create", "vikunja:alice", "--initial-credit-cents", "100", "--promo-ttl-days", "30");
        (await FaAsync("user", "create", "vikunja:alice", "--initial-credit-cents", "100")).Stdout.ShouldStartWith(
            "vikunja:alice already exists; nothing changed.\n");
        string[] call = ["usage", "record", "vikunja:alice", "--amount-cents", "5.0165", "--request-id", "r1",
            "--model", "opus", "--prompt-tokens", "35", "--completion-tokens", "4",
            "--description", "A call", "--occurred-at", "2026-01-31T12:00:00Z"];
        await PrintsAsync("Recorded $0.050165 for vikunja:alice (request r1); balance $0.949835.\n", call);
        await PrintsAsync("Already recorded $0.050165 for vikunja:alice (request r1); balance $0.949835.\n", call);
        await PrintsAsync("Granted $5.00 to vikunja:alice; balance $5.949835 (transaction <uuid>).\n",
            "grant", "vikunja:alice", "--amount-cents", "500", "--reason", "Top-up", "--idempotency-key", "g");
        await PrintsAsync("Already granted $5.00 to vikunja:alice; balance $5.949835 (transaction <uuid>).\n",
            "grant", "vikunja:alice", "--amount-cents", "500", "--reason", "Top-up", "--idempotency-key", "g");
        await PrintsAsync("Wrote asset:anthropic down by $0.05; headroom $19.000165 (transaction <uuid>).\n",
            "write-down", "--amount-cents", "5", "--yes");
        await PrintsAsync("Nothing to post: the balance of asset:anthropic does not change; headroom $19.000165.\n",
            "write-down", "--actual-balance-cents", "2495", "--yes");
        await PrintsAsync("""
            User           vikunja:alice
            Balance        $5.949835
            Held           $0.00
            Available      $5.949835
            Spent          $0.050165
            Added          $6.00
            Has credit     yes
            Promo expires  <time>
            Signed up      <time>
            Created        <time>
            Updated        <time>
            Deleted        -

            ENTRY  TIME                      DEBIT  CREDIT  TYPE          REFERENCE  POSTED BY  DESCRIPTION
            9      <time>              $5.00  admin_credit  bootstrap  bootstrap  Top-up
            6      <time>  $0.050165          llm_call      r1         bootstrap  A call
            5      <time>              $1.00  initial       -          bootstrap  Signup credit

            """, "ledger", "user", "vikunja:alice");
        await PrintsAsync("""
            USER             BALANCE   HELD      SPENT  ADDED  CREATED               DELETED
            vikunja:alice  $5.949835  $0.00  $0.050165  $6.00  <time>  -

            """, "user", "list", "--prefix", "vikunja:");
        await PrintsAsync("Deleted vikunja:alice: $5.949835 forfeited (transaction <uuid>).\n", "user", "delete",
            "vikunja:alice", "--yes");
        await PrintsAsync("Deleted vikunja:alice: no credit was left.\n", "user", "delete", "vikunja:alice", "--yes");
    }

    [Fact]
    public async Task Margin_and_write_down_from_usage()
    {
        (await FaAsync("grant", "bob", "--amount-cents", "100", "--new-user")).ExitCode.ShouldBe(0);
        string[] call = ["usage", "record", "bob", "--provider", "openai", "--model", "gpt", "--prompt-tokens", "1200",
            "--occurred-at", "2026-01-31T12:00:00Z"];
        (await FaAsync([.. call, "--request-id", "1", "--cost-usd", "0.000165", "--amount-cents", "0.02"]))
            .ExitCode.ShouldBe(0);
        (await FaAsync([.. call, "--request-id", "2", "--amount-cents", "1"])).ExitCode.ShouldBe(0);

        await PrintsAsync("""
        DAY         CALLS  TOKENS IN  TOKENS OUT  PROVIDER COST  USER PRICE     MARGIN  COST UNKNOWN  WAITING  WAIVED
        2026-01-31      2      2,400           0      $0.000165     $0.0102  $0.000035             1        0       0
        TOTAL           2      2,400           0      $0.000165     $0.0102  $0.000035             1        0       0

        """, "report", "margin", "--group-by", "day", "--from", "2026-01-01");
        (await FaAsync("report", "margin", "--json", "--to", "2026-01-01")).Stdout.ShouldStartWith(
            """{"from":null,"to":"2026-01-01T00:00:00Z","group_by":"model","groups":[],"total":"""
            + """{"group":null,"calls":0,""");
        await PrintsAsync("Wrote asset:openai down by $0.000165; headroom -$0.989965 (transaction <uuid>).\n",
            "write-down", "--from-usage", "--provider", "openai", "--force", "--yes");
        await PrintsAsync("Nothing to post: no usage of openai is left to write down; headroom -$0.989965.\n",
            "write-down", "--from-usage", "--provider", "openai", "--yes");
        await PrintsAsync("Wrote asset:openai down by $0.01; headroom -$0.999965 (transaction <uuid>).\n",
            "write-down", "--amount-cents", "1", "--provider", "text-completion-openai", "--force", "--yes");
    }

    [Fact]
    public async Task Reports_of_the_worked_example()
    {
        foreach (var line in (string[])[
            "purchase --credits-cents 2500 --sales-tax-cents 259", "user create U --initial-credit-cents 100",
            "usage record U --amount-cents 5", "grant U --amount-cents 500",
            "write-down --amount-cents 5 --yes", "user delete U --yes"])
            (await FaAsync(line.Split(' '))).ExitCode.ShouldBe(0, line);

        await PrintsAsync("""
            ACCOUNT            TYPE     BALANCE  DEBITS  CREDITS  ENTRIES
            asset:anthropic    asset     $24.95   $0.05   $25.00        2
            equity:capital     equity   -$27.59  $27.59    $0.00        1
            equity:forfeit     equity     $5.95   $0.00    $5.95        1
            equity:grants      equity    -$5.00   $5.00    $0.00        1
            equity:initial     equity    -$1.00   $1.00    $0.00        1
            expense:anthropic  expense    $0.05   $0.00    $0.05        1
            expense:api        expense    $0.05   $0.00    $0.05        1
            expense:sales_tax  expense    $2.59   $0.00    $2.59        1
            user:U             user       $0.00   $6.00    $6.00        4
            TOTAL                         $0.00  $39.64   $39.64       13

            """, "ledger", "balances");
        await PrintsAsync("""
            TYPE     ACCOUNTS  DEBITS  CREDITS      NET  ENTRIES
            user            1   $6.00    $6.00    $0.00        4
            asset           1   $0.05   $25.00   $24.95        2
            expense         3   $0.00    $2.69    $2.69        3
            equity          4  $33.59    $5.95  -$27.64        4
            TOTAL           9  $39.64   $39.64    $0.00       13

            Nothing waits for review.

            """, "ledger", "summary");
        await PrintsAsync("""
            Assets         $24.95
            Owed to users   $0.00
            Headroom       $24.95

            PROVIDER   BALANCE
            anthropic   $24.95

            """, "ledger", "headroom");
        await PrintsAsync("""
            BALANCED
            Debits        $39.64
            Credits       $39.64
            Imbalance      $0.00
            Entries       13
            Transactions  6

            """, "ledger", "integrity");
    }

    [Fact]
    public async Task A_fault_in_the_books_is_IMBALANCE_and_exit_code_1()
    {
        await _service.UserAsync(5, "U");
        await _service.Database.ExecuteAsync("UPDATE user_budgets SET balance_cents = 7 WHERE user_id = 'U'");

        var run = await FaAsync("ledger", "integrity");

        run.ExitCode.ShouldBe(1);
        run.Stdout.ShouldStartWith("IMBALANCE\n");
        run.Stdout.ShouldContain("\nbudget-mismatch   U   R3: the budget is 7, the ledger says 5\n");
    }

    [Fact]
    public async Task The_life_of_an_api_key()
    {
        var made = await FaAsync(
            "api-key", "create", "--name", "Vikunja bot", "--role", "bot", "--user-prefix", "vikunja:");
        made.ExitCode.ShouldBe(0);
        made.Stdout.ShouldMatch(
            "^Id            <uuid>\nName          Vikunja bot\nRole          bot\nUser prefix   vikunja:\n"
                + "May overdraw  no\nMay intake    no\nExpires       -\n"
                + "Secret        fa_bot_[0-9a-f]{8}_[0-9a-f]{64}\n");
        var secret = SecretOf().Match(made.Stdout).Value;
        string[] asBot = ["--api-key", secret];

        (await FaAsync(["user", "show", "vikunja:nobody", .. asBot]))
            .ShouldBe(new FaRun(1, "", "user-not-found: There is no user vikunja:nobody. "
                + "Check the id, or sign the user up first.\n"));
        (await FaAsync(["user", "show", "bob", .. asBot])).Stderr.ShouldBe(
            "forbidden: This key is bound to users that begin with vikunja:, which bob is not.\n");
        (await FaAsync(["ledger", "summary", .. asBot])).Stderr.ShouldBe(
            "forbidden: This needs a key of the role ops or admin; yours is bot.\n");
        (await FaAsync("api-key", "list")).Stdout.ShouldMatch(
            "\n<uuid>  Vikunja bot  bot   vikunja:     no         no      "
            + "fa_bot_[0-9a-f]{8}  bootstrap  <time>  -          -        -\n");
        var list = await FaRun.OfAsync(FaRun.Beside(_service), "api-key", "list", "--json");
        var id = JsonOf(list)[0].GetProperty("id").GetString()!;
        await PrintsAsync("Revoked the key Vikunja bot (<uuid>).\n", "api-key", "revoke", id, "--yes");
        (await FaAsync(["user", "show", "vikunja:alice", .. asBot]))
            .ShouldBe(new FaRun(1, "", "unauthorized: The API key is unknown, expired or revoked.\n"));
    }

    [Fact]
    public async Task Refusals_are_one_line_and_exit_code_1()
    {
        (await FaAsync("usage", "record", "poor", "--amount-cents", "1", "--request-id", "r")).ShouldBe(new FaRun(1, "",
            "insufficient-credit: No user poor is known yet, and an unknown user has 0 cents of credit; spending needs "
                + "available credit above 0. Grant credit, then send the same request again.\n"));
        (await FaAsync("user", "create", "U", "--initial-credit-cents", "1")).ShouldBe(new FaRun(1, "",
            "insufficient-anthropic-credits: The signup credit of 1 cents exceeds the headroom of 0 cents. Book a "
                + "purchase first.\n"));
        (await FaAsync("user", "show", "a/b")).ShouldBe(new FaRun(1, "",
            "validation-failed: user_id must be 1 to 200 characters of letters, digits and @ . _ : + = -.\n"));
        (await FaAsync("grant", "U", "--amount-cents", "0.00000001")).ExitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("user", "list")]
    [InlineData("user", "show", "@bob:matrix.org")]
    [InlineData("ledger", "balances")]
    [InlineData("ledger", "user", "@bob:matrix.org")]
    [InlineData("ledger", "summary")]
    [InlineData("ledger", "headroom")]
    [InlineData("ledger", "integrity")]
    [InlineData("api-key", "list")]
    public async Task Every_report_is_json_for_programs(params string[] args)
    {
        await _service.UserAsync(5, "@bob:matrix.org");

        var run = await FaAsync([.. args, "--json"]);

        run.ExitCode.ShouldBe(0);
        run.Stderr.ShouldBe("");
        JsonOf(run).ValueKind.ShouldBeOneOf(
            System.Text.Json.JsonValueKind.Array, System.Text.Json.JsonValueKind.Object);
    }

    private async Task PrintsAsync(string stdout, params string[] args) =>
        (await FaAsync(args)).ShouldBe(new FaRun(0, stdout, ""));

    private async Task<FaRun> FaAsync(params string[] args)
    {
        var run = await FaRun.OfAsync(FaRun.Beside(_service), args);
        return run with { Stdout = Time().Replace(Uuid().Replace(run.Stdout, "<uuid>"), "<time>") };
    }

    private static System.Text.Json.JsonElement JsonOf(FaRun run) => System.Text.Json.JsonElement.Parse(run.Stdout);

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ")]
    private static partial Regex Time();

    [GeneratedRegex("fa_bot_[0-9a-f]{8}_[0-9a-f]{64}")]
    private static partial Regex SecretOf();
}
