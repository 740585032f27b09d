using System.Diagnostics;
using System.Text;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// What the writer does if the database fails: it retries with fresh state, gives up cleanly, or finds the failing
/// command.
/// </summary>
public sealed class RetryTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const string Writers = "application_name = 'factumerit-ledger-writer' AND datname = current_database()";

    [Fact]
    public async Task A_serialization_failure_is_decided_again_on_fresh_state()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(5);
        await using var connection = await database.Ledger.Readers.OpenConnectionAsync();
        await using var other = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(
            $"UPDATE user_budgets SET balance_cents = 0 WHERE user_id = '{user}'", connection);
        await command.ExecuteNonQueryAsync();

        var usage = ledger.UseAsync(user, 1);
        await WriterUnderTest.UntilAsync(() => database.ScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {Writers} AND wait_event_type = 'Lock')"));
        await other.CommitAsync();

        (await usage).Refusal.ShouldBe(new Refusal.InsufficientCredit(user, 0, 0));
        await database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 5 WHERE user_id = '{user}'");
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_request_that_another_inserted_first_is_found_R9()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(5);
        await using var connection = await database.Ledger.Readers.OpenConnectionAsync();
        await using var other = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand($"""
            INSERT INTO llm_usage (
                id, user_id, request_id, billing_status, user_price_cents, occurred_at, created_at, balance_after_cents,
                request_hash)
            VALUES (gen_random_uuid(), '{user}', 'call-1', 'billed', 0, now(), now(), 5, 0)
            """, connection);
        await command.ExecuteNonQueryAsync();

        var usage = ledger.UseAsync(user, 1, "call-1");
        await WriterUnderTest.UntilAsync(() => database.ScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {Writers} AND wait_event_type = 'Lock')"));
        await other.CommitAsync();

        (await usage).Refusal.ShouldBe(new Refusal.IdempotencyKeyReused("call-1"));
        await database.AssertIntegrityAsync();
    }

    [Theory]
    [InlineData("40001", "ledger_entries", "IMMEDIATE")]
    [InlineData("40001", "ledger_entries", "DEFERRED")]
    [InlineData("40P01", "user_budgets", "IMMEDIATE")]
    [InlineData("40P01", "llm_usage", "DEFERRED")]
    [InlineData("53200", "llm_usage", "DEFERRED")]
    public async Task A_passing_failure_is_tried_again_and_the_caller_knows_nothing_of_it(
        string sqlState, string table, string when)
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(5);
        Outcome<RecordedUsage> outcome;
        await using (await Sabotage.OfAsync(database, table, when, sqlState, timesMax: 3))
        {
            outcome = await ledger.UseAsync(user, 1);
            (await Sabotage.TimesAsync(database)).ShouldBeGreaterThan(3);
        }

        outcome.Replayed.ShouldBeFalse();
        outcome.Answer!.BalanceCents.ShouldBe(4);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task When_retries_are_spent_the_caller_is_refused_and_nothing_was_written()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { AttemptsMax = 3 });
        var user = await ledger.UserAsync(5);
        await using (await Sabotage.OfAsync(database, "ledger_entries", "IMMEDIATE", "40001"))
        {
            (await ledger.UseAsync(user, 1, "spent")).Refusal.ShouldBeOfType<Refusal.Unavailable>();
            (await Sabotage.TimesAsync(database)).ShouldBe(3);
        }

        await database.AssertIntegrityAsync();
        var again = await ledger.UseAsync(user, 1, "spent");
        again.Replayed.ShouldBeFalse();
        again.Answer!.BalanceCents.ShouldBe(4);
    }

    [Fact]
    public async Task A_single_attempt_may_be_configured()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString, new WriterOptions { AttemptsMax = 1 });
        await using (await Sabotage.OfAsync(database, "ledger_entries", "IMMEDIATE", "40001"))
        {
            (await ledger.GrantAsync(WriterUnderTest.NewId("user"), 1)).Refusal.ShouldBeOfType<Refusal.Unavailable>();
            (await Sabotage.TimesAsync(database)).ShouldBe(1);
        }
    }

    [Theory]
    [InlineData("IMMEDIATE")]
    [InlineData("DEFERRED")]
    public async Task A_command_that_the_database_will_not_take_fails_alone(string when)
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(100);
        Task<Outcome<RecordedUsage>> poison;
        List<Task<Outcome<RecordedUsage>>> neighbours;
        await using (await Sabotage.OfAsync(database, "ledger_entries", when, "23514", "NEW.description = 'poison'"))
        {
            await using (await ledger.TakeTurnAsync())
            {
                neighbours = [await ledger.OccupyAsync(database, user)];
                neighbours.AddRange(Enumerable.Range(0, 5).Select(_ => ledger.UseAsync(user, 1)));
                poison = ledger.UseAsync(user, 1, "poison", "poison");
                neighbours.AddRange(Enumerable.Range(0, 5).Select(_ => ledger.UseAsync(user, 1)));
            }
            (await Should.ThrowAsync<PostgresException>(poison)).SqlState.ShouldBe("23514");
            (await Task.WhenAll(neighbours)).ShouldAllBe(outcome => outcome.Answer != null && !outcome.Replayed);
        }

        (await ledger.UseAsync(user, 1, "poison", "poison")).Answer!.BalanceCents.ShouldBe(88);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_command_that_can_not_even_be_sent_fails_alone_and_without_doubt()
    {
        await using var ledger = new WriterUnderTest(database.ConnectionString);
        var user = await ledger.UserAsync(100);
        var unsendable = new Unsendable(user);
        Task<Outcome<RecordedUsage>> before, after;
        Task failing;
        await using (await ledger.TakeTurnAsync())
        {
            before = await ledger.OccupyAsync(database, user);
            failing = ledger.Writer.WriteAsync([unsendable], CancellationToken.None);
            after = ledger.UseAsync(user, 1);
        }

        await Should.ThrowAsync<EncoderFallbackException>(failing);
        (await before).Answer!.BalanceCents.ShouldBe(99);
        (await after).Answer!.BalanceCents.ShouldBe(98);
        // Once with its neighbour and once alone: a commit that certainly failed is neither looked up nor retried.
        unsendable.TimesApplied.ShouldBe(2);
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task R12_connections_that_are_ended_again_and_again_cost_no_answer_and_no_cent()
    {
        await using var ledger = new WriterUnderTest(
            database.ConnectionString,
            new WriterOptions { BatchLimit = 20, AttemptsMax = 50, QueueTimeoutMs = 120_000 });
        var user = await ledger.UserAsync(1000);
        using var enough = new CancellationTokenSource();
        var killer = EndConnectionsAsync(enough.Token);

        var outcomes = new List<Outcome<RecordedUsage>>();
        while (outcomes.Count < 300)
            outcomes.AddRange(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => ledger.UseAsync(user, 1))));
        await enough.CancelAsync();

        (await killer).ShouldBeGreaterThan(2);
        outcomes.ShouldAllBe(outcome => outcome.Answer != null && !outcome.Replayed);
        outcomes.Select(outcome => outcome.Answer!.BalanceCents).Order()
            .ShouldBe(Enumerable.Range(700, 300).Select(cents => (decimal)cents));
        await database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_logger_that_throws_costs_one_answer_and_not_those_after_it()
    {
        await using var ledger = new WriterUnderTest(
            database.ConnectionString, new WriterOptions { AttemptsMax = 1 }, logger: new BrokenLogger());
        var user = await ledger.UserAsync(5);
        await using (await Sabotage.OfAsync(database, "ledger_entries", "IMMEDIATE", "40001"))
            await Should.ThrowAsync<IOException>(ledger.UseAsync(user, 1));

        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(4);
    }

    [Fact]
    public async Task A_bug_of_the_writers_own_loop_costs_one_answer_and_not_those_after_it()
    {
        var clock = new BrokenClock();
        await using var ledger = new WriterUnderTest(database.ConnectionString, clock: clock);
        var user = await ledger.UserAsync(5);

        clock.IsBroken = true;
        await Should.ThrowAsync<NotSupportedException>(ledger.UseAsync(user, 1).WaitAsync(TimeSpan.FromSeconds(30)));
        clock.IsBroken = false;

        (await ledger.UseAsync(user, 1)).Answer!.BalanceCents.ShouldBe(4);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(ledger.Writer.Waiting == 0));
    }

    private async Task<int> EndConnectionsAsync(CancellationToken enough)
    {
        var ended = 0;
        while (!enough.IsCancellationRequested)
        {
            ended += (int)await database.ScalarAsync<long>(
                $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {Writers} AND state <> 'idle'");
            await Task.Delay(TimeSpan.FromMilliseconds(10), CancellationToken.None);
        }
        return ended;
    }

    /// <summary>Posts half a character, which has no UTF-8. No operation lets such text in.</summary>
    private sealed class Unsendable(string userId) : Command
    {
        public int TimesApplied { get; private set; }

        internal override void Declare(Needs needs) => needs.User(userId);

        public override void Validate(FieldErrors errors)
        {
        }

        internal override void Apply(WorkingSet state)
        {
            TimesApplied++;
            state.Post(LedgerTransaction.Move(
                1, ChartOfAccounts.User(userId), ChartOfAccounts.ApiExpense, "llm_call", description: "\ud800"));
        }

        internal override void Refuse(Refusal refusal)
        {
        }
    }

    /// <summary>Fails where the loop makes up a batch, outside of what a commit catches.</summary>
    private sealed class BrokenClock : TimeProvider
    {
        public bool IsBroken { get; set; }

        public override long GetTimestamp() =>
            IsBroken && new StackTrace().GetFrames().Any(frame => frame.GetMethod()?.Name == "TakeBatch")
                ? throw new NotSupportedException("a bug")
                : base.GetTimestamp();
    }

    private sealed class BrokenLogger : ILogger<LedgerWriter>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            throw new IOException("No space is left on the device.");
    }
}
