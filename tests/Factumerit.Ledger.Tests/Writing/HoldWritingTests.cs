using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Holds through two writers, whose cached budgets know nothing of each other: R21 and R23 hold at every commit, and
/// R24 whoever comes first.
/// </summary>
public sealed class HoldWritingTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private readonly HoldQueries _holds = new(database.Ledger);

    [Fact]
    public async Task Of_200_holds_that_race_for_100_cents_100_get_one_each_R21()
    {
        await using var one = new WriterUnderTest(database.ConnectionString);
        await using var two = new WriterUnderTest(database.ConnectionString);
        var user = await one.UserAsync(100);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(n => PlaceAsync(n % 2 == 0 ? one : two, user, 1)));

        outcomes.Count(o => o.Answer is not null).ShouldBe(100);
        outcomes.Where(o => o.Answer is null).ShouldAllBe(o => o.Refusal is Refusal.InsufficientCredit);
        (await one.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (await two.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (await BudgetAsync(user)).ShouldBe((100m, 100m));
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_cached_budget_does_not_hide_the_hold_of_another_writer_R21()
    {
        await using var one = new WriterUnderTest(database.ConnectionString);
        await using var two = new WriterUnderTest(database.ConnectionString);
        var user = await one.RememberedUserAsync(101);
        (await PlaceAsync(two, user, 100)).Answer.ShouldNotBeNull();

        (await one.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>().AvailableCents.ShouldBe(0);
        (await PlaceAsync(one, user, 1)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
    }

    // The other writer swaps one hold for another of the same amount, which expires earlier.
    [Fact]
    public async Task A_cached_budget_does_not_hide_that_another_hold_expires_earlier_R23()
    {
        await using var one = new WriterUnderTest(database.ConnectionString);
        await using var two = new WriterUnderTest(database.ConnectionString);
        var user = await one.UserAsync(100);
        var first = (await PlaceAsync(one, user, 60)).Answer!;
        (await two.Budgets.ReleaseHoldAsync(new(), await FindAsync(first.HoldId), Actor.Service, default))
            .Answer.ShouldNotBeNull();
        (await PlaceAsync(two, user, 60, seconds: 10)).Answer.ShouldNotBeNull();

        (await PlaceAsync(one, user, 30)).Answer.ShouldNotBeNull();

        await database.AssertIntegrityAsync();
        await ExpireInDatabaseAsync(user, "60");
        (await PlaceAsync(one, user, 70)).Answer.ShouldNotBeNull().AvailableCents.ShouldBe(0);
    }

    [Fact]
    public async Task A_hold_counts_no_more_from_the_moment_it_expires_though_nothing_has_marked_it_R23()
    {
        await using var writer = new WriterUnderTest(database.ConnectionString);
        var user = await writer.RememberedUserAsync(101);
        var hold = (await PlaceAsync(writer, user, 100, seconds: 10)).Answer!;
        (await writer.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();

        await Task.Delay(hold.ExpiresAt - DateTimeOffset.UtcNow + TimeSpan.FromMilliseconds(20));

        (await BudgetAsync(user)).ShouldBe((100m, 0m));
        (await _holds.ShowAsync(hold.HoldId, default)).ShouldNotBeNull().State.ShouldBe(Hold.Expired);
        (await writer.UseAsync(user, 40)).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(60);
        (await PlaceAsync(writer, user, 60)).Answer.ShouldNotBeNull().AvailableCents.ShouldBe(0);
        await database.AssertIntegrityAsync();
        // R23: the call was made, so its late report is recorded.
        (await SettleAsync(writer, user, hold.HoldId, 25)).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(35);
        (await FindAsync(hold.HoldId)).SettledCents.ShouldBe(25);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task The_same_external_id_can_be_used_again_though_nothing_has_marked_the_expired_hold_R23()
    {
        await using var writer = new WriterUnderTest(database.ConnectionString);
        var user = await writer.UserAsync(100);
        var first = (await PlaceAsync(writer, user, 70, externalId: "run")).Answer!;
        (await PlaceAsync(writer, user, 70, externalId: "run")).Replayed.ShouldBeTrue();
        await ExpireInDatabaseAsync(user, "70");
        await using var other = new WriterUnderTest(database.ConnectionString);

        var second = (await PlaceAsync(other, user, 70, externalId: "run")).Answer.ShouldNotBeNull();

        second.HoldId.ShouldNotBe(first.HoldId);
        (await FindAsync(first.HoldId)).State.ShouldBe(Hold.Expired);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Of_settle_and_release_on_two_writers_one_wins_R24()
    {
        await using var one = new WriterUnderTest(database.ConnectionString);
        await using var two = new WriterUnderTest(database.ConnectionString);
        for (var round = 0; round < 20; round++)
        {
            var user = await one.UserAsync(10);
            var hold = await FindAsync((await PlaceAsync(one, user, 10)).Answer!.HoldId);

            var release = two.Budgets.ReleaseHoldAsync(new(), hold, Actor.Service, default);
            var settle = SettleAsync(one, user, hold.Id, 4);
            var (released, settled) = (await release, await settle);

            settled.Answer.ShouldNotBeNull().BalanceCents.ShouldBe(6);
            var ended = await FindAsync(hold.Id);
            if (released.Answer is null)
            {
                released.Refusal.ShouldBeOfType<Refusal.HoldClosed>().State.ShouldBe(Hold.Settled);
                (ended.State, ended.SettledCents).ShouldBe((Hold.Settled, 4m));
            }
            else
                (ended.State, ended.SettledCents).ShouldBe((Hold.Released, 0m));
            (await BudgetAsync(user)).ShouldBe((6m, 0m));
        }
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Two_usages_settle_the_same_hold_on_two_writers_once_R24()
    {
        await using var one = new WriterUnderTest(database.ConnectionString);
        await using var two = new WriterUnderTest(database.ConnectionString);
        for (var round = 0; round < 20; round++)
        {
            var user = await one.UserAsync(10);
            var hold = (await PlaceAsync(one, user, 10)).Answer!;

            var outcomes = await Task.WhenAll(
                SettleAsync(one, user, hold.HoldId, 10), SettleAsync(two, user, hold.HoldId, 10));

            // R4: the second usage is judged without the hold, and no credit is left.
            outcomes.Count(o => o.Answer is not null).ShouldBe(1);
            (await BudgetAsync(user)).ShouldBe((0m, 0m));
        }
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Expired_holds_are_marked_and_what_is_held_is_corrected_R23()
    {
        await using var writer = new WriterUnderTest(database.ConnectionString);
        var user = await writer.UserAsync(100);
        for (var n = 0; n < 3; n++)
            (await PlaceAsync(writer, user, 10)).Answer.ShouldNotBeNull();
        var open = (await PlaceAsync(writer, user, 5)).Answer!;
        await ExpireInDatabaseAsync(user, "10");

        var due = (await _holds.ListExpiredAsync(1000, default)).FindAll(hold => hold.UserId == user);
        due.Count.ShouldBe(3);
        await using var other = new WriterUnderTest(database.ConnectionString);
        (await other.Budgets.ExpireHoldsAsync(due, default)).Answer.ShouldNotBeNull().Count.ShouldBe(3);
        (await other.Budgets.ExpireHoldsAsync(due, default)).Answer.ShouldNotBeNull().Count.ShouldBe(0);

        (await database.RowsAsync(
            $"SELECT held_cents::float8, holds_expire_at = (SELECT expires_at FROM holds WHERE id = '{open.HoldId}') "
            + $"FROM user_budgets WHERE user_id = '{user}'")).ShouldBe(["5|True"]);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Deleting_a_user_ends_every_hold_whether_loaded_or_not_R24()
    {
        await using var writer = new WriterUnderTest(database.ConnectionString);
        var user = await writer.UserAsync(100);
        for (var n = 0; n < 5; n++)
            (await PlaceAsync(writer, user, 10)).Answer.ShouldNotBeNull();

        (await writer.Budgets.DeleteUserAsync(user, Actor.Service, default)).Answer.ShouldNotBeNull();

        (await database.RowsAsync(
            $"SELECT state, held_cents::float8, count(*) FROM holds WHERE user_id = '{user}' GROUP BY 1, 2"))
            .ShouldBe(["released|0|5"]);
        await database.AssertIntegrityAsync();
    }

    [Theory]
    [InlineData("UPDATE user_budgets SET held_cents = held_cents + 1 WHERE user_id = '{0}'")]
    [InlineData("UPDATE user_budgets SET holds_expire_at = NULL WHERE user_id = '{0}'")]
    [InlineData("UPDATE user_budgets SET holds_expire_at = holds_expire_at + interval '1 hour' WHERE user_id = '{0}'")]
    [InlineData("UPDATE holds SET held_cents = held_cents - 1 WHERE user_id = '{0}'")]
    [InlineData("DELETE FROM holds WHERE user_id = '{0}'")]
    public Task A_budget_that_holds_something_else_than_its_holds_is_found_R21(string sql) =>
        DatabaseQueries.WithDatabaseAsync(async own =>
        {
            await using var writer = new WriterUnderTest(own.ConnectionString);
            var user = await writer.UserAsync(100);
            (await PlaceAsync(writer, user, 10)).Answer.ShouldNotBeNull();
            await own.AssertIntegrityAsync();

            await own.ExecuteAsync(sql.Replace("{0}", user, StringComparison.Ordinal));

            var fault = (await own.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id).ShouldBe(("hold-mismatch", user));
        });

    private static Task<Outcome<HoldAnswer>> PlaceAsync(
        WriterUnderTest writer, string userId, decimal cents, long? seconds = null, string? externalId = null) =>
        writer.Budgets.PlaceHoldAsync(
            new HoldRequest
            {
                UserId = userId,
                AmountCents = cents,
                ExpiresInSeconds = seconds,
                ExternalId = externalId,
            },
            Actor.Service, externalId is null ? WriterUnderTest.NewId("hold") : null, default);

    private static Task<Outcome<RecordedUsage>> SettleAsync(
        WriterUnderTest writer, string userId, Guid holdId, decimal cents) =>
        writer.Budgets.RecordUsageAsync(
            new UsageRequest
            {
                UserId = userId,
                AmountCents = cents,
                RequestId = WriterUnderTest.NewId("call"),
                HoldId = holdId,
            },
            Actor.Service, default);

    private async Task<Hold> FindAsync(Guid id) => (await _holds.FindAsync(id, default)).ShouldNotBeNull();

    private async Task<(decimal Balance, decimal Held)> BudgetAsync(string userId)
    {
        var budget = (await new UserQueries(database.Ledger).FindBudgetAsync(userId, default)).ShouldNotBeNull();
        return (budget.BalanceCents, budget.HeldCents);
    }

    // Instead of waiting until they expire.
    private Task ExpireInDatabaseAsync(string userId, string heldCents) => database.ExecuteAsync($"""
        UPDATE holds SET expires_at = clock_timestamp() WHERE user_id = '{userId}' AND held_cents = {heldCents};
        UPDATE user_budgets
        SET holds_expire_at = clock_timestamp() - interval '1 second', holds_version = holds_version + 1
        WHERE user_id = '{userId}'
        """);
}
