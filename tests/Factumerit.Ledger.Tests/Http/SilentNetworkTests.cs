using System.Diagnostics;
using Factumerit.Ledger.Tests.Writing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// A network that goes silent, where nothing is answered and nothing ends: reads and writes are 503 within 10 seconds,
/// and work again by themselves.
/// </summary>
public sealed class SilentNetworkTests : IAsyncLifetime
{
    private readonly BehindProxy _service = new();

    public sealed class BehindProxy : LedgerService
    {
        internal CuttingProxy Proxy { get; private set; } = null!;

        // Background checks would take part in what is measured.
        protected override string[] Configuration => ["--Integrity:IntervalSeconds=0"];

        protected override Task<string> ConnectAsync()
        {
            Proxy = new CuttingProxy(Database.ConnectionString);
            return Task.FromResult(Proxy.ConnectionString);
        }

        public override async Task DisposeAsync()
        {
            await Proxy.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task Reads_and_writes_are_503_within_10_seconds_and_health_within_5()
    {
        var user = await _service.UserAsync(100);
        string[] reads =
        [
            $"/users/{user}", "/users", "/ledger/balances", "/ledger/integrity", "/ledger/integrity?full=true",
            "/reports/margin",
            "/usage", "/api-keys",
        ];
        var usage = new { user_id = user, amount_cents = 1, request_id = "in silence" };
        // Connections that are pooled by now go silent in the middle; for the rest new ones are made, which nobody
        // answers.
        foreach (var path in reads[..4])
            (await _service.GetAsync(path)).Expect(200);

        _service.Proxy.GoSilent();
        var asked = reads.Select(path => TimeAsync(() => _service.GetAsync(path)))
            .Append(TimeAsync(() => _service.PostAsync("/usage", usage))).ToList();
        var health = await TimeAsync(() => _service.GetAsync("/health/ready"));

        health.Reply.Expect(503).ShouldRead(
            """{"status":"unhealthy","checks":{"database":"can't be reached","books":"not checked yet"}}""");
        health.Took.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        foreach (var (reply, took) in await Task.WhenAll(asked))
        {
            reply.ExpectProblem(503, "unavailable").RetryAfter.ShouldBe("1");
            took.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        }

        _service.Proxy.Open();
        await Chaos.ServiceProcess.UntilAsync(async () => (await _service.GetAsync("/health/ready")).Status == 200);
        (await _service.PostAsync("/usage", usage)).Expect(201).Amount("balance_cents").ShouldBe(99);
        foreach (var path in reads)
            await Chaos.ServiceProcess.UntilAsync(async () => (await _service.GetAsync(path)).Status == 200);
    }

    private static async Task<(Reply Reply, TimeSpan Took)> TimeAsync(Func<Task<Reply>> ask)
    {
        var watch = Stopwatch.StartNew();
        return (await ask(), watch.Elapsed);
    }
}
