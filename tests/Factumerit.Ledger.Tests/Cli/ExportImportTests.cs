using System.Text.Json;
using Factumerit.Ledger.Tests.Data;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>Imports providers' exports in their original form and checks what is sent for each row.</summary>
public sealed class ExportImportTests : IAsyncLifetime, IDisposable
{
    private const string OpenRouterHeader =
        "generation_id,created_at,cost_total,byok_usage_inference,tokens_prompt,tokens_completion,tokens_reasoning,"
        + "tokens_cached,model_permaslug,provider_name,user\n";
    private const string OpenAiHeader =
        "start_time,end_time,amount_value,amount_currency,line_item,project_id,user_email\n";
    private const string AnthropicHeader =
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
        + "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
        + "usage_output_tokens,web_search_count,inference_geo,speed\n";

    private readonly ScratchDirectory _scratch = new();
    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task OpenRouters_activity_costs_its_total_and_a_cancelled_call_counts()
    {
        var (run, sent) = await ImportFileAsync("openrouter_activity.csv", "openrouter");

        run.ShouldBe(new FaRun(0, "2 rows: 2 recorded, 0 already there, 0 refused; $0.02 recorded\n", ""));
        sent.ShouldBe([
            """
            {"user_id":"planner","request_id":"gen-1778544001-aaa","model":"openai/gpt-oss-120b",
            """
            + """
            "occurred_at":"2026-05-12 00:00:01.713","provider":"openrouter","provider_cost_usd":0.0171,
            """
            + """
            "prompt_tokens":9120,"completion_tokens":240}
            """,
            """
            {"user_id":"vikunja:alice","request_id":"gen-1778544002-bbb","model":"anthropic/claude-sonnet-4",
            """
            + """
            "occurred_at":"2026-05-12 00:00:02.010","provider":"openrouter","provider_cost_usd":0.000644300000,
            """
            + """
            "prompt_tokens":377,"completion_tokens":91,"cache_read_tokens":256,"reasoning_tokens":70}
            """,
        ]);
    }

    [Fact]
    public async Task What_a_provider_took_on_a_key_of_ones_own_is_a_usage_of_its_own()
    {
        var (run, sent) = await ImportAsync("openrouter", OpenRouterHeader +
            "gen-1,2026-05-12 00:00:01,0.0005,0.01,100,10,20,200,google/gemini-2.5-pro,Google AI Studio,alice\n"
            + "gen-2,2026-05-12 00:00:01,0,1e-3,1,1,,,m,知乎,alice\n");

        run.Stdout.ShouldStartWith("4 rows: 4 recorded");
        sent.ShouldBe([
            // A token count that exceeds its total is left out: the known cost is enough.
            """
            {"user_id":"alice","request_id":"gen-1","model":"google/gemini-2.5-pro","occurred_at":"2026-05-12 00:00:01",
            """
            + """
            "provider":"openrouter","provider_cost_usd":0.0005,"prompt_tokens":100,"completion_tokens":10}
            """,
            """
            {"user_id":"alice","request_id":"gen-1:byok","model":"google/gemini-2.5-pro",
            """
            + """
            "occurred_at":"2026-05-12 00:00:01","provider":"google-ai-studio","provider_cost_usd":0.01,
            """
            + """
            "description":"On a key of our own at the provider, through OpenRouter"}
            """,
            """
            {"user_id":"alice","request_id":"gen-2","model":"m","occurred_at":"2026-05-12 00:00:01",
            """
            + """
            "provider":"openrouter","provider_cost_usd":0,"prompt_tokens":1,"completion_tokens":1}
            """,
            """
            {"user_id":"alice","request_id":"gen-2:byok","model":"m","occurred_at":"2026-05-12 00:00:01",
            """
            + """
            "provider_cost_usd":1e-3,"description":"On a key of our own at the provider, through OpenRouter"}
            """,
        ]);
    }

    [Fact]
    public async Task Wrong_rows_of_an_export_are_told_by_line_and_stop_nobody()
    {
        var (run, sent) = await ImportAsync("openrouter", OpenRouterHeader +
            "gen-1,2026-05-12,0.1,0,1,1,,,m,P,\n,2026-05-12,0.1,0,1,1,,,m,P,alice\n"
            + "gen-3,2026-05-12,,0,1,1,,,m,P,alice\ngen-4,2026-05-12,0.1,x,1,1,,,m,P,alice\n"
            + "gen-5,2026-05-12,0.1,0,1.5,1,,,m,P,alice\ngen-6,2026-05-12,0.1,0,1,1,,,m,P,alice\n"
            + "gen-6,2026-05-12,0.1,0,1,1,,,m,P,alice\n");

        run.ShouldBe(new FaRun(1, "7 rows: 1 recorded, 0 already there, 6 refused; $0.01 recorded\n", """
            export:2: no-user: names no user: pass one with --user
            export:3: malformed-row: generation_id is empty
            export:4: malformed-row: cost_total is empty
            export:5: malformed-row: byok_usage_inference 'x' is not a number
            export:6: malformed-row: tokens_prompt '1.5' is not a whole number below 10^12
            export:8: duplicate-row: request_id gen-6 is already on line 7

            """));
        RequestIds(sent).ShouldBe(["gen-6"]);
    }

