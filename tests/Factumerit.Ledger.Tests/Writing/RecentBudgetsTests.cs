using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Tests.Rules;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Time.Testing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>When the writer decides on what it remembers, and when it reads.</summary>
public sealed class RecentBudgetsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly RecentBudgets _recent;

    public RecentBudgetsTests()
    {
        _recent = new RecentBudgets(new WriterOptions { RememberedUsersMax = 3 }, _clock);
        _recent.SetTime(Books.Now);
        Remember("alice", "bob");
    }

    [Fact]
    public void Plain_usages_of_remembered_users_can_be_decided_at_the_time_that_has_passed()
    {
        _clock.Advance(TimeSpan.FromTicks(123_456_789 / 100));

        var state = Lend([Use("alice"), Use("bob"), Use("alice")]).ShouldNotBeNull();

        state.Users.Select(u => u.UserId).ShouldBe(["alice", "bob"]);
        state.FindUser("alice")!.BalanceCents.ShouldBe(10);
        state.Now.ShouldBe(Books.Now.AddMicroseconds(123_456));
    }

    [Fact]
    public void The_next_commit_decides_on_what_the_one_under_way_is_to_leave()
    {
        Use("alice").Apply(Lend([Use("alice")])!);

        var alice = Lend([Use("alice")])!.FindUser("alice")!;

        (alice.BalanceCents, alice.LoadedBalanceCents, alice.SpentCents, alice.DebitsCents, alice.EntryCount)
            .ShouldBe((9, 9, 0, 0, 0));
    }

    [Fact]
    public void What_was_decided_on_and_not_saved_is_forgotten_and_can_be_read_again()
    {
        var state = Lend([Use("alice"), Use("bob")])!;
        Use("alice").Apply(state);
        _recent.Forget(state);

        Remember("alice");

        Lend([Use("alice")])!.FindUser("alice")!.BalanceCents.ShouldBe(10);
        Lend([Use("bob")]).ShouldBeNull();
    }

    [Fact]
    public void Whoever_is_not_remembered_or_asks_for_more_than_a_budget_is_read()
    {
        Lend([Use("alice"), Use("carol")]).ShouldBeNull();
        Lend([Use("alice"), new Grant(new() { UserId = "bob", AmountCents = 1 }, "key")]).ShouldBeNull();
        Lend([new ReportedUsage(
            new() { UserId = "alice", ProviderCostUsd = 0.01m, RequestId = "r" },
            new UsageOrigin("litellm", ["r"], "derived-r"))]).ShouldBeNull();
        Lend([Use("alice"), Use("bob")]).ShouldNotBeNull("what could not be lent together is still there");
    }

    [Fact]
    public void The_time_is_read_every_second()
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        Lend([Use("alice")]).ShouldNotBeNull();
        _clock.Advance(TimeSpan.FromTicks(1));
        Lend([Use("bob")]).ShouldBeNull();
        _recent.SetTime(Books.Now.AddSeconds(1));
        Lend([Use("bob")]).ShouldNotBeNull();
        new RecentBudgets(new WriterOptions(), _clock).Begin(0).ShouldBeNull("no time is known yet");
    }

    [Fact]
    public void No_more_are_remembered_than_the_limit_and_nobody_who_is_deleted()
    {
        Remember("carol");
        Lend([Use("alice"), Use("bob"), Use("carol")]).ShouldNotBeNull();
        Remember("alice", "bob", "carol");
        Remember("dave");
        Lend([Use("alice")]).ShouldBeNull();
        Lend([Use("dave")]).ShouldNotBeNull();
        Remember("alice", "bob", "carol", "dave");
        Lend([Use("alice")]).ShouldBeNull();

        Remember("erin");
        _recent.Keep(new Books().WithDeletedUser("erin").State);
        Lend([Use("erin")]).ShouldBeNull();
    }

    [Fact]
    public void Saving_proves_only_what_brings_a_usage_each_and_moves_every_budget()
    {
        Proves(Use("alice"), Use("bob")).ShouldBeTrue();
        Proves(Use("alice"), Use("bob", cents: 0)).ShouldBeFalse("a balance was only looked at");
        Proves(Use("alice", requestId: "r"), Use("alice", requestId: "r")).ShouldBeFalse("a replay");
        Proves(Use("alice", cents: 10), Use("alice")).ShouldBeFalse("a refusal");

        static bool Proves(params Usage[] commands)
        {
            var state = new LedgerState(Books.Now);
            foreach (var user in commands.Select(c => c.UserId!).Distinct())
                state.Load(User(user));
            foreach (var command in commands)
                command.Apply(state);
            return RecentBudgets.IsProvenBySaving(state, commands.Length);
        }
    }

    [Fact]
    public void The_more_often_guesses_are_wrong_the_fewer_are_made()
    {
        foreach (var pause in (int[])[1, 3, 7, 15, 31, 63, 127, 127])
        {
            _recent.Learn(wasRight: false);
            TurnsRead().ShouldBe(pause);
        }
        _recent.Learn(wasRight: true);
        TurnsRead().ShouldBe(0);
        _recent.Learn(wasRight: false);
        TurnsRead().ShouldBe(127);

        int TurnsRead()
        {
            for (var turns = 0; ; turns++)
            {
                if (Lend([Use("alice")]) is not null)
                    return turns;
            }
        }
    }

    [Fact]
    public void A_draft_holds_what_all_have_decided_or_nothing_that_anybody_remembers()
    {
        Draft Of(params Usage[] commands)
        {
            var draft = new Draft(_recent, _clock);
            foreach (var command in commands)
            {
                draft.Add(new Submission([command], _clock.GetTimestamp(), CancellationToken.None));
                draft.Decide();
            }
            return draft;
        }

        Of(Use("alice"), Use("bob"), Use("alice")).Decided()
            .ShouldNotBeNull().FindUser("alice")!.BalanceCents.ShouldBe(8);
        Of(Use("alice"), Use("carol"), Use("bob")).Decided().ShouldBeNull("carol is not remembered");
        Lend([Use("alice")]).ShouldBeNull();
        Lend([Use("bob")]).ShouldNotBeNull("bob did not decide on what carol could not");
        Of(Use("bob", cents: 0)).Decided().ShouldBeNull("saving does not prove a balance that was only looked at");
        Lend([Use("bob")]).ShouldBeNull();
    }

    private LedgerState? Lend(IReadOnlyList<Command> commands) =>
        _recent.Begin(commands.Count) is { } state && commands.All(command => _recent.TryLend(state, command))
            ? state
            : null;

    private static Usage Use(string userId, decimal cents = 1, string? requestId = null) =>
        new(new() { UserId = userId, AmountCents = cents, RequestId = requestId ?? WriterUnderTest.NewId("call") });

    private static UserAccount User(string userId) =>
        new() { UserId = userId, BalanceCents = 10, CreatedAt = Books.Now };

    private void Remember(params string[] users)
    {
        var state = new LedgerState(Books.Now);
        foreach (var user in users)
            state.Load(User(user));
        _recent.Keep(state);
    }
}
