using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// R16: many reviewers at once, on two services that share a database. Each usage is decided once, and money moves
/// once.
/// </summary>
public sealed class ReviewRaceTests(TwoServices services) : IClassFixture<TwoServices>
{
    private const int Racers = 40;

    [Fact]
    public async Task R16_of_many_who_bill_or_waive_one_usage_one_wins_and_the_others_are_told()
    {
        for (var round = 0; round < 5; round++)
        {
            var user = await services.UserAsync(1000);
            var id = await WaitingAsync(user, "r");

            var replies = await RaceAsync(racer => racer % 3 == 0
                ? services.PostAsync(racer, $"/usage/{id}/waive", new { reason = $"Waiver {racer}" }, null)
                : services.PostAsync(
                    racer, $"/usage/{id}/bill", new { amount_cents = racer }, racer % 3 == 1 ? $"bill {racer}" : null));

            var winner = replies.Single(reply => reply.Status == 200);
            foreach (var loser in replies.Except([winner]))
                loser.ExpectProblem(409, "already-reviewed");
            var amountCents = winner.Text("billing_status") == "billed" ? winner.Amount("amount_cents") : 0;
            (await services.BalanceAsync(user)).ShouldBe(1000 - amountCents);
        }
        await services.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R9_one_bill_sent_by_many_at_once_is_posted_once_and_all_get_the_first_answer()
    {
        var user = await services.UserAsync(100);
        var id = await WaitingAsync(user, "r");

        var replies = await RaceAsync(racer =>
            services.PostAsync(racer, $"/usage/{id}/bill", new { amount_cents = 7 }, "one key"));

        replies.ShouldAllBe(reply => reply.Status == 200);
        replies.Count(reply => reply.Replayed).ShouldBe(Racers - 1);
        replies.Select(reply => reply.Body).Distinct().Count().ShouldBe(1);
        (await services.BalanceAsync(user)).ShouldBe(93);
        await services.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R16_pricing_again_several_times_at_once_bills_everything_once()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => services.UserAsync(1000)));
        (await services.PostAsync("/usage/batch", Enumerable.Range(0, 600).Select(i =>
            new
            {
                user_id = users[i % users.Length],
                request_id = $"call-{i}",
                billing_status = "needs_review",
                provider_cost_usd = 0.01m
            }))).Expect(200);

        var repricings = Enumerable.Range(0, 6)
            .Select(racer => services.PostAsync(racer, "/usage/reprice", new { }, null)).ToList();
        // Meanwhile others report, and somebody reviews by hand.
        var usages = RaceAsync(racer => services.PostAsync(racer, "/usage",
            new { user_id = users[racer % users.Length], request_id = $"more-{racer}", amount_cents = 1 }, null));
        var waiting = (await services.GetAsync("/usage?billing_status=needs_review&limit=20")).Expect(200)
            .List("usages").Select(u => u.GetProperty("usage_id").GetString());
        var waivers = await Task.WhenAll(waiting.Select((id, racer) =>
            services.PostAsync(racer, $"/usage/{id}/waive", new { reason = "ours" }, null)));
        var replies = await Task.WhenAll(repricings);

        (await usages).ShouldAllBe(reply => reply.Status == 201);
        replies.ShouldAllBe(reply => reply.Status == 200);
        waivers.ShouldAllBe(reply => reply.Status == 200 || reply.Status == 409);
        var waived = waivers.Count(reply => reply.Status == 200);
        replies.Sum(reply => reply.Amount("billed")).ShouldBe(600 - waived);
        replies.Sum(reply => reply.Amount("amount_cents")).ShouldBe(600 - waived);
        (await Task.WhenAll(users.Select(services.BalanceAsync))).Sum().ShouldBe(5000 - (600 - waived) - Racers);
        (await services.Database.ScalarAsync<long>(
            "SELECT count(*) FROM llm_usage WHERE billing_status = 'needs_review'")).ShouldBe(0);
        await services.Database.AssertIntegrityAsync();
    }

    private async Task<string> WaitingAsync(string user, string requestId) =>
        (await services.PostAsync(
            "/usage", new { user_id = user, request_id = requestId, billing_status = "needs_review" }))
            .Expect(201).Text("usage_id");

    private static Task<Reply[]> RaceAsync(Func<int, Task<Reply>> race) =>
        Task.WhenAll(Enumerable.Range(0, Racers).Select(racer => Task.Run(() => race(racer))));
}

/// <summary>R16: two service processes on one database that price again, one of them killed on the way.</summary>
public sealed class KilledRepricingTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task R12_R16_what_a_killed_repricing_left_is_billed_by_the_next_and_nothing_twice()
    {
        const int waiting = 4000;
        var directory = Directory.CreateTempSubdirectory("review-");
        using var sender = new LoadSender(ServiceProcess.AdminKey);
        await using var killed = await ServiceProcess.StartAsync(
            directory.FullName, $"{database.ConnectionString};Application Name=killed");
        await using var other = await ServiceProcess.StartAsync(directory.FullName, database.ConnectionString);
        for (var batch = 0; batch < waiting / 1000; batch++)
            (await sender.PostAsync(killed.Url, "/usage/batch", Enumerable.Range(0, 1000).Select(i =>
                new
                {
                    user_id = $"u{i % 10}",
                    request_id = $"{batch}-{i}",
                    billing_status = "needs_review",
                    provider_cost_usd = 0.01m
                }))).Expect(200);

        var interrupted = sender.PostAsync(killed.Url, "/usage/reprice", new { });
        await ServiceProcess.UntilAsync(async () => await BilledAsync() > 0);
        await killed.KillAsync();
        await Should.ThrowAsync<HttpRequestException>(interrupted);
        // A commit that was sent before the kill may still succeed. The server closes the session after its last
        // statement.
        await ServiceProcess.UntilAsync(async () => await database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'killed'") == 0);
        var left = waiting - await BilledAsync();
        left.ShouldBeGreaterThan(0);

        var replies = await Task.WhenAll(
            sender.PostAsync(other.Url, "/usage/reprice", new { }),
            sender.PostAsync(other.Url, "/usage/reprice", new { }));

        replies.Sum(reply => reply.Expect(200).Amount("billed")).ShouldBe(left);
        (await database.ScalarAsync<long>(
            "SELECT count(DISTINCT reference_id || account) FROM ledger_entries WHERE account LIKE 'user:%'"))
            .ShouldBe(waiting);
        (await database.ScalarAsync<decimal>("SELECT sum(balance_cents) FROM user_budgets")).ShouldBe(-waiting);
        await database.AssertIntegrityAsync();
        directory.Delete(recursive: true);
    }

    private Task<long> BilledAsync() =>
        database.ScalarAsync<long>("SELECT count(*) FROM llm_usage WHERE billing_status = 'billed'");
}