    [Fact]
    public async Task One_user_may_pay_for_all_rows()
    {
        var (_, sent) = await ImportFileAsync("openrouter_activity.csv", "openrouter", "--user", "team:ops");

        sent.Select(usage => JsonElement.Parse(usage).GetProperty("user_id").GetString())
            .ShouldBe(["team:ops", "team:ops"]);
    }

    [Fact]
    public async Task OpenAIs_costs_are_recorded_by_span_and_empty_spans_are_skipped()
    {
        var (run, sent) = await ImportFileAsync("openai_costs_dashboard.csv", "openai");

        run.ShouldBe(
            new FaRun(0, "1 row: 1 recorded, 0 already there, 0 refused; $0.01 recorded; 1 empty row skipped\n", ""));
        sent.Select(WithoutId).ShouldBe([
            """
            {"user_id":"ops@example.test","request_id":"openai-*","provider":"openai",
            """
            + """
            "provider_cost_usd":0.00412735000000000000,"occurred_at":"2026-05-12T00:00:00Z"}
            """]);
    }

    [Fact]
    public async Task A_page_of_OpenAIs_costs_is_read_and_says_when_more_follow()
    {
        var (run, sent) = await ImportFileAsync("openai_costs_api.json", "openai", "--user", "ops");

        run.ShouldBe(new FaRun(0, "1 row: 1 recorded, 0 already there, 0 refused; $0.01 recorded\n", ""));
        sent.Select(WithoutId).ShouldBe([
            """
            {"user_id":"ops","request_id":"openai-*","provider":"openai","provider_cost_usd":0.11,
            """
            + """
            "occurred_at":"2026-05-12T00:00:00Z"}
            """]);

        var (more, rest) = await ImportAsync("openai", "\ufeff  " + """
            {"object":"page","has_more":true,"next_page":"page_2","data":[
             {"start_time":1778457600,"end_time":1778544000,"results":[]},
             {"start_time":1778544000,"end_time":1778630400,"results":[
              {"amount":{"value":"0.06000000000000000123456789","currency":"USD"},
               "line_item":"gpt-4o-2024-08-06, input","project_id":"proj_1","user_id":"user-1"},
              {"amount":{"value":1.5e-3,"currency":"eur"},"user_id":"user-1"},
              {"input_tokens":5}]}]}
            """);

        more.ShouldBe(new FaRun(
            1, "3 rows: 1 recorded, 0 already there, 2 refused; $0.01 recorded; 1 empty row skipped\n", """
            export:result 3: malformed-row: amount_currency 'eur' is not usd
            export:result 4: malformed-row: has no amount: the file must be a page of costs
            export: is only one page of several: request page=page_2 from the API and import it too.

            """));
        rest.Select(WithoutId).ShouldBe([
            """
            {"user_id":"user-1","request_id":"openai-*","provider":"openai","provider_cost_usd":0.06000000000000000123,
            """
            + """
            "model":"gpt-4o-2024-08-06","description":"gpt-4o-2024-08-06, input","reference_id":"proj_1",
            """
            + """
            "occurred_at":"2026-05-12T00:00:00Z"}
            """]);
    }

    [Fact]
    public async Task Anthropics_days_are_sent_with_all_that_a_price_depends_on()
    {
        var (run, sent) = await ImportFileAsync("anthropic_usage.csv", "anthropic");

        run.ExitCode.ShouldBe(0);
        sent.Select(WithoutId).ShouldBe([
            """
            {"user_id":"planner","request_id":"anthropic-*","model":"claude-sonnet-4-20250514","provider":"anthropic",
            """
            + """
            "prompt_tokens":77500,"completion_tokens":4100,"cache_read_tokens":5300,"cache_write_tokens":1200,
            """
            + """
            "usage":{"input_tokens":71000,"cache_read_input_tokens":5300,"cache_creation_input_tokens":1200,
            """
            + """
            "cache_creation":{"ephemeral_5m_input_tokens":1200,"ephemeral_1h_input_tokens":0},"output_tokens":4100,
            """
            + """
            "service_tier":"standard","server_tool_use":{"web_search_requests":3}},"reference_id":"Default",
            """
            + """
            "occurred_at":"2026-05-11"}
            """,
            """
            {"user_id":"planner","request_id":"anthropic-*","model":"claude-haiku-4-5-20251001","provider":"anthropic",
            """
            + """
            "prompt_tokens":230900,"completion_tokens":1800,"cache_read_tokens":0,"cache_write_tokens":900,
            """
            + """
            "usage":{"input_tokens":230000,"cache_read_input_tokens":0,"cache_creation_input_tokens":900,
            """
            + """
            "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":900},"output_tokens":1800,
            """
            + """
            "service_tier":"batch"},"reference_id":"Default","occurred_at":"2026-05-11"}
            """,
        ]);
    }

