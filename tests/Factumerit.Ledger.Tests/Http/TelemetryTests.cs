using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Factumerit.Ledger.Tests.Database;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>With OTEL_EXPORTER_OTLP_ENDPOINT set, a collector receives the writer's figures, and traces.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private static readonly string[] Names =
    [
        "factumerit-ledger", "ledger.writer.queue.length", "ledger.writer.batch.size", "ledger.writer.commit.duration",
        "ledger.writer.guesses", "ledger.refusals", "insufficient-credit", "http.server.request.duration",
    ];

    private const int Crowd = 16;
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string MasterKey = "sk-master-of-the-gateway";

    private readonly TestDatabase _database = new();

    public Task InitializeAsync() => _database.InitializeAsync();

    public Task DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task The_writers_instruments_reach_a_collector_by_OTLP()
    {
        var received = new ConcurrentQueue<string>();
        await using var collector = await CollectAsync(received, new());
        await using var service = Start(collector);
        using var client = await ConnectAsync(service);
        (await PostAsync(client, "/usage", """{"user_id":"alice","amount_cents":1,"request_id":"one"}"""))
            .ShouldBe(HttpStatusCode.PaymentRequired);
        (await PostAsync(client, "/grants", """{"user_id":"alice","amount_cents":1000000}"""))
            .ShouldBe(HttpStatusCode.Created);
        (await PostAsync(client, "/usage", """{"user_id":"alice","amount_cents":1,"request_id":"two"}"""))
            .ShouldBe(HttpStatusCode.Created);

        // A call is decided on a cached balance within a second of the commit that read it, and only if it changes that
        // balance. On a busy machine only concurrent calls are that close.
        var calls = 0;
        await Chaos.ServiceProcess.UntilAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(calls++ * Crowd, Crowd).Select(n =>
                PostAsync(
                    client, "/usage", $$"""{"user_id":"alice","amount_cents":0.001,"request_id":"more {{n}}"}""")));
            return Names.All(string.Concat(received).Contains);
        });
        (await service.StopAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_usage_is_one_trace_from_the_request_to_the_database()
    {
        var received = new ConcurrentQueue<string>();
        var traces = new ConcurrentQueue<byte[]>();
        await using var collector = await CollectAsync(received, traces);
        await using var service = Start(collector);
        using var client = await ConnectAsync(service);
        (await PostAsync(client, "/grants", """{"user_id":"alice","amount_cents":1000000}"""))
            .ShouldBe(HttpStatusCode.Created);
        client.DefaultRequestHeaders.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
        (await PostAsync(client, "/usage", """{"user_id":"alice","amount_cents":1,"request_id":"one"}"""))
            .ShouldBe(HttpStatusCode.Created);
        await PostAsync(
            client, "/intake/litellm/reconcile", """{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}""");
        await client.GetAsync(new Uri("/health/ready", UriKind.Relative));
        // Sends what is left.
        (await service.StopAsync()).ShouldBe(0);

        var all = traces.SelectMany(OtlpSpan.Read).ToList();
        all.ShouldNotContain(span => span.Name.Contains("/health/"));
        var spans = all.Where(span => span.TraceId == TraceId).ToList();
        var request = spans.Single(span => span.Name == "POST /usage/");
        request.ParentId.ShouldBe("b7ad6b7169203331");
        var commit = spans.Single(span => span.Name == "ledger.commit");
        commit.ParentId.ShouldBe(request.SpanId);
        spans.ShouldContain(span => span.Library == "Npgsql" && span.ParentId == commit.SpanId);
        spans.ShouldContain(span => span.Library == "System.Net.Http");
        service.Stdout.ShouldNotContain("/v1/traces", customMessage: "exports are not logged");
        var text = string.Concat(received);
        text.ShouldContain("/spend/logs");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(LedgerService.AdminKey)));
        foreach (var hidden in (string[])[LedgerService.AdminKey, hash, MasterKey, "start_date"])
            text.ShouldNotContain(hidden, Case.Insensitive);
        string.Concat(traces.Select(Encoding.Latin1.GetString)).ShouldNotContain("/health/ready");
    }

    private ServiceProcess Start(WebApplication collector) => ServiceProcess.Start(
        new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Urls.Single(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500"
        },
        "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={_database.ConnectionString}",
        $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}",
        // The collector knows none of LiteLLM's routes.
        $"--LiteLlm:BaseUrl={collector.Urls.Single()}", $"--LiteLlm:MasterKey={MasterKey}");

    private static async Task<HttpClient> ConnectAsync(ServiceProcess service)
    {
        var client = new HttpClient { BaseAddress = await service.UrlAsync() };
        client.DefaultRequestHeaders.Authorization = new("Bearer", LedgerService.AdminKey);
        client.DefaultRequestHeaders.Add("Idempotency-Key", "a key");
        return client;
    }

    private static async Task<HttpStatusCode> PostAsync(HttpClient client, string path, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        return (await client.PostAsync(new Uri(path, UriKind.Relative), body)).StatusCode;
    }

    // Protobuf keeps names as plain text.
    private static async Task<WebApplication> CollectAsync(
        ConcurrentQueue<string> received, ConcurrentQueue<byte[]> traces)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/v1/{kind}", async (HttpRequest request, string kind) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            received.Enqueue(Encoding.Latin1.GetString(body.ToArray()));
            if (kind == "traces")
                traces.Enqueue(body.ToArray());
        });
        await app.StartAsync();
        return app;
    }
}
