using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Factumerit.Ledger.FakeLiteLlm;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>The fake LiteLLM, so that what is proved with it is proved of something like LiteLLM.</summary>
public sealed class FakeProxyTests : LiteLlmUnderTest
{
    private readonly HttpClient _http = new();

    [Fact]
    public async Task An_error_comes_in_LiteLLMs_envelope()
    {
        var (status, body) = await AskAsync(HttpMethod.Get, "/key/info?key=unknown");

        status.ShouldBe(404);
        body["error"]!.AsObject().Select(f => f.Key).ShouldBe(["message", "type", "param", "code"]);
        body["error"]!["code"]!.GetValue<string>().ShouldBe("404");
    }

    [Fact]
    public async Task Nobody_gets_in_without_the_master_key()
    {
        using var answer = await _http.GetAsync($"{Fake.Url}/spend/logs");

        ((int)answer.StatusCode).ShouldBe(401);
        (await answer.Content.ReadFromJsonAsync<JsonObject>())!["error"]!["type"]!.GetValue<string>()
            .ShouldBe("auth_error");
    }

    [Fact]
    public async Task A_key_can_be_changed_and_is_named_by_secret_or_hash()
    {
        var made = await MakeKeyAsync("vk-1");
        await MakeKeyAsync("vk-2");

        (await AskAsync(HttpMethod.Post, "/key/update", new { key = made.Secret, max_budget = 5, key_alias = "vk-3" }))
            .Body["max_budget"]!.GetValue<int>().ShouldBe(5);
        (await AskAsync(
            HttpMethod.Post, "/key/update", new { key = made.Hash, key_alias = "vk-2" })).Status.ShouldBe(400);
        (await AskAsync(HttpMethod.Post, "/key/block", new { key = made.Secret })).Body["blocked"]!.GetValue<bool>()
            .ShouldBeTrue();
        (await AskAsync(HttpMethod.Get, $"/key/info?key={made.Hash}")).Body["info"]!["key_alias"]!.GetValue<string>()
            .ShouldBe("vk-3");
    }

    [Fact]
    public async Task Spend_logs_are_summed_up_by_day_unless_told_otherwise()
    {
        var day = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        await Fake.MakeCallsAsync([new FakeCall { StartTime = day, Cost = 0.25m, Model = "m" },
            new FakeCall { StartTime = day, Cost = 0.5m, Model = "m" }]);
        const string dates = "start_date=2026-03-01&end_date=2026-03-02";

        var sums = (await AskAsync(HttpMethod.Get, $"/spend/logs?{dates}")).Json.AsArray().ShouldHaveSingleItem()!;
        var rows = (await AskAsync(HttpMethod.Get, $"/spend/logs?{dates}&summarize=false")).Json.AsArray();

        sums["models"]!["m"]!.GetValue<decimal>().ShouldBe(0.75m);
        rows.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Callbacks_come_in_each_format_twice_and_backwards_on_demand()
    {
        await using var receiver = await Receiver.StartAsync();
        Fake.Callback = (new Uri(receiver.Url), "the-key");
        Fake.BatchSize = 2;
        FakeCall[] calls = [new() { CallId = "a" }, new() { CallId = "b" }, new() { CallId = "c" }];

        foreach (var format in (string[])["json_array", "ndjson", "single"])
        {
            Fake.LogFormat = format;
            await Fake.MakeCallsAsync(calls);
        }
        Fake.LogFormat = "json_array";
        Fake.Script("callback", FakeTrouble.SendTwice);
        Fake.Script("callback", FakeTrouble.SendBackwards);
        await Fake.MakeCallsAsync(calls);

        var outlines = new List<string>();
        foreach (var body in receiver.Bodies)
            outlines.Add(string.Join(',', await Payloads.OutlineAsync(body)));
        outlines.ShouldBe(["a,b", "c", "a,b", "c", "a", "b", "c", "c", "c", "a,b", "a,b"]);
        receiver.Keys.Distinct().ShouldBe(["Bearer the-key"]);
    }

    [Fact]
    public async Task It_is_told_what_to_do_over_HTTP_too()
    {
        await using var receiver = await Receiver.StartAsync();
        await FakeAsync("settings",
            new { callback_url = receiver.Url, callback_key = "k", log_format = "single", has_paged_logs = false });
        await FakeAsync("script", new { path = "/spend/logs", trouble = "busy", retry_after_seconds = 9 });
        await FakeAsync("calls", new[] { new { call_id = "a", cost = 0.125, prompt = "hello" } });

        (await Payloads.OutlineAsync(receiver.Bodies.ShouldHaveSingleItem())).ShouldBe(["a"]);
        (await AskAsync(HttpMethod.Get, "/spend/logs/v2")).Status.ShouldBe(404);
        (await AskAsync(HttpMethod.Get, "/spend/logs")).Status.ShouldBe(429);
        var state = (await _http.GetFromJsonAsync<JsonObject>($"{Fake.Url}/fake/state"))!;
        state["calls"]!.GetValue<int>().ShouldBe(1);
        state["requests"]!["/spend/logs"]!.GetValue<int>().ShouldBe(1);
    }

    private async Task FakeAsync(string path, object body)
    {
        using var answer = await _http.PostAsJsonAsync($"{Fake.Url}/fake/{path}", body);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }

    private async Task<Answer> AskAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, Fake.Url + path)
        {
            Content = body is null ? null : JsonContent.Create(body)
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", FakeProxy.MasterKey);
        using var answer = await _http.SendAsync(request);
        return new Answer((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    private sealed record Answer(int Status, JsonNode Json)
    {
        public JsonObject Body => Json.AsObject();
    }

    /// <summary>Where callbacks arrive.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private Receiver(WebApplication app) => _app = app;

        public List<string> Bodies { get; } = [];

        public List<string> Keys { get; } = [];

        public string Url => _app.Urls.Single();

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var receiver = new Receiver(builder.Build());
            receiver._app.Run(async http =>
            {
                using var body = new StreamReader(http.Request.Body);
                receiver.Bodies.Add(await body.ReadToEndAsync());
                receiver.Keys.Add(http.Request.Headers.Authorization.ToString());
            });
            await receiver._app.StartAsync();
            return receiver;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