    [Theory]
    [InlineData("≤ 200k", 200_000, 1)]
    [InlineData("≤ 200k", 200_001, 2)]
    [InlineData("≤ 200k", 1_000_003, 6)]
    [InlineData("> 200k", 1_000_003, 1)]
    [InlineData("> 200k", 5_000_000_000, 3)]
    public async Task A_sum_of_short_prompts_is_never_sent_as_a_long_one_and_nothing_is_lost_in_its_parts(
        string contextWindow, long prompt, int parts)
    {
        long[] counts = [prompt - 3_007, 1_001, 2, 2_004, 12_345, 7];

        var (run, sent) = await ImportAsync("anthropic", AnthropicHeader +
            $"2026-05-11,claude-sonnet-4-5,alice,Default,standard,{contextWindow},"
            + $"{string.Join(',', counts)},not_available,\n");

        run.ExitCode.ShouldBe(0);
        sent.Count.ShouldBe(parts);
        var usages = sent.Select(usage => JsonElement.Parse(usage)).ToList();
        usages.ShouldAllBe(
            usage => usage.GetProperty("prompt_tokens").GetInt64() > 200_000 == (contextWindow == "> 200k"));
        usages.ShouldAllBe(usage => usage.GetProperty("prompt_tokens").GetInt64() <= int.MaxValue);
        Sum("prompt_tokens").ShouldBe(prompt);
        Sum("completion_tokens").ShouldBe(12_345);
        Sum("cache_read_tokens").ShouldBe(2_004);
        Sum("cache_write_tokens").ShouldBe(1_003);
        usages.Sum(usage => usage.GetProperty("usage").GetProperty("cache_creation")
            .GetProperty("ephemeral_1h_input_tokens").GetInt64()).ShouldBe(2);
        usages.Count(usage => usage.GetProperty("usage").TryGetProperty("server_tool_use", out _)).ShouldBe(1);
        RequestIds(sent).Distinct().Count().ShouldBe(parts);

        long Sum(string field) => usages.Sum(usage => usage.GetProperty(field).GetInt64());
    }

    [Fact]
    public async Task What_the_price_book_can_not_know_waits_under_a_name_of_its_own_or_is_refused()
    {
        const string Counts = "250000,0,0,0,1,0";
        var (run, sent) = await ImportAsync("anthropic", AnthropicHeader +
            $"2026-05-11,opus,alice,D,standard,> 200k,{Counts},us,fast\n"
            + $"2026-05-11,opus,alice,D,standard,> 200k,{Counts},global,standard\n"
            + $"2026-05-11,opus,alice,D,standard,,{Counts},,\n2026-05-11,opus,alice,D,standard,> 200k,9,0,0,0,1,0,,\n"
            + "2026-05-11,opus,alice,D,standard,≤ 200k,0,0,0,0,0,0,,\n"
            + $"2026-06-01,opus,alice,D,standard,> 200k,{Counts},,\n"
            + $"yesterday,opus,alice,D,standard,> 200k,{Counts},,\n");

        run.ShouldBe(new FaRun(
            1, "6 rows: 2 recorded, 0 already there, 4 refused; $0.02 recorded; 1 empty row skipped\n", """
            export:4: malformed-row: context_window '' is neither ≤ 200k nor > 200k
            export:5: malformed-row: has 9 input tokens in total, but its context_window says > 200k for each request
            export:8: malformed-row: usage_date_utc 'yesterday' is not a date
            export:7: not-over: ends at 2026-06-02 00:00Z and is not final yet: import it from a later export

            """));
        sent.Select(usage => JsonElement.Parse(usage).GetProperty("model").GetString())
            .ShouldBe(["opus (speed fast, in us)", "opus"]);
    }

