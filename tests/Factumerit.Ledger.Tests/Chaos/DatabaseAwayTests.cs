namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>A database of somebody else's that goes away under load, and comes back when it comes back.</summary>
public sealed class DatabaseAwayTests(BadDay day) : IClassFixture<BadDay>
{
    [Fact]
    public async Task While_the_database_is_away_everything_is_answered_503_and_nothing_acknowledged_is_lost()
    {
        await using var server = await StoppableServer.StartAsync(day.DataDirectory);
        var service = await day.StartAsync(server.ConnectionString);
        var user = await day.UserAsync();

        foreach (var mode in (string[])["fast", "immediate"])
        {
            var before = day.Sender.Sent.Count(s => s.IsAcknowledged);
            using var enough = new CancellationTokenSource();
            var sending = day.Sender.SendUntilAsync(service.Url, user, enough.Token);
            await ServiceProcess.UntilAsync(() =>
                Task.FromResult(day.Sender.Sent.Count(s => s.IsAcknowledged) > before + 10));
            await server.StopAsync(mode);
            await service.UntilNotReadyAsync();

            (await day.Sender.SendAsync(service.Url, LoadSender.Usages(user, 1)[0])).Reply.ShouldNotBeNull()
                .ExpectProblem(503, "unavailable");
            foreach (var path in (string[])[$"/users/{user}", "/ledger/balances", "/ledger/integrity", "/api-keys"])
                (await day.Sender.GetAsync(service.Url, path)).ExpectProblem(503, "unavailable");
            (await day.Sender.GetAsync(service.Url, "/health/live")).Expect(200);

            await server.StartAgainAsync();
            await service.UntilReadyAsync();
            await enough.CancelAsync();
            await sending;
            day.Sender.Sent.ShouldAllBe(s => s.Reply != null);
            await day.SettleAsync(server.ConnectionString, user, [.. day.Sender.Sent]);
        }
        await service.EndAsync();
    }
}
