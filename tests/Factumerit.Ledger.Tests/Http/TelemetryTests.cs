using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Factumerit.Ledger.Tests.Database;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>With OTEL_EXPORTER_OTLP_ENDPOINT set, a collector is told the writer's figures.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private static readonly string[] Names =
    [
        "factumerit-ledger", "ledger.writer.queue.length", "ledger.writer.batch.size", "ledger.writer.commit.duration",
        "ledger.writer.guesses", "ledger.refusals", "insufficient-credit", "http.server.request.duration",
    ];

    private const int Crowd = 16;

    private readonly TestDatabase _database = new();

    public Task InitializeAsync() => _database.InitializeAsync();

    public Task DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task The_writers_instruments_reach_a_collector_by_OTLP()
    {
        var received = new ConcurrentQueue<string>();
        await using var collector = await CollectAsync(received);
        await using var service = ServiceProcess.Start(
            new Dictionary<string, string>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Urls.Single(),
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "500"
            },
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={_database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}");
        using var client = new HttpClient
        {
            BaseAddress = await service.UrlAsync(),
            DefaultRequestHeaders = { Authorization = new("Bearer", LedgerService.AdminKey) }
        };
        client.DefaultRequestHeaders.Add("Idempotency-Key", "a key");
        (await PostAsync("/usage", """{"user_id":"alice","amount_cents":1,"request_id":"one"}"""))
            .ShouldBe(HttpStatusCode.PaymentRequired);
        (await PostAsync("/grants", """{"user_id":"alice","amount_cents":1000000}""")).ShouldBe(HttpStatusCode.Created);
        (await PostAsync("/usage", """{"user_id":"alice","amount_cents":1,"request_id":"two"}"""))
            .ShouldBe(HttpStatusCode.Created);

        // A call is decided on a cached balance within a second of the commit that read it, and only if it changes that
        // balance. On a busy machine only concurrent calls are that close.
        var calls = 0;
        await Chaos.ServiceProcess.UntilAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(calls++ * Crowd, Crowd).Select(n =>
                PostAsync("/usage", $$"""{"user_id":"alice","amount_cents":0.001,"request_id":"more {{n}}"}""")));
            return Names.All(string.Concat(received).Contains);
        });
        (await service.StopAsync()).ShouldBe(0);

        async Task<HttpStatusCode> PostAsync(string path, string json)
        {
            using var body = new StringContent(json, Encoding.UTF8, "application/json");
            return (await client.PostAsync(new Uri(path, UriKind.Relative), body)).StatusCode;
        }
    }

    // Protobuf keeps names as plain text.
    private static async Task<WebApplication> CollectAsync(ConcurrentQueue<string> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/v1/metrics", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            received.Enqueue(Encoding.Latin1.GetString(body.ToArray()));
        });
        await app.StartAsync();
        return app;
    }
}