    [Fact]
    public async Task Ids_are_the_same_in_every_run_and_rows_of_one_name_are_numbered()
    {
        const string Rows = "1778457600,1778544000,0.5,usd,,,alice\n1778457600,1778544000,0.5,usd,,,alice\n"
            + "1778457600,1778544000,0.5,usd,,proj,alice\n";

        var first = RequestIds((await ImportAsync("openai", OpenAiHeader + Rows)).Sent);
        // A different amount, another user and additional rows do not change the ids.
        var second = RequestIds((await ImportAsync(
            "openai",
            OpenAiHeader + Rows.Replace("0.5", "0.6", StringComparison.Ordinal)
                + "1778544000,1778630400,1,usd,,,alice\n",
            "--user", "bob")).Sent);

        first.Distinct().Count().ShouldBe(3);
        first[1].ShouldBe(first[0] + "-2");
        second[..3].ShouldBe(first);
    }

    [Fact]
    public async Task A_span_that_is_not_over_is_left_for_a_later_export()
    {
        var (run, sent) = await ImportAsync("openai", OpenAiHeader + "1780185600,1780272000,0.5,usd,,,alice\n"
            + "1780272000,1780358400,0.5,usd,,,alice\nx,1780358400,0.5,usd,,,alice\n");

        run.ExitCode.ShouldBe(1);
        run.Stderr.ShouldBe("""
            export:3: not-over: ends at 2026-06-02 00:00Z and is not final yet: import it from a later export
            export:4: malformed-row: start_time and end_time must be Unix timestamps in seconds

            """);
        sent.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("openrouter", "generation_id,created_at,cost_total\n", "export: is not an activity export of "
        + "OpenRouter: its first line lacks the columns byok_usage_inference, tokens_prompt, tokens_completion, "
        + "model_permaslug.\n")]
    [InlineData("openai", "start_time,end_time,amount_value\n",
        "export: is not a costs export of OpenAI: its first line lacks the column amount_currency.\n")]
    [InlineData(
        "openai", "{\"object\":\"list\"}", "export: is not a page of OpenAI's costs: it has no array named data.\n")]
    [InlineData("anthropic", OpenAiHeader, "export: is not a usage export of Anthropic: its first line lacks the "
        + "columns usage_date_utc, model_version, api_key, usage_type, context_window, usage_input_tokens_no_cache, "
        + "usage_input_tokens_cache_write_5m, usage_input_tokens_cache_write_1h, usage_input_tokens_cache_read, "
        + "usage_output_tokens, web_search_count.\n")]
    public async Task A_file_of_another_kind_is_told_before_anything_is_sent(string format, string file, string stderr)
    {
        var (run, sent) = await ImportAsync(format, file);

        run.ShouldBe(new FaRun(1, "", stderr));
        sent.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_export_of_Windows_with_a_byte_order_mark_and_quoted_line_breaks_is_read()
    {
        var (run, sent) = await ImportAsync(
            "openai", "\ufeff" + OpenAiHeader.Replace("\n", "\r\n", StringComparison.Ordinal)
            + "1778457600,1778544000,0.5,usd,\"web,\r\nsearch\",,alice\r\n1778457600,1778544000,,,,,\r\n"
            + "1778457600,1778544000,x,usd,,,alice\r\n");

        run.Stderr.ShouldBe("export:5: malformed-row: amount_value 'x' is not a number\n");
        JsonElement.Parse(sent.Single()).GetProperty("description").GetString().ShouldBe("web,\r\nsearch");
    }

    private static List<string> RequestIds(IReadOnlyList<string> sent) =>
        [.. sent.Select(usage => JsonElement.Parse(usage).GetProperty("request_id").GetString()!)];

    private static string WithoutId(string usage) =>
        usage.Replace(RequestIds([usage])[0].Split('-')[1], "*", StringComparison.Ordinal);

    private Task<(FaRun Run, IReadOnlyList<string> Sent)> ImportFileAsync(
        string file, string format, params string[] options) =>
        ImportAsync(format, File.ReadAllText(RealCalls.PathOf($"exports/{file}")), options);

    // The clock stands at June 1st, 2026.
    private async Task<(FaRun Run, IReadOnlyList<string> Sent)> ImportAsync(
        string format, string file, params string[] options)
    {
        var earlier = _ledger.Requests.Count;
        _scratch.Write("export", file);
        _ledger.AnswersEachItem(
            """
            {"status":201,"usage":{"usage_id":"0190a1b2-0000-7000-8000-0000000000a1","amount_cents":1,
            """
            + """
            "billing_status":"billed"} }
            """);
        var environment = FaRun.Beside(_ledger) with
        {
            WorkingDirectory = _scratch.Path,
            Time = new InstantTime { Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero) },
        };
        var run = await FaRun.OfAsync(environment, ["usage", "import", "export", "--format", format, .. options]);
        return (run, [.. _ledger.Requests.Skip(earlier)
            .SelectMany(request => JsonElement.Parse(request.Body).EnumerateArray())
            .Select(usage => usage.GetRawText())]);
    }
}
