using System.Text.Json;
using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Cli;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// LiteLLM beside the real service: its callbacks, and POST /intake/litellm/reconcile for the missing calls.
/// </summary>
public sealed class ReconcileTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly IntakeService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData("json_array", false)]
    [InlineData("ndjson", true)]
    [InlineData("single", false)]
    public async Task Callbacks_come_in_once_however_often_and_in_what_order_they_are_sent(string format, bool isOld)
    {
        var calls = await CallsAsync(60, isOld);
        (_service.Fake.LogFormat, _service.Fake.BatchSize) = (format, 7);
        _service.Fake.Script("callback", FakeTrouble.SendTwice);
        _service.Fake.Script("callback", FakeTrouble.SendBackwards);
        _service.Fake.Callback =
            (new Uri(_service.Url, "/intake/litellm"), await _service.KeyAsync("bot", mayIntake: true));

        await _service.Fake.MakeCallsAsync(calls);

        await ExpectAllAsync(calls);
        Figures(await ReconcileAsync()).ShouldBe([60, 0, 0, 0, 0, 0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_never_arrived_is_added_once(bool hasPages)
    {
        var calls = await CallsAsync(250, isOld: !hasPages);
        _service.Fake.HasPagedLogs = hasPages;
        _service.Fake.Callback = (new Uri(_service.Url, "/intake/litellm"), LedgerService.AdminKey);
        await _service.Fake.MakeCallsAsync(calls[..100]);
        _service.Fake.Callback = null;
        await _service.Fake.MakeCallsAsync([
            .. calls[100..], Of("failed") with { Status = "failure", CompletionTokens = 0 },
            Of("free") with { Model = Free, Provider = "ollama" }, Of("waits") with { Model = "nobody-knows" },
            Of("nobodys") with { Cost = 0.01m }]);

        Figures(await ReconcileAsync()).ShouldBe([100, 150, 3, 1, 0, 0]);
        await ExpectAllAsync(calls);
        Figures(await ReconcileAsync()).ShouldBe([253, 0, 0, 1, 0, 0]);
        await ExpectAllAsync(calls);
        (await _service.Database.RowsAsync(
            "SELECT request_id, review_reason FROM llm_usage WHERE billing_status = 'needs_review' ORDER BY 1"))
            .ShouldBe(["free|no-user", "nobodys|no-user", "waits|no-user"]);
    }

    [Fact]
    public async Task Costs_that_differ_are_told_and_left_alone()
    {
        await _service.SendAsync(
            Payload("same", null, "u", "0.00016500000000000002"), Payload("other", null, "u", "0.01"),
            Payload("unknown", null, "u", null, "nobody-knows"),
            Payload("theirs-unknown", null, "u", "0.03"));
        await _service.Fake.MakeCallsAsync([
            Of("same") with { Cost = 0.000165m }, Of("other") with { Cost = 0.011m },
            Of("unknown") with { Cost = 0.02m, Model = "nobody-knows" }, Of("theirs-unknown")]);

        var reply = await ReconcileAsync();

        // What was not known is no difference: it is added and billed.
        Figures(reply).ShouldBe([3, 1, 0, 0, 0, 1]);
        reply.List("differing")
            .Select(d => (d.GetProperty("external_id").GetString(), Usd(d, "ours_usd"), Usd(d, "theirs_usd")))
            .ShouldBe([("other", 0.01m, 0.011m)]);
        foreach (var difference in reply.List("differing"))
            (await _service.GetAsync($"/usage/{difference.GetProperty("usage_id").GetString()}"))
                .Expect(200).Text("external_id").ShouldBe(difference.GetProperty("external_id").GetString());
        (await _service.BalanceAsync("u")).ShouldBe(-1 - 2 - 3 - 0.0165m);
    }

    [Fact]
    public async Task A_spend_log_whose_id_says_nothing_is_matched_or_waits_and_is_never_billed_unseen()
    {
        var read = Payload(null, "batch-1", null, "0.42");
        (read["call_type"], read["startTime"]) = ("aretrieve_batch", Day.AddMinutes(30).ToUnixTimeSeconds());
        var nameless = Payload(null, "None", null, "0.03");
        nameless["startTime"] = Day.AddHours(1).ToUnixTimeSeconds();
        await _service.SendAsync(read, nameless);
        await _service.Fake.MakeCallsAsync([
            Of("hash-1") with { CallType = "aretrieve_batch", Cost = 0.42m },
            Of("hash-2") with { CallType = "aretrieve_batch", Cost = 0.9m },
            Of("nothing") with { CallType = "acreate_file", PromptTokens = 0, CompletionTokens = 0 },
            Of("uuid-1") with { Cost = 0.03m }]);

        Figures(await ReconcileAsync()).ShouldBe([2, 0, 1, 1, 0, 0]);
        Figures(await ReconcileAsync()).ShouldBe([3, 0, 0, 1, 0, 0]);
        (await _service.Database.RowsAsync(
            "SELECT left(request_id, 7), review_reason, provider_cost_usd FROM llm_usage ORDER BY provider_cost_usd"))
            .ShouldBe(["derived|no-user|0.03", "batch-1|no-user|0.42", "hash-2|retrieved|0.9"]);
    }

    [Fact]
    public async Task While_calls_come_in_nothing_is_added_twice()
    {
        var calls = await CallsAsync(400, isOld: false);
        await _service.Fake.MakeCallsAsync(calls);
        var live = calls.Chunk(40)
            .Select(some => _service.SendAsync([.. some.Select(c => c.ToPayload(_service.Fake.Find(c.Key)))]));

        var replies = await Task.WhenAll([.. live, ReconcileAsync(), ReconcileAsync()]);

        replies.Sum(r => r.Json.TryGetProperty("accepted", out var accepted)
            ? accepted.GetInt32() : r.Json.GetProperty("added").GetInt32()).ShouldBe(400);
        await ExpectAllAsync(calls);
    }

    [Fact]
    public async Task When_LiteLLM_fails_on_the_way_what_was_done_stays_done()
    {
        var calls = await CallsAsync(650, isOld: false);
        await _service.Fake.MakeCallsAsync(calls);
        // The pages before come first, and then it fails as often as it is asked.
        for (var page = 1; page <= 6; page++)
            _service.Fake.Script("/spend/logs/v2", FakeTrouble.Slow, delayMs: 1);
        _service.Fake.Script("/spend/logs/v2", FakeTrouble.Error, count: 3);

        (await PostAsync()).ExpectProblem(502, "litellm-failed").Text("detail").ShouldContain("LiteLLM answered 500");

        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage")).ShouldBe(600);
        Figures(await ReconcileAsync()).ShouldBe([600, 50, 0, 0, 0, 0]);
        await ExpectAllAsync(calls);
    }

    [Theory]
    [InlineData("{\"detail\":\"Not Found\"}", "that is not a page of spend logs")]
    [InlineData("", "that is not a page of spend logs")]
    [InlineData("{\"data\":[{\"request_id\":\"a\",\"spend\":0.01,\"user\":\"u\"}],\"total_pages\":3}",
        "with the rows of an earlier page")]
    public async Task An_answer_that_is_no_page_and_one_that_repeats_are_502(string body, string detail)
    {
        _service.Fake.LogsAnswer = _ => body;

        (await PostAsync()).ExpectProblem(502, "litellm-failed").Text("detail").ShouldContain($"{detail}");

        // What came before stays.
        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage"))
            .ShouldBe(body.Contains("request_id", StringComparison.Ordinal) ? 1 : 0);
    }

    [Fact]
    public async Task An_error_without_a_reason_is_a_sentence()
    {
        _service.Fake.LogsAnswer = _ => throw new InvalidOperationException("of a test");
        (await PostAsync()).ExpectProblem(502, "litellm-failed").Text("detail")
            .ShouldBe(
                "LiteLLM answered 500: no reason given. Calls recorded before that stay recorded. It is safe to run "
                + "again.");
    }

    [Fact]
    public async Task A_refusal_of_LiteLLM_is_502_and_tells_no_secret()
    {
        _service.Fake.Script("/spend/logs/v2", FakeTrouble.Cut, count: 3);
        (await PostAsync()).ExpectProblem(502, "litellm-failed").Body.ShouldNotContain(FakeProxy.MasterKey);
    }

    [Theory]
    [InlineData("{}", "from", "to")]
    [InlineData("""{"from":"2026-03-01"}""", "to")]
    [InlineData("""{"from":"2026-03-01","to":"2026-03-01"}""", "to")]
    [InlineData("""{"from":"2026-03-01","to":"2026-04-01T00:00:01Z"}""", "to")]
    [InlineData("""{"from":"yesterday","to":"2026-04-01"}""", "from")]
    public async Task The_span_must_be_one(string body, params string[] fields) =>
        (await _service.PostAsync("/intake/litellm/reconcile", body)).ExpectErrors(fields);

    [Fact]
    public async Task Fa_goes_day_by_day_and_says_what_it_found()
    {
        var calls = await CallsAsync(30, isOld: false);
        await _service.Fake.MakeCallsAsync([.. calls, Of("other") with { Cost = 0.02m, StartTime = Day.AddDays(1) }]);
        await _service.SendAsync(Payload("other", null, "u", "0.01"));
        string[] arguments = ["litellm", "reconcile", "--from", "2026-03-01", "--to", "2026-03-03T12:00:00Z"];

        var first = await FaRun.OfAsync(FaRun.Beside(_service), arguments);
        var second = await FaRun.OfAsync(FaRun.Beside(_service), [.. arguments, "--json"]);

        var usage = (await _service.Database.RowsAsync("SELECT id FROM llm_usage WHERE request_id = 'other'")).Single();
        first.ShouldBe(new FaRun(0, $"""
            CALL   USAGE                                 COST HERE  COST AT LITELLM
            other  {usage}      $0.01            $0.02

            1 matched (1 with a different cost), 30 added, 0 added for review, 0 skipped, 0 failed

            """, ""));
        var told = JsonElement.Parse(second.Stdout);
        (told.GetProperty("matched").GetInt32(), told.GetProperty("added").GetInt32()).ShouldBe((31, 0));
        _service.Fake.RequestsTo("/spend/logs/v2").ShouldBeGreaterThanOrEqualTo(6);
        (await FaRun.OfAsync(FaRun.Beside(_service), "litellm", "reconcile", "--from", "2026-03-03",
            "--to", "2026-03-01")).ExitCode.ShouldBe(2);
        (await FaRun.OfAsync(FaRun.Beside(_service), "litellm", "reconcile", "--from", "2026-03-03", "--to", "soon"))
            .ExitCode.ShouldBe(2);
    }

    // Two users, one with a key of ours; costs in part left to the price book.
    private async Task<List<FakeCall>> CallsAsync(int count, bool isOld)
    {
        using var client =
            new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", FakeProxy.MasterKey) } };
        var secrets = new List<string>();
        foreach (var user in (string[])["told", "owner"])
        {
            using var answer = await client.PostAsync($"{_service.Fake.Url}/key/generate", new StringContent(
                $$"""{"user_id":"{{user}}","key_alias":"{{user}}"}""", System.Text.Encoding.UTF8, "application/json"));
            secrets.Add(JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("key").GetString()!);
        }
        await _service.KnowKeyAsync(FakeKey.HashOf(secrets[1]), "owner");
        return [.. Enumerable.Range(0, count).Select(n => new FakeCall
        {
            Key = secrets[n % 2],
            CallId = $"call-{n}",
            ResponseId = $"response-{n}",
            Model = Known,
            Provider = "openai",
            Cost = n % 3 == 0 ? 0 : 0.00000001m * n,
            PromptTokens = 1_000 + n,
            CompletionTokens = n,
            IsOld = isOld,
            StartTime = Day.AddMinutes(n),
            Prompt = Payloads.Secret,
        })];
    }

    private async Task ExpectAllAsync(List<FakeCall> calls)
    {
        var index = calls.Select((call, number) => (call, number)).ToList();
        foreach (var (user, remainder) in ((string, int)[])[("told", 0), ("owner", 1)])
            (await _service.BalanceAsync(user))
                .ShouldBe(-index.Where(c => c.number % 2 == remainder).Sum(c => 100 * CostOf(c.call)));
        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage WHERE billing_status = 'billed'"))
            .ShouldBe(calls.Count);
        await _service.Database.AssertIntegrityAsync();
    }

    private static decimal CostOf(FakeCall call) =>
        call.Cost > 0 ? call.Cost : (call.PromptTokens * 0.000000003m) + (call.CompletionTokens * 0.000000015m);

    private static FakeCall Of(string id) => new()
    {
        CallId = id,
        Model = Known,
        Provider = "openai",
        StartTime = Day.AddHours(1),
        PromptTokens = 100,
        CompletionTokens = 10
    };

    private async Task<Reply> ReconcileAsync() => (await PostAsync()).Expect(200);

    private Task<Reply> PostAsync() =>
        _service.PostAsync("/intake/litellm/reconcile", new { from = "2026-03-01T00:00:00Z", to = "2026-03-03" });

    private static decimal? Usd(JsonElement item, string name) =>
        item.GetProperty(name) is { ValueKind: JsonValueKind.Number } usd ? usd.GetDecimal() : null;

    private static int[] Figures(Reply reply) =>
        [.. ((string[])["matched", "added", "needs_review", "skipped", "failed_count", "differing_count"])
            .Select(name => reply.Json.GetProperty(name).GetInt32())];
}

/// <summary>Without a LiteLLM there is nobody to ask.</summary>
public sealed class ReconcileWithoutLiteLlmTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task It_is_told_what_to_configure() =>
        (await service.PostAsync("/intake/litellm/reconcile", new { from = "2026-03-01", to = "2026-03-02" }))
            .ShouldBeProblem(
                409, "litellm-not-configured", "LiteLLM is not configured",
                "LiteLLM is not configured: set LiteLlm:BaseUrl and LiteLlm:MasterKey, and restart the service.");
}
