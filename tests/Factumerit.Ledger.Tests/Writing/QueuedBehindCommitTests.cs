using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// Commands that arrive while a commit is under way share the next one. They are decided on the balances that it left,
/// whether it succeeds or fails.
/// </summary>
public sealed class QueuedBehindCommitTests : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const int Crowd = 40;
    private readonly TestDatabase _database;
    private readonly HandClock _clock = new();
    private readonly WriterUnderTest _ledger;

    public QueuedBehindCommitTests(TestDatabase database)
    {
        _database = database;
        _ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { QueueTimeoutMs = 5_000 }, _clock);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_crowd_that_queues_behind_a_commit_shares_the_next_one_R3_R13()
    {
        var (user, stranger) = (await _ledger.RememberedUserAsync(100), await _ledger.RememberedUserAsync(100));
        var calls = Calls(user, stranger);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, () => Task.CompletedTask);

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        calls.Where((_, n) => n % 2 == 0).Select(c => c.Outcome.Answer!.BalanceCents)
            .ShouldBe(Enumerable.Range(1, Crowd / 2).Select(n => 98m - n));
        calls.Where((_, n) => n % 2 == 1).Select(c => c.Outcome.Answer!.BalanceCents)
            .ShouldBe(Enumerable.Range(1, Crowd / 2).Select(n => 99m - n));
        (await BalanceAsync(user), await BalanceAsync(stranger)).ShouldBe((98 - (Crowd / 2), 99 - (Crowd / 2)));
        (await WriterUnderTest.CommitsOfAsync(_database, user))
            .ShouldBe(3, "the one that made the budget known, the one that was waited for, and the crowd's");
        await _database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_balance_that_changed_under_the_commit_under_way_is_read_again_R4()
    {
        var user = await _ledger.RememberedUserAsync(100);
        var calls = Calls(user);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, async () =>
        {
            await _database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 3 WHERE user_id = '{user}'");
        });

        (await first).Answer!.BalanceCents.ShouldBe(2);
        await written;
        calls.Select(c => c.Outcome.Answer?.BalanceCents)
            .ShouldBe([1, 0, .. Enumerable.Repeat<decimal?>(null, Crowd - 2)]);
        calls[2..].ShouldAllBe(c => c.Outcome.Refusal == new Refusal.InsufficientCredit(user, 0));
        (await BalanceAsync(user)).ShouldBe(0);
        (await _database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'")).ShouldBe(4);
    }

    [Fact]
    public async Task A_connection_that_ends_under_the_commit_under_way_costs_nobody_anything_R12()
    {
        var user = await _ledger.RememberedUserAsync(100);
        var calls = Calls(user);
        var (first, written) = await WhileOneIsUnderWayAsync(user, calls, async () =>
        {
            await _database.ExecuteAsync("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'factumerit-ledger-writer' AND datname = current_database()
                AND wait_event_type = 'Lock'
                """);
        });

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        calls.Select(c => c.Outcome.Answer!.BalanceCents).ShouldBe(Enumerable.Range(1, Crowd).Select(n => 98m - n));
        (await _database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{user}'"))
            .ShouldBe(Crowd + 2);
        await _database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_call_that_is_refused_leaves_its_neighbours_alone_R9_R10()
    {
        var (user, poor) = (await _ledger.RememberedUserAsync(100), await _ledger.RememberedUserAsync(2));
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
        await _database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_call_that_waited_too_long_or_whose_caller_left_has_written_nothing()
    {
        var user = await _ledger.RememberedUserAsync(100);
        var (late, left) = (Calls(user), Calls(user));
        using var caller = new CancellationTokenSource();
        var leaving = Task.CompletedTask;
        var (first, written) = await WhileOneIsUnderWayAsync(user, late, async () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(4));
            leaving = _ledger.Writer.WriteAsync(left, caller.Token);
            await caller.CancelAsync();
            _clock.Advance(TimeSpan.FromSeconds(1.5));
        });

        (await first).Answer!.BalanceCents.ShouldBe(98);
        await written;
        late.ShouldAllBe(c => c.Outcome.Refusal is Refusal.Unavailable);
        await Should.ThrowAsync<OperationCanceledException>(leaving);
        (await BalanceAsync(user)).ShouldBe(98);
        (await _ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(97);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(_ledger.Writer.Waiting == 0));
        await _database.AssertIntegrityAsync();
    }

    // One usage of the user waits for the writers' turn, the calls come, and then the turn is free.
    private async Task<(Task<Outcome<RecordedUsage>> First, Task Written)> WhileOneIsUnderWayAsync(
        string user, IReadOnlyList<RecordUsage> calls, Func<Task> doAsync)
    {
        await using (await _ledger.TakeTurnAsync())
        {
            var first = await _ledger.OccupyAsync(_database, user);
            var written = _ledger.Writer.WriteAsync(calls, CancellationToken.None);
            await doAsync();
            return (first, written);
        }
    }

    private static RecordUsage[] Calls(params string[] users) =>
        [.. Enumerable.Range(0, Crowd).Select(n => Call(users[n % users.Length], WriterUnderTest.NewId("call")))];

    private static RecordUsage Call(string user, string requestId) =>
        new(new UsageRequest { UserId = user, AmountCents = 1, RequestId = requestId });

    private Task<decimal> BalanceAsync(string user) =>
        _database.ScalarAsync<decimal>($"SELECT balance_cents FROM user_budgets WHERE user_id = '{user}'");
}
