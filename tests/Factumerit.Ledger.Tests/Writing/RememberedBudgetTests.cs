using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// The writer decides plain usages on cached budgets. Another writer or a manual change may have changed them, and the
/// request may have been answered before: the answer is the same as with freshly read budgets.
/// </summary>
public sealed class RememberedBudgetTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task A_budget_that_another_writer_changed_is_not_taken_for_what_it_was_R3_R4()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);

        (await other.UseAsync(user, 6)).Answer!.BalanceCents.ShouldBe(3);
        (await ledger.UseAsync(user, 2)).Answer!.BalanceCents.ShouldBe(1);
        (await other.UseAsync(user, 5)).Answer!.BalanceCents.ShouldBe(-4);
        (await ledger.UseAsync(user, 1)).Refusal.ShouldBe(new Refusal.InsufficientCredit(user, -4, -4));

        (await other.GrantAsync(user, 10)).Answer!.Budget.BalanceCents.ShouldBe(6);
        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(5);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_user_whom_another_writer_deleted_is_gone_R11()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);
        (await other.Budgets.DeleteUserAsync(user, CancellationToken.None)).Answer!.ForfeitedCents.ShouldBe(9);

        (await ledger.UseAsync(user, 1)).Refusal.ShouldBe(new Refusal.UserDeleted(user));
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_late_signup_is_kept_by_calls_of_whoever_remembers_the_budget_R7()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);
        var signup = new SignupRequest { UserId = user };

        (await other.Budgets.SignUpAsync(signup, CancellationToken.None)).Answer!.Existed.ShouldBeFalse();
        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(8);
        (await ledger.Budgets.SignUpAsync(signup, CancellationToken.None)).Answer!.Existed.ShouldBeTrue();
        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(7);
        (await ledger.Budgets.DeleteUserAsync(user, CancellationToken.None)).Answer!.ForfeitedCents.ShouldBe(7);

        (await database.ScalarAsync<bool>(
            $"SELECT signed_up_at > created_at FROM user_budgets WHERE user_id = '{user}'")).ShouldBeTrue();
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_hand_in_the_database_is_seen_and_what_it_wrote_besides_is_kept()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);

        await database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 0 WHERE user_id = '{user}'");
        (await ledger.UseAsync(user, 1)).Refusal.ShouldBe(new Refusal.InsufficientCredit(user, 0, 0));

        await database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 9 WHERE user_id = '{user}'");
        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(8);
        await database.ExecuteAsync(
            "UPDATE user_budgets SET total_spent_cents = 100, opening_spent_cents = 100 - total_spent_cents "
            + $"WHERE user_id = '{user}'");
        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(7);
        (await database.ScalarAsync<decimal>($"SELECT total_spent_cents FROM user_budgets WHERE user_id = '{user}'"))
            .ShouldBe(101);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_request_that_was_answered_before_gets_that_answer_even_when_the_credit_is_gone_R9()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);
        var first = await ledger.UseAsync(user, 5, "a call");

        var again = await ledger.UseAsync(user, 5, "a call");
        again.Replayed.ShouldBeTrue();
        again.Answer.ShouldBe(first.Answer);
        (await ledger.UseAsync(user, 6, "a call")).Refusal.ShouldBe(new Refusal.IdempotencyKeyReused("a call"));

        (await ledger.UseAsync(user, 20)).Answer!.BalanceCents.ShouldBe(-16);
        (await ledger.UseAsync(user, 5, "a call")).Answer.ShouldBe(first.Answer);
        (await ledger.UseAsync(user, 1)).Refusal.ShouldBe(new Refusal.InsufficientCredit(user, -16, -16));
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_free_usage_tells_the_balance_as_it_is_R5()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(10);
        await other.UseAsync(user, 4);

        (await ledger.UseAsync(user, 0)).Answer!.BalanceCents.ShouldBe(5);
    }

    [Fact]
    public async Task Those_who_share_a_batch_with_one_that_was_known_or_is_refused_are_served_R10()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var (rich, poor) = (await ledger.RememberedUserAsync(100), await ledger.RememberedUserAsync(2));
        await ledger.UseAsync(rich, 1, "known");
        await ledger.UseAsync(poor, 1);

        var outcomes = await ledger.Budgets.RecordUsagesAsync(
            [
                Usage(rich, "new-1"), Usage(rich, "known"), Usage(poor, "refused"), Usage(rich, "new-2"),
                Usage(rich, "new-2")],
            CancellationToken.None);

        outcomes.Select(o => (o.Answer?.BalanceCents, o.Replayed))
            .ShouldBe([(97, false), (98, true), (null, false), (96, false), (96, true)]);
        (await database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{rich}'")).ShouldBe(4);
        await database.AssertIntegrityAsync();

        static UsageRequest Usage(string user, string requestId) =>
            new() { UserId = user, AmountCents = 1, RequestId = requestId };
    }

    [Fact]
    public async Task A_commit_that_another_overtook_takes_a_later_time_R13()
    {
        // As far as this writer can tell no time passes at all.
        await using var ledger = new WriterUnderTest(database.ConnectionString, clock: new HandClock());
        await using var other = new WriterUnderTest(database.ConnectionString);
        var (user, stranger) = (await ledger.RememberedUserAsync(10), await other.UserAsync(10));
        await other.UseAsync(stranger, 1);

        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(8);

        (await database.RowsAsync("""
            SELECT id FROM (SELECT id, created_at, lag(created_at) OVER (ORDER BY id) AS before FROM ledger_entries) e
            WHERE created_at < before
            """)).ShouldBeEmpty();
        await database.AssertIntegrityAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task However_few_are_remembered_all_is_the_same(int usersMax)
    {
        await using var ledger = new WriterUnderTest(
            database.ConnectionString, new WriterOptions { RememberedUsersMax = usersMax });
        string[] users = [await ledger.UserAsync(10), await ledger.UserAsync(10), await ledger.UserAsync(10)];
        for (var round = 1; round <= 5; round++)
            (await Task.WhenAll(users.Select(user => ledger.UseAsync(user, 1))))
                .ShouldAllBe(o => o.Answer!.BalanceCents == 10 - round);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Two_writers_at_the_same_users_at_the_same_time_lose_and_double_nothing_R3_R4_R13()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { BatchLimit = 7 });
        await using var other = new WriterUnderTest(database.ConnectionString, new WriterOptions { BatchLimit = 7 });
        string[] users = [await ledger.UserAsync(150), await ledger.UserAsync(100_000), await other.UserAsync(100_000)];

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 600).Select(call => (call % 2 == 0 ? ledger : other).UseAsync(users[call % 3], 1)));

        outcomes.Count(o => o.Refusal is Refusal.InsufficientCredit).ShouldBe(50);
        outcomes.Count(o => o.Answer != null && !o.Replayed).ShouldBe(550);
        foreach (var user in users)
            outcomes.Where(o => o.Answer?.UserId == user).Select(o => o.Answer!.BalanceCents).Distinct().Count()
                .ShouldBe(outcomes.Count(o => o.Answer?.UserId == user), "each balance was told once");
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task While_another_writes_too_whoever_comes_before_the_turn_shares_the_commit()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(100);
        await other.UseAsync(user, 1);
        await ledger.UseAsync(user, 1);
        List<Task<Outcome<RecordedUsage>>> calls;
        await using (await ledger.TakeTurnAsync())
        {
            calls = [await ledger.OccupyAsync(database, user)];
            calls.AddRange(Enumerable.Range(0, 5).Select(_ => ledger.UseAsync(user, 1)));
        }

        (await Task.WhenAll(calls)).Select(o => o.Answer!.BalanceCents).ShouldBe([96, 95, 94, 93, 92, 91]);
        (await database.ScalarAsync<long>($"SELECT count(DISTINCT xmin::text) FROM llm_usage WHERE user_id = '{user}'"))
            .ShouldBe(4);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_turn_that_can_not_be_taken_ahead_of_the_batch_is_taken_with_it()
    {
        await using var proxy = new CuttingProxy(database.ConnectionString);
        await using var ledger = new WriterUnderTest(proxy.ConnectionString);
        await using var other = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.RememberedUserAsync(100);
        await other.UseAsync(user, 1);
        await ledger.UseAsync(user, 1);
        await database.ExecuteAsync("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'factumerit-ledger-writer' AND datname = current_database()
            AND pid <> pg_backend_pid()
            """);

        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(96);
        await database.AssertIntegrityAsync();
    }
}
