using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.AspNetCore.Builder;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Live says that the process answers, ready says that it can work. Neither tells strangers anything else.
/// </summary>
public sealed class HealthTests
{
    private const string Nowhere = "Host=127.0.0.1;Port=1;Username=ledger;Password=not-to-be-told;Timeout=1";
    private static readonly AnswerRecorder Answers = new();

    [Fact]
    public async Task A_service_that_can_work_is_live_and_ready()
    {
        var connectionString = await TestServer.CreateDatabaseAsync();
        await using (var app = await StartAsync(connectionString))
        {
            (await GetAsync(app, "/health/live")).Expect(200).ShouldRead("""{"status":"healthy","checks":{}}""");
            (await GetAsync(app, "/health/ready")).Expect(200).ShouldRead(
                """{"status":"healthy","checks":{"database":"healthy","books":"not checked yet"}}""");
            (await GetAsync(app, "/health/ready", HttpMethod.Head)).Expect(200).Body.ShouldBeEmpty();
        }
        await TestServer.DropDatabaseAsync(connectionString);
    }

    [Fact]
    public void A_disk_without_room_is_full()
    {
        // A file system that has no room for anything.
        DiskSpace.IsFull("/proc").ShouldBeTrue();
        DiskSpace.IsFull(AppContext.BaseDirectory).ShouldBeFalse();
        DiskSpace.IsFull("/nowhere/at/all").ShouldBeFalse();
    }

    [Fact]
    public async Task A_database_without_the_schema_is_not_ready_until_it_is_migrated()
    {
        var connectionString = await TestServer.CreateEmptyDatabaseAsync();
        await using (var app = await StartAsync(connectionString))
        {
            (await GetAsync(app, "/health/live")).Expect(200);
            (await GetAsync(app, "/health/ready")).Expect(503).ShouldRead(
                """{"status":"unhealthy","checks":{"database":"not migrated","books":"not checked yet"}}""");

            await using (var database = new LedgerDatabase(connectionString))
                await Migrator.MigrateAsync(database, CancellationToken.None);

            // An answer holds for a second.
            await Chaos.ServiceProcess.UntilAsync(async () => (await GetAsync(app, "/health/ready")).Status == 200);
        }
        await TestServer.DropDatabaseAsync(connectionString);
    }

    [Fact]
    public async Task Without_a_database_the_service_is_live_not_ready_and_says_unavailable()
    {
        await using var app = await StartAsync(Nowhere);

        (await GetAsync(app, "/health/live")).Expect(200);
        var ready = (await GetAsync(app, "/health/ready")).Expect(503);
        ready.ShouldRead(
            """{"status":"unhealthy","checks":{"database":"can't be reached","books":"not checked yet"}}""");
        var users = (await GetAsync(app, "/users")).ExpectProblem(503, "unavailable");
        users.RetryAfter.ShouldBe("1");
        users.Body.ShouldNotContain("not-to-be-told");
    }

    private static async Task<WebApplication> StartAsync(string connectionString)
    {
        var app = Service.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={connectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}",
            "--Serilog:MinimumLevel:Default=Fatal"], Answers.Install);
        await Verbs.PrepareAsync(app, migrate: false, CancellationToken.None);
        await app.StartAsync();
        return app;
    }

    private static async Task<Reply> GetAsync(WebApplication app, string path, HttpMethod? method = null)
    {
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path)
        { Headers = { Authorization = new("Bearer", LedgerService.AdminKey) } };
        using var response = await client.SendAsync(request);
        var reply = await Reply.OfAsync(response);
        Answers.ShouldHaveSeenOnlyDeclaredAnswers();
        return reply;
    }
}
