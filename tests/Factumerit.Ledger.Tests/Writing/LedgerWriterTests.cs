using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>How the writer shares a commit among those who wait, and what becomes of those who can't wait.</summary>
public sealed class LedgerWriterTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task Commands_that_wait_share_one_commit()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(1000);
        List<Task<Outcome<RecordedUsage>>> calls;
        await using (await ledger.TakeTurnAsync())
        {
            calls = [await ledger.OccupyAsync(database, user)];
            calls.AddRange(Enumerable.Range(0, 100).Select(_ => ledger.UseAsync(user, 1)));
            ledger.Writer.Waiting.ShouldBe(101);
        }

        (await Task.WhenAll(calls)).ShouldAllBe(outcome => outcome.Answer != null);
        (await WriterUnderTest.CommitsOfAsync(database, user)).ShouldBe(2);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_commit_takes_no_more_than_the_limit_and_keeps_the_order_of_arrival()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { BatchLimit = 10 });
        var user = await ledger.UserAsync(1000);
        List<Task<Outcome<RecordedUsage>>> calls;
        await using (await ledger.TakeTurnAsync())
        {
            calls = [await ledger.OccupyAsync(database, user)];
            calls.AddRange(Enumerable.Range(0, 25).Select(_ => ledger.UseAsync(user, 1)));
        }

        var balances = (await Task.WhenAll(calls)).Select(outcome => outcome.Answer!.BalanceCents);
        balances.ShouldBe(Enumerable.Range(1, 26).Select(spent => 1000m - spent));
        (await WriterUnderTest.CommitsOfAsync(database, user)).ShouldBe(4);
    }

    [Fact]
    public async Task R10_a_refused_command_leaves_its_neighbours_in_the_commit_alone()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var (rich, poor) = (await ledger.UserAsync(1000), WriterUnderTest.NewId("poor"));
        Task<Outcome<RecordedUsage>> refused;
        List<Task<Outcome<RecordedUsage>>> neighbours;
        await using (await ledger.TakeTurnAsync())
        {
            neighbours = [await ledger.OccupyAsync(database, rich), ledger.UseAsync(rich, 1)];
            refused = ledger.UseAsync(poor, 1);
            neighbours.Add(ledger.UseAsync(rich, 1));
        }

        (await refused).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (await Task.WhenAll(neighbours)).ShouldAllBe(outcome => outcome.Answer != null);
        (await database.ScalarAsync<long>($"SELECT count(*) FROM user_budgets WHERE user_id = '{poor}'")).ShouldBe(0);
        (await WriterUnderTest.CommitsOfAsync(database, rich)).ShouldBe(2);
    }

    [Fact]
    public async Task When_too_many_wait_one_more_is_refused_at_once_and_may_come_again()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { QueueLimit = 2 });
        var user = await ledger.UserAsync(1000);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(ledger.Writer.Waiting == 0));
        Task<Outcome<RecordedUsage>> first, second;
        await using (await ledger.TakeTurnAsync())
        {
            first = await ledger.OccupyAsync(database, user);
            second = ledger.UseAsync(user, 1);

            (await ledger.UseAsync(user, 1, "one-too-many")).Refusal.ShouldBeOfType<Refusal.Unavailable>();
        }

        (await first).Answer.ShouldNotBeNull();
        (await second).Answer!.BalanceCents.ShouldBe(998);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(ledger.Writer.Waiting == 0));
        var again = await ledger.UseAsync(user, 1, "one-too-many");
        again.Replayed.ShouldBeFalse();
        again.Answer!.BalanceCents.ShouldBe(997);
    }

    [Fact]
    public async Task Who_waited_too_long_is_refused_instead_of_started()
    {
        var clock = new HandClock();
        await using var ledger = new WriterUnderTest(
            database.ConnectionString, new WriterOptions { QueueTimeoutMs = 1000 }, clock);
        var user = await ledger.UserAsync(1000);
        Task<Outcome<RecordedUsage>> first, late;
        await using (await ledger.TakeTurnAsync())
        {
            first = await ledger.OccupyAsync(database, user);
            late = ledger.UseAsync(user, 1, "late");
            clock.Advance(TimeSpan.FromMilliseconds(1001));
        }

        (await late).Refusal.ShouldBeOfType<Refusal.Unavailable>();
        (await first).Answer.ShouldNotBeNull();
        (await database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'")).ShouldBe(1);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(ledger.Writer.Waiting == 0));
    }

    [Fact]
    public async Task A_caller_who_leaves_before_its_turn_has_written_nothing()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(1000);
        using var caller = new CancellationTokenSource();
        Task<Outcome<RecordedUsage>> first, abandoned;
        await using (await ledger.TakeTurnAsync())
        {
            first = await ledger.OccupyAsync(database, user);
            abandoned = ledger.UseAsync(user, 1, cancellationToken: caller.Token);
            await caller.CancelAsync();
        }

        await Should.ThrowAsync<OperationCanceledException>(abandoned);
        (await first).Answer.ShouldNotBeNull();
        (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
            .ShouldBe(999);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(ledger.Writer.Waiting == 0));
    }

    [Fact]
    public async Task A_caller_who_leaves_after_its_turn_has_begun_is_written_whole()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(1000);
        using var caller = new CancellationTokenSource();
        Task<Outcome<RecordedUsage>> begun;
        await using (await ledger.TakeTurnAsync())
        {
            begun = await ledger.OccupyAsync(database, user, caller.Token);
            await caller.CancelAsync();
        }

        (await begun).Answer!.BalanceCents.ShouldBe(999);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Disposal_writes_what_waits_and_takes_nothing_new()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { BatchLimit = 10 });
        var user = await ledger.UserAsync(1000);
        List<Task<Outcome<RecordedUsage>>> waiting;
        Task disposal;
        await using (await ledger.TakeTurnAsync())
        {
            waiting = [await ledger.OccupyAsync(database, user)];
            waiting.AddRange(Enumerable.Range(0, 50).Select(_ => ledger.UseAsync(user, 1)));
            disposal = ledger.Writer.DisposeAsync().AsTask();
            (await ledger.UseAsync(user, 1)).Refusal.ShouldBeOfType<Refusal.Unavailable>();
        }

        await disposal;
        waiting.ShouldAllBe(call => call.Result.Answer != null);
        (await database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'"))
            .ShouldBe(949);
        ledger.Writer.Waiting.ShouldBe(0);
    }
}
