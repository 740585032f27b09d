using System.Net.Http.Headers;
using Factumerit.Ledger.Tests.Http;
using Factumerit.Ledger.Tests.LiteLlm;
using Npgsql;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// A service is killed in the middle of an intake. Sending the intake again completes it and charges nothing twice
/// (R17).
/// </summary>
public sealed class KilledIntakeTests(BadDay day) : IClassFixture<BadDay>
{
    private const int Calls = 1_300;

    [Fact]
    public async Task R17_an_intake_that_was_cut_by_a_kill_is_sent_again_and_nothing_is_taken_twice()
    {
        var service = await day.StartAsync();
        var user = $"user-{Guid.NewGuid():N}";
        var lines = Enumerable.Range(0, Calls)
            .Select(n => Payload($"{user}-c{n}", $"{user}-r{n}", user, "0.01").ToJsonString()).ToList();
        using var body = new UnfinishedBody(string.Join('\n', lines.Take(1_100)) + '\n');
        using var client = new HttpClient
        {
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", ServiceProcess.AdminKey) }
        };
        var sending = client.PostAsync(new Uri(service.Url, "/intake/litellm"), body);

        await ServiceProcess.UntilAsync(async () => await RecordedAsync(user) > 0);
        await service.KillAsync();
        body.Break();
        await sending.ShouldThrowAsync<HttpRequestException>();

        service.Log.ShouldNotContain(Payloads.Secret);
        service = await day.StartAsync();
        var kept = (int)await RecordedAsync(user);
        kept.ShouldBeInRange(500, 1_000);
        using var answer = await client.PostAsync(
            new Uri(service.Url, "/intake/litellm"), new StringContent(string.Join('\n', lines)));
        Counts((await Reply.OfAsync(answer)).Expect(200)).ShouldBe([Calls - kept, kept, 0, 0, 0]);
        (await day.Sender.GetAsync(service.Url, $"/users/{user}")).Expect(200).Amount("balance_cents").ShouldBe(-Calls);
        LoadAuditor.ExpectBalanced(await day.Sender.GetAsync(service.Url, "/ledger/integrity"));
    }

    private async Task<long> RecordedAsync(string user)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(LoadAuditor.EmbeddedConnectionString(day.DataDirectory))
            {
                Pooling = false
            }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
