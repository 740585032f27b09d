using System.Globalization;
using System.Text;
using Factumerit.Ledger.Tests.Data;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>
/// 8,818 LLM calls of one afternoon, priced and imported with <c>fa</c> into the real service. The ledger's sum equals
/// the sum calculated here from the tokens, to the nano-dollar.
/// </summary>
public sealed class ImportOfRealCallsTests : IAsyncLifetime, IDisposable
{
    // 3 dollars per million context tokens and 15 per million generated ones, in nano-dollars for each.
    private const long ContextPrice = 3_000;
    private const long GeneratedPrice = 15_000;
    private const decimal NanoDollarsPerCent = 10_000_000;
    private const int Users = 40;

    private readonly LedgerService _service = new();
    private readonly ScratchDirectory _scratch = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task The_ledger_shows_what_the_calls_cost_to_the_nano_dollar_and_a_second_import_moves_nothing()
    {
        var calls = RealCalls.Read();
        var nanoDollars = calls.Sum(NanoDollars);
        var costCents = nanoDollars / NanoDollarsPerCent;
        for (var user = 0; user < Users; user++)
            (await _service.PostAsync("/grants", new { user_id = UserOf(user), amount_cents = 100_000 }, $"g{user}"))
                .Expect(201);
        var file = _scratch.Write("calls.csv", ToCsv(calls));

        var first = await FaRun.OfAsync(FaRun.Beside(_service), "usage", "import", file);

        var count = calls.Count.ToString("#,##0", CultureInfo.InvariantCulture);
        var dollars = (nanoDollars / 1_000_000_000m).ToString("#,##0.00#######", CultureInfo.InvariantCulture);
        first.ShouldBe(
            new FaRun(0, $"{count} rows: {count} recorded, 0 already there, 0 refused; ${dollars} recorded\n", ""));
        (await BalanceOfAsync("expense:api")).ShouldBe(costCents);
        (await _service.GetAsync("/ledger/headroom")).Amount("liability_cents").ShouldBe((Users * 100_000) - costCents);
        foreach (var (user, index) in (await _service.GetAsync("/users")).List("users")
            .Select((user, index) => (user, index)))
            user.GetProperty("total_spent_cents").GetDecimal()
                .ShouldBe(
                    calls.Where((_, call) => call % Users == index).Sum(NanoDollars) / NanoDollarsPerCent,
                    user.ToString());
        var footprint = await _service.Database.FootprintAsync();

        var second = await FaRun.OfAsync(FaRun.Beside(_service), "usage", "import", file, "--batch-size", "1000");

        second.ShouldBe(
            new FaRun(0, $"{count} rows: 0 recorded, {count} already there, 0 refused; $0.00 recorded\n", ""));
        (await _service.Database.FootprintAsync()).ShouldBe(footprint);
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Rows_that_the_service_refuses_are_told_by_line_and_the_rest_is_recorded()
    {
        await _service.UserAsync(10, "rich");
        var file = _scratch.Write("mixed.csv", "user_id,amount_cents,request_id,occurred_at\n"
            + "rich,1,a,2025-01-31 12:00:00+00\npoor,1,b,\nrich,0.00000001,c,\nri ch,1,d,\nrich,2,a,\nrich,2,e,\n");

        var run = await FaRun.OfAsync(
            FaRun.Beside(_service) with { WorkingDirectory = _scratch.Path }, "usage", "import", "mixed.csv");

        run.ExitCode.ShouldBe(1);
        run.Stdout.ShouldBe("6 rows: 2 recorded, 0 already there, 4 refused; $0.03 recorded\n");
        run.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => string.Join(':', line.Split(':')[..3])).ShouldBe([
                "mixed.csv:3: insufficient-credit", "mixed.csv:4: validation-failed",
                "mixed.csv:5: validation-failed", "mixed.csv:6: duplicate-row"]);
        (await _service.BalanceAsync("rich")).ShouldBe(7);
    }

