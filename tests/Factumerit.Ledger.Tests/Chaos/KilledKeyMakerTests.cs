using System.Net.Http.Json;
using Factumerit.Ledger.FakeLiteLlm;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;
using Npgsql;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// A service is killed between the steps of creating and blocking keys. Another service finishes the work, in the
/// ledger and at LiteLLM (R20).
/// </summary>
public sealed class KilledKeyMakerTests(LiteLlmService service) : IClassFixture<LiteLlmService>
{
    [Fact]
    public async Task R20_what_a_killed_service_left_half_done_is_finished()
    {
        await service.UserAsync(10, "alice");
        var blocked = await service.VirtualKeyAsync("alice");
        // It tells LiteLLM nothing by itself: its entries are another's to deliver.
        await using var killed = await ServiceProcess.StartAsync(
            Path.GetTempPath(), service.Database.ConnectionString,
            $"--LiteLlm:BaseUrl={service.Fake.Url}", $"--LiteLlm:MasterKey={FakeProxy.MasterKey}",
            "--LiteLlm:OutboxPollMs=0", "--LiteLlm:WatchSeconds=0");
        using var client = new HttpClient
        {
            BaseAddress = killed.Url,
            DefaultRequestHeaders = { { "Authorization", $"Bearer {ServiceProcess.AdminKey}" } }
        };
        (await client.PostAsJsonAsync("/usage", new { user_id = "alice", amount_cents = 10, request_id = "r" }))
            .EnsureSuccessStatusCode();
        service.Fake.Script("/key/generate", FakeTrouble.Slow, delayMs: 1_000);

        var making = client.PostAsJsonAsync("/virtual-keys", new { user_id = "alice", label = "half made" });
        await LiteLlmService.UntilAsync(() => service.Fake.RequestsTo("/key/generate") == 2);
        await using (await TakeTurnAsync())
        {
            // LiteLLM has made the key, and the service can't record it.
            await LiteLlmService.UntilAsync(() => KeysAtLiteLlm() == 2);
            await killed.KillAsync();
        }
        await Should.ThrowAsync<HttpRequestException>(() => making);

        await LiteLlmService.UntilAsync(() => service.Fake.Find(blocked.Hash)!.IsBlocked);
        (await service.Database.RowsAsync("SELECT status FROM virtual_keys ORDER BY created_at"))
            .ShouldBe(["active", "creating"]);
        await service.AgeAsync();
        (await service.Watch.RemoveOrphansAsync(CancellationToken.None)).ShouldBe(1);
        (await service.Database.RowsAsync("SELECT status FROM virtual_keys ORDER BY created_at"))
            .ShouldBe(["active", "failed"]);
        KeysAtLiteLlm().ShouldBe(1);
        foreach (var hidden in (string[])[FakeProxy.MasterKey, "sk-"])
            killed.Log.ShouldNotContain(hidden);
    }

    private int KeysAtLiteLlm()
    {
        lock (service.Fake.Keys)
            return service.Fake.Keys.Count;
    }

    // The writers' turn in a test's hand; whoever wants to commit waits until it is disposed.
    private async Task<NpgsqlConnection> TakeTurnAsync()
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(service.Database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE ledger_origin IN EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }
}
