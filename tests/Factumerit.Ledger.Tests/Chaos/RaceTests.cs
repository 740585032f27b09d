using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// Many clients at once over HTTP. Answers and stored data must be those of one sequential order, whichever it is. Run
/// on one service, and on two that share a database.
/// </summary>
public abstract class RaceTests(LedgerService service)
{
    private const int Racers = 50;

    /// <summary>Posts as one of many racers.</summary>
    private protected virtual Task<Reply> PostAsync(
        int racer, string path, object body, string? idempotencyKey = null) =>
        service.PostAsync(path, body, idempotencyKey);

    [Fact]
    public async Task R9_one_usage_sent_by_many_at_once_is_recorded_once_and_all_get_the_first_answer()
    {
        var user = await service.UserAsync(100);

        var replies = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/usage", new { user_id = user, amount_cents = 7, request_id = "same" }));

        replies.Single(reply => reply.Status == 201).Replayed.ShouldBeFalse();
        replies.Where(reply => reply.Status == 200).ShouldAllBe(reply => reply.Replayed);
        replies.Count(reply => reply.Status == 200).ShouldBe(Racers - 1);
        replies.Select(reply => reply.Body).Distinct().Count().ShouldBe(1);
        (await TransactionsOfAsync(user)).ShouldBe(2);
        (await service.BalanceAsync(user)).ShouldBe(93);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R9_one_grant_sent_by_many_at_once_is_posted_once_and_all_get_the_first_answer()
    {
        var user = await service.UserAsync(0);

        var replies = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/grants", new { user_id = user, amount_cents = 7 }, $"grant of {user}"));

        replies.ShouldAllBe(reply => reply.Status == 201);
        replies.Count(reply => reply.Replayed).ShouldBe(Racers - 1);
        replies.Select(reply => reply.Body).Distinct().Count().ShouldBe(1);
        (await TransactionsOfAsync(user)).ShouldBe(1);
        (await service.BalanceAsync(user)).ShouldBe(7);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R9_of_different_requests_with_one_key_one_wins()
    {
        var user = await service.UserAsync(10_000);

        var usages = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/usage", new { user_id = user, amount_cents = racer + 1, request_id = "one key" }));
        var grants = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/grants", new { user_id = user, amount_cents = racer + 1 }, $"one key of {user}"));

        foreach (var replies in new[] { usages, grants })
            foreach (var loser in replies.Except([replies.Single(reply => reply.Status == 201)]))
                loser.ExpectProblem(422, "idempotency-key-reused");
        var spentCents = usages.Single(reply => reply.Status == 201).Amount("amount_cents");
        var balanceCents = grants.Single(reply => reply.Status == 201).Json.GetProperty("budget")
            .GetProperty("balance_cents").GetDecimal();
        (await service.BalanceAsync(user)).ShouldBe(balanceCents);
        balanceCents.ShouldBeInRange(10_001 - spentCents, 10_050 - spentCents);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R21_100_cents_are_held_once_by_200_holds_and_calls_that_race_for_them()
    {
        var user = await service.UserAsync(100);

        var replies = await RaceAsync(200, racer =>
            PostAsync(racer, "/holds", new { user_id = user, amount_cents = 1, external_id = $"{racer}" }));

        replies.Count(reply => reply.Status == 201).ShouldBe(100);
        foreach (var refused in replies.Where(reply => reply.Status != 201))
            refused.ExpectProblem(402, "insufficient-credit").Amount("available_cents").ShouldBe(0);
        replies.Where(reply => reply.Status == 201).Select(reply => reply.Amount("available_cents")).Order()
            .ShouldBe(Enumerable.Range(0, 100).Select(left => (decimal)left));
        var calls = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/usage", new { user_id = user, amount_cents = 1, request_id = $"{racer}" }));
        calls.ShouldAllBe(reply => reply.Status == 402);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R9_one_hold_sent_by_many_at_once_is_placed_once_and_all_get_the_first_answer()
    {
        var user = await service.UserAsync(100);

        var replies = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/holds", new { user_id = user, amount_cents = 7, external_id = "same" }));

        replies.ShouldAllBe(reply => reply.Status == 201);
        replies.Count(reply => reply.Replayed).ShouldBe(Racers - 1);
        replies.Select(reply => reply.Body).Distinct().Count().ShouldBe(1);
        (await service.GetAsync($"/users/{user}")).Amount("held_cents").ShouldBe(7);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R24_of_many_who_settle_or_release_one_hold_one_wins()
    {
        var user = await service.UserAsync(10);
        var hold = (await PostAsync(0, "/holds", new { user_id = user, amount_cents = 10, external_id = "h" }))
            .Expect(201).Text("hold_id");

        var replies = await RaceAsync(Racers, racer => racer % 2 == 0
            ? PostAsync(racer, $"/holds/{hold}/release", new { reason = $"{racer}" })
            : PostAsync(
                racer, "/usage", new { user_id = user, amount_cents = 10, request_id = $"{racer}", hold_id = hold }));

        // Whoever wins, ten cents pay for one call, and no other call finds credit.
        replies.Count(reply => reply.Status == 201).ShouldBe(1);
        var state = (await service.GetAsync($"/holds/{hold}")).Expect(200).Text("state");
        foreach (var (reply, racer) in replies.Select((reply, racer) => (reply, racer)))
            if (racer % 2 == 0)
                reply.Status.ShouldBe(state == "released" ? 200 : 409);
            else if (reply.Status != 201)
                reply.ExpectProblem(402, "insufficient-credit");
        (await service.BalanceAsync(user)).ShouldBe(0);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R4_a_budget_of_100_cents_pays_for_100_calls_of_1_cent_out_of_200()
    {
        var user = await service.UserAsync(100);

        var replies = await RaceAsync(200, racer =>
            PostAsync(racer, "/usage", new { user_id = user, amount_cents = 1, request_id = $"call-{racer}" }));

        replies.Where(reply => reply.Status == 201).Select(reply => reply.Amount("balance_cents")).Order()
            .ShouldBe(Enumerable.Range(0, 100).Select(cents => (decimal)cents));
        foreach (var refused in replies.Where(reply => reply.Status != 201))
            refused.ExpectProblem(402, "insufficient-credit").Amount("balance_cents").ShouldBe(0);
        (await service.BalanceAsync(user)).ShouldBe(0);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R4_only_one_of_many_calls_crosses_zero()
    {
        var user = await service.UserAsync(100);

        var replies = await RaceAsync(Racers, racer =>
            PostAsync(racer, "/usage", new { user_id = user, amount_cents = 30, request_id = $"call-{racer}" }));

        replies.Where(reply => reply.Status == 201).Select(reply => reply.Amount("balance_cents")).Order()
            .ShouldBe([-20, 10, 40, 70]);
        foreach (var refused in replies.Where(reply => reply.Status != 201))
            refused.ExpectProblem(402, "insufficient-credit").Amount("balance_cents").ShouldBe(-20);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R3_R11_a_grant_a_usage_and_a_deletion_at_once_leave_what_some_order_of_them_leaves()
    {
        for (var round = 0; round < 20; round++)
        {
            var user = await service.UserAsync(10);

            var grant = PostAsync(round, "/grants", new { user_id = user, amount_cents = 5 }, $"grant of {user}");
            var usage = PostAsync(round + 1, "/usage", new { user_id = user, amount_cents = 3, request_id = "call" });
            var deletion = await service.DeleteAsync($"/users/{user}");

            var granted = await WasBeforeDeletionAsync(grant);
            var used = await WasBeforeDeletionAsync(usage);
            decimal?[] balances = [
                granted?.Json.GetProperty("budget").GetProperty("balance_cents").GetDecimal(),
                used?.Amount("balance_cents")];
            decimal?[][] possible = (granted, used) switch
            {
                (null, null) => [[null, null]],
                (_, null) => [[15, null]],
                (null, _) => [[null, 7]],
                _ => [[15, 12], [12, 7]],
            };
            possible.ShouldContain(order => order.SequenceEqual(balances),
                $"{balances[0]} after the grant, {balances[1]} after the usage");
            deletion.Expect(200).Amount("forfeited_cents")
                .ShouldBe(10 + (granted is null ? 0 : 5) - (used is null ? 0 : 3));
            (await service.BalanceAsync(user)).ShouldBe(0);
        }
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R7_one_signup_sent_by_many_at_once_gives_credit_once()
    {
        var user = $"user-{Guid.NewGuid():N}";

        var replies = await RaceAsync(Racers, racer =>
            PostAsync(
                racer, "/users", new { user_id = user, initial_credit_cents = 5, override_headroom_check = true }));

        replies.Count(reply => reply.Status == 201).ShouldBe(1);
        replies.Count(reply => reply.Status == 200).ShouldBe(Racers - 1);
        (await service.BalanceAsync(user)).ShouldBe(5);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R7_late_signups_of_one_user_by_many_at_once_give_credit_once_beside_calls()
    {
        var user = $"user-{Guid.NewGuid():N}";
        (await PostAsync(0, "/grants", new { user_id = user, amount_cents = 100 }, user)).Expect(201);

        var replies = await RaceAsync(Racers, racer => racer % 2 == 0
            ? PostAsync(racer, "/users",
                new { user_id = user, initial_credit_cents = racer + 1, override_headroom_check = true })
            : PostAsync(racer, "/usage", new { user_id = user, amount_cents = 1, request_id = $"call-{racer}" }));

        var signups = replies.Where((_, racer) => racer % 2 == 0).ToList();
        replies.Where((_, racer) => racer % 2 == 1).ShouldAllBe(reply => reply.Status == 201);
        signups.Count(reply => reply.Status == 200).ShouldBe(signups.Count - 1);
        var credit = signups.FindIndex(reply => reply.Status == 201) * 2 + 1;
        (await service.BalanceAsync(user)).ShouldBe(100 + credit - (Racers / 2));
        (await service.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM ledger_entries WHERE account = 'user:{user}' AND reference_type = 'initial'"))
            .ShouldBe(1);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R19_usage_and_write_downs_from_it_at_once_leave_nothing_out_and_count_nothing_twice()
    {
        var user = await service.UserAsync(10_000);
        var provider = $"p{Guid.NewGuid():N}"[..20];
        // These costs have a part below the smallest unit, so each write-down carries a remainder over to the next.
        var replies = await RaceAsync(200, racer => racer % 5 == 4
            ? PostAsync(racer, "/write-downs", new { from_usage = true, provider, force = true }, $"{provider} {racer}")
            : PostAsync(racer, "/usage", new
            {
                user_id = user,
                request_id = $"{provider} {racer}",
                provider,
                provider_cost_usd = $"0.00{racer:000}0000123456789"
            }));
        var last = await PostAsync(
            0, "/write-downs", new { from_usage = true, provider, force = true }, $"{provider} last");

        replies.ShouldAllBe(reply => reply.Status == 201 || reply.Status == 200);
        var costUsd = Enumerable.Range(0, 200).Where(racer => racer % 5 != 4)
            .Sum(racer => (racer / 100_000m) + 0.000000000123456789m);
        var bookedCents = replies.Where((_, racer) => racer % 5 == 4).Append(last)
            .Sum(reply => reply.Amount("amount_cents"));
        bookedCents.ShouldBe(Money.Cut(costUsd * 100));
        (await service.Database.ScalarAsync<string>(
            "SELECT trim_scale(cost_usd) || ' ' || trim_scale(written_down_cents) FROM provider_usage_costs "
            + $"WHERE provider = '{provider}'"))
            .ShouldBe($"{Money.Format(costUsd)} {Money.Format(bookedCents)}");
        (await service.Database.ScalarAsync<decimal>(
            $"SELECT sum(debit_cents) FROM ledger_entries WHERE account = 'asset:{provider}'")).ShouldBe(bookedCents);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R13_a_reader_who_has_read_up_to_an_id_has_missed_nothing_below_it()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => service.UserAsync(1000)));
        var writing = RaceAsync(400, racer =>
            PostAsync(racer, "/usage",
                new { user_id = users[racer % users.Length], amount_cents = 1, request_id = $"call-{racer}" }));

        var read = new List<long>();
        bool isLast;
        do
        {
            isLast = writing.IsCompleted;
            read.AddRange(await EntryIdsAfterAsync(read.LastOrDefault()));
        }
        while (!isLast);

        (await writing).ShouldAllBe(reply => reply.Status == 201);
        read.ShouldBe(await EntryIdsAfterAsync(0));
        (await service.Database.ScalarAsync<long>(
            "SELECT count(*) FROM "
            + "(SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM ledger_entries) e "
            + "WHERE created_at < before")).ShouldBe(0);
        await service.Database.AssertIntegrityAsync();
    }

    /// <summary>All start together; every answer is awaited.</summary>
    private protected static Task<Reply[]> RaceAsync(int racers, Func<int, Task<Reply>> race) =>
        Task.WhenAll(Enumerable.Range(0, racers).Select(racer => Task.Run(() => race(racer))));

    private static async Task<Reply?> WasBeforeDeletionAsync(Task<Reply> racing)
    {
        var reply = await racing;
        if (reply.Status == 201)
            return reply;
        reply.ExpectProblem(410, "user-deleted");
        return null;
    }

    private Task<long> TransactionsOfAsync(string user) =>
        service.Database.ScalarAsync<long>(
            $"SELECT count(DISTINCT transaction_id) FROM ledger_entries WHERE account = 'user:{user}'");

    private async Task<List<long>> EntryIdsAfterAsync(long id)
    {
        await using var command = service.Database.Ledger.Readers.CreateCommand(
            $"SELECT id FROM ledger_entries WHERE id > {id} ORDER BY id");
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<long>();
        while (await reader.ReadAsync())
            ids.Add(reader.GetInt64(0));
        return ids;
    }
}