    [Fact]
    public async Task An_export_is_recorded_once_and_an_amount_that_has_changed_since_is_refused()
    {
        await _service.UserAsync(1000, "ops@example.test");
        const string Header = "start_time,end_time,amount_value,amount_currency,line_item,user_email\n";
        const string First = "1746921600,1747008000,0.004127350000000000000000000000,usd,,ops@example.test\n";
        const string Second = "1747008000,1747094400,1.5,usd,\"gpt-4o, input\",ops@example.test\n";

        (await ImportAsync("openai", Header + First + Second))
            .ShouldBe(new FaRun(0, "2 rows: 2 recorded, 0 already there, 0 refused; $1.50412735 recorded\n", ""));
        (await ImportAsync("openai", Header + First + Second))
            .ShouldBe(new FaRun(0, "2 rows: 0 recorded, 2 already there, 0 refused; $0.00 recorded\n", ""));
        var changed = await ImportAsync(
            "openai", Header + First + Second.Replace("1.5", "1.6", StringComparison.Ordinal));

        changed.Stdout.ShouldBe("2 rows: 0 recorded, 1 already there, 1 refused; $0.00 recorded\n");
        changed.Stderr.ShouldStartWith("export.csv:3: idempotency-key-reused: ");
        (await _service.BalanceAsync("ops@example.test")).ShouldBe(849.587265m);
        await _service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_days_sum_of_short_prompts_is_priced_as_short_prompts()
    {
        await _service.UserAsync(1000, "planner");
        (await _service.PostAsync("/prices/import", """
            {"claude-sonnet-4-5":{"litellm_provider":"anthropic","mode":"chat",
             "input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,
             "input_cost_per_token_above_200k_tokens":6e-06,"output_cost_per_token_above_200k_tokens":2.25e-05}}
            """)).Expect(200);
        const string Header =
            "usage_date_utc,model_version,api_key,usage_type,context_window,usage_input_tokens_no_cache,"
            + "usage_input_tokens_cache_write_5m,"
            + "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count\n";

        var run = await ImportAsync(
            "anthropic", Header + "2025-05-11,claude-sonnet-4-5,planner,standard,≤ 200k,1000000,0,0,0,1000,0\n");

        run.ShouldBe(new FaRun(0, "6 rows: 6 recorded, 0 already there, 0 refused; $3.015 recorded\n", ""));
        (await _service.BalanceAsync("planner")).ShouldBe(698.5m);
    }

    private Task<FaRun> ImportAsync(string format, string file)
    {
        _scratch.Write("export.csv", file);
        return FaRun.OfAsync(
            FaRun.Beside(_service) with { WorkingDirectory = _scratch.Path },
            "usage", "import", "export.csv", "--format", format);
    }

    private static string UserOf(int call) => $"azure:{call % Users:00}";

    private static long NanoDollars(RealCall call) =>
        (call.ContextTokens * ContextPrice) + (call.GeneratedTokens * GeneratedPrice);

    private static string ToCsv(IReadOnlyList<RealCall> calls)
    {
        var csv = new StringBuilder("user_id,amount_cents,request_id,prompt_tokens,completion_tokens,occurred_at\n");
        foreach (var (call, index) in calls.Select((call, index) => (call, index)))
        {
            // Calculates the price independently of the sum above: in decimal cents per token.
            var amountCents = (call.ContextTokens * 0.0003m) + (call.GeneratedTokens * 0.0015m);
            csv.Append(CultureInfo.InvariantCulture,
                $"{UserOf(index)},{amountCents},call-{index},{call.ContextTokens},{call.GeneratedTokens},"
                    + $"{call.Time}\n");
        }
        return csv.ToString();
    }

    private async Task<decimal> BalanceOfAsync(string account) =>
        (await _service.GetAsync("/ledger/balances?type=expense")).List("accounts")
        .Single(a => a.GetProperty("account").GetString() == account).GetProperty("balance_cents").GetDecimal();
}
