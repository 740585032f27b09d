namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// The real service and its embedded database as processes, killed in the middle of a load. What was acknowledged is
/// stored once (R12), everything else is stored at most once and can be sent again (R9), and the books balance (R1, R2,
/// R3).
/// </summary>
public sealed class KilledServiceTests(BadDay day) : IClassFixture<BadDay>
{
    [Fact]
    public async Task R12_a_killed_service_has_kept_what_it_acknowledged()
    {
        var service = await day.StartAsync();
        var user = await day.UserAsync();

        var sending = day.Sender.SendAsync(service.Url, LoadSender.Usages(user, 500), parallel: 64);
        await ServiceProcess.UntilAsync(() => Task.FromResult(SentOf(user).Count(s => s.IsAcknowledged) > 50));
        await service.KillAsync();
        await sending;

        var sent = SentOf(user);
        sent.Count.ShouldBe(500);
        sent.ShouldContain(s => !s.IsAcknowledged);
        await day.StartAsync();
        await day.SettleAsync(LoadAuditor.EmbeddedConnectionString(day.DataDirectory), user, sent);
    }

    [Fact]
    public async Task R22_a_hold_outlives_a_service_that_is_killed_between_it_and_its_settle()
    {
        var service = await day.StartAsync();
        var user = await day.UserAsync(100);
        var holds = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => day.Sender.PostAsync(
            service.Url, "/holds", new { user_id = user, amount_cents = 5, external_id = $"{n}" })));
        await service.KillAsync();

        service = await day.StartAsync();

        (await day.Sender.GetAsync(service.Url, $"/users/{user}")).Expect(200).Amount("available_cents").ShouldBe(0);
        foreach (var (hold, n) in holds.Select((hold, n) => (hold.Expect(201), n)))
        {
            (await day.Sender.PostAsync(
                service.Url, "/holds", new { user_id = user, amount_cents = 5, external_id = $"{n}" }))
                .Body.ShouldBe(hold.Body);
            // The answer of the first is lost, as far as the bot knows, so it is sent again.
            for (var attempt = 0; attempt < 2; attempt++)
                (await day.Sender.PostAsync(service.Url, "/usage", new
                {
                    user_id = user,
                    amount_cents = 3,
                    request_id = $"{user} {n}",
                    hold_id = hold.Text("hold_id"),
                })).Expect(attempt == 0 ? 201 : 200);
        }
        var budget = (await day.Sender.GetAsync(service.Url, $"/users/{user}")).Expect(200);
        (budget.Amount("balance_cents"), budget.Amount("held_cents")).ShouldBe((40m, 0m));
        LoadAuditor.ExpectBalanced(await day.Sender.GetAsync(service.Url, "/ledger/integrity"));
    }

    [Theory]
    [InlineData(UnixSignal.Kill)]
    [InlineData(UnixSignal.Quit)] // what pg_ctl stop -m immediate sends
    [InlineData(UnixSignal.Interrupt)] // and -m fast
    public async Task A_database_that_ends_under_load_is_answered_503_and_comes_back_by_itself(UnixSignal signal)
    {
        var service = await day.StartAsync();
        var user = await day.UserAsync();
        using var enough = new CancellationTokenSource();
        var sending = day.Sender.SendUntilAsync(service.Url, user, enough.Token);
        await ServiceProcess.UntilAsync(() => Task.FromResult(SentOf(user).Any(s => s.IsAcknowledged)));
        var postmaster = ServiceProcess.PostmasterOf(day.DataDirectory).ShouldNotBeNull();

        Signals.Send(postmaster, signal);

        await ServiceProcess.UntilAsync(() =>
            Task.FromResult(ServiceProcess.PostmasterOf(day.DataDirectory) is { } next && next != postmaster));
        await service.UntilReadyAsync();
        var afterwards = LoadSender.Usages(user, 1)[0];
        await ServiceProcess.UntilAsync(async () =>
            (await day.Sender.SendAsync(service.Url, afterwards)).IsAcknowledged);
        await enough.CancelAsync();
        await sending;
        var sent = SentOf(user);
        sent.ShouldAllBe(s => s.Reply != null);
        sent.Where(s => s.Reply!.Status == 503)
            .ShouldAllBe(s => s.Reply!.ExpectProblem(503, "unavailable").RetryAfter == "1");
        await day.SettleAsync(LoadAuditor.EmbeddedConnectionString(day.DataDirectory), user, sent);
    }

    [Theory]
    [InlineData(UnixSignal.Terminate)]
    [InlineData(UnixSignal.Hangup)] // the terminal was closed
    public async Task A_service_that_is_told_to_end_under_load_ends_in_good_order(UnixSignal signal)
    {
        var service = await day.StartAsync();
        var user = await day.UserAsync();
        using var enough = new CancellationTokenSource();
        var sending = day.Sender.SendUntilAsync(service.Url, user, enough.Token);
        await ServiceProcess.UntilAsync(() => Task.FromResult(SentOf(user).Count(s => s.IsAcknowledged) > 20));

        var exitCode = await service.EndAsync(signal);
        await enough.CancelAsync();
        await sending;

        exitCode.ShouldBe(0, service.Log);
        ServiceProcess.PostmasterOf(day.DataDirectory).ShouldBeNull();
        var postgresLog = Path.Combine(day.DataDirectory, "postgres.log");
        var linesBefore = File.ReadLines(postgresLog).Count();
        await day.StartAsync();
        File.ReadLines(postgresLog).Skip(linesBefore)
            .ShouldNotContain(line => line.Contains("not properly shut down", StringComparison.Ordinal));
        await day.SettleAsync(LoadAuditor.EmbeddedConnectionString(day.DataDirectory), user, SentOf(user));
    }

    private List<SentUsage> SentOf(string user) => [.. day.Sender.Sent.Where(s => s.Usage.UserId == user)];
}
