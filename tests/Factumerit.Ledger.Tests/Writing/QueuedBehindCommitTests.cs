using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Commands that arrive while a commit is under way share the next one. They are decided on the balances that it left,
/// whether it succeeds or fails.
/// </summary>
public sealed class QueuedBehindCommitTests(TestDatabase database) : QueuedBehindCommit(database)
{
    [Fact]
    public async Task A_crowd_that_queues_behind_a_commit_shares_the_next_one_R3_R13()
    {
        var (user, stranger) = (await Ledger.RememberedUserAsync(100), await Ledger.RememberedUserAsync(100));
        var calls = Calls(user, stranger);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, () => Task.CompletedTask);

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        calls.Where((_, n) => n % 2 == 0).Select(c => c.Outcome.Answer!.BalanceCents)
            .ShouldBe(Enumerable.Range(1, Crowd / 2).Select(n => 98m - n));
        calls.Where((_, n) => n % 2 == 1).Select(c => c.Outcome.Answer!.BalanceCents)
            .ShouldBe(Enumerable.Range(1, Crowd / 2).Select(n => 99m - n));
        (await BalanceAsync(user), await BalanceAsync(stranger)).ShouldBe((98 - (Crowd / 2), 99 - (Crowd / 2)));
        (await WriterUnderTest.CommitsOfAsync(Database, user))
            .ShouldBe(3, "the one that made the budget known, the one that was waited for, and the crowd's");
        await Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_connection_that_ends_under_the_commit_under_way_costs_nobody_anything_R12()
    {
        var user = await Ledger.RememberedUserAsync(100);
        var calls = Calls(user);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, async () =>
        {
            await Database.ExecuteAsync("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'factumerit-ledger-writer' AND datname = current_database()
                AND wait_event_type = 'Lock'
                """);
        });

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        calls.Select(c => c.Outcome.Answer!.BalanceCents).ShouldBe(Enumerable.Range(1, Crowd).Select(n => 98m - n));
        (await Database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'"))
            .ShouldBe(Crowd + 2);
        await Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_call_that_is_refused_leaves_its_neighbours_alone_R9_R10()
    {
        var (user, poor) = (await Ledger.RememberedUserAsync(100), await Ledger.RememberedUserAsync(2));
        var calls = Calls(user, poor);
        var (first, written) = await WhileOneIsUnderWayAsync(
            user, [.. calls, Call(user, calls[0].RequestId!)], () => Task.CompletedTask);

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        calls.Where((_, n) => n % 2 == 0).Select(c => c.Outcome.Answer!.BalanceCents)
            .ShouldBe(Enumerable.Range(1, Crowd / 2).Select(n => 98m - n));
        calls.Where((_, n) => n % 2 == 1).Select(c => c.Outcome.Answer?.BalanceCents)
            .ShouldBe([0, .. Enumerable.Repeat<decimal?>(null, (Crowd / 2) - 1)]);
        (await BalanceAsync(user), await BalanceAsync(poor)).ShouldBe((98 - (Crowd / 2), 0));
        await Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_call_that_waited_too_long_or_whose_caller_left_has_written_nothing()
    {
        var user = await Ledger.RememberedUserAsync(100);
        var (late, left) = (Calls(user), Calls(user));
        using var caller = new CancellationTokenSource();
        var leaving = Task.CompletedTask;
        var (first, written) = await WhileOneIsUnderWayAsync(user, late, async () =>
        {
            Clock.Advance(TimeSpan.FromSeconds(4));
            leaving = Ledger.Writer.WriteAsync(left, caller.Token);
            await caller.CancelAsync();
            Clock.Advance(TimeSpan.FromSeconds(1.5));
        });

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        late.ShouldAllBe(c => c.Outcome.Refusal is Refusal.Unavailable);
        await Should.ThrowAsync<OperationCanceledException>(leaving);
        (await BalanceAsync(user)).ShouldBe(98);
        (await Ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(97);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(Ledger.Writer.Waiting == 0));
        await Database.AssertIntegrityAsync();
    }
}

/// <summary>
/// The same on a balance that was changed by hand, in a database of its own: its books do not balance any more.
/// </summary>
public sealed class ChangedUnderCommitTests(TestDatabase database) : QueuedBehindCommit(database)
{
    [Fact]
    public async Task A_balance_that_changed_under_the_commit_under_way_is_read_again_R4()
    {
        var user = await Ledger.RememberedUserAsync(100);
        var calls = Calls(user);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, async () =>
        {
            await Database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 3 WHERE user_id = '{user}'");
        });

        (await first).Answer!.BalanceCents.ShouldBe(2);
        await written;
        calls.Select(c => c.Outcome.Answer?.BalanceCents)
            .ShouldBe([1, 0, .. Enumerable.Repeat<decimal?>(null, Crowd - 2)]);
        calls[2..].ShouldAllBe(c => c.Outcome.Refusal == new Refusal.InsufficientCredit(user, 0, 0));
        (await BalanceAsync(user)).ShouldBe(0);
        (await Database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'")).ShouldBe(4);
    }
}

/// <summary>A writer whose turn a test takes, and calls that wait behind a commit.</summary>
public abstract class QueuedBehindCommit : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private protected const int Crowd = 40;
    private protected TestDatabase Database { get; }
    private protected HandClock Clock { get; } = new();
    private protected WriterUnderTest Ledger { get; }

    private protected QueuedBehindCommit(TestDatabase database)
    {
        Database = database;
        Ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { QueueTimeoutMs = 5_000 }, Clock);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await Ledger.DisposeAsync();

    // One usage of the user waits for the writers' turn, the calls come, and then the turn is free.
    private protected async Task<(Task<Outcome<RecordedUsage>> First, Task Written)> WhileOneIsUnderWayAsync(
        string user, IReadOnlyList<RecordUsage> calls, Func<Task> doAsync)
    {
        await using (await Ledger.TakeTurnAsync())
        {
            var first = await Ledger.OccupyAsync(Database, user);
            var written = Ledger.Writer.WriteAsync(calls, CancellationToken.None);
            await doAsync();
            return (first, written);
        }
    }

    private protected static RecordUsage[] Calls(params string[] users) =>
        [.. Enumerable.Range(0, Crowd).Select(n => Call(users[n % users.Length], WriterUnderTest.NewId("call")))];

    private protected static RecordUsage Call(string user, string requestId) =>
        new(new UsageRequest { UserId = user, AmountCents = 1, RequestId = requestId });

    private protected Task<decimal> BalanceAsync(string user) =>
        Database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'");
}
