using Factumerit.Ledger.Tests.Rules;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>When the writer decides on remembered budgets, and when it reads.</summary>
public sealed class BudgetCacheTests
{
    private readonly RememberedBudgets _remembered = new(usersMax: 3);

    public BudgetCacheTests() => Remember("alice", "bob");

    [Fact]
    public void Remembered_users_are_lent_together_or_not_at_all()
    {
        Lend("alice", "carol").ShouldBeNull();
        var set = Lend("alice", "bob").ShouldNotBeNull("what could not be lent together is still there");
        set.Users.Select(u => u.UserId).ShouldBe(["alice", "bob"]);
        set.FindUser("alice")!.BalanceCents.ShouldBe(10);
    }

    [Fact]
    public void The_next_commit_decides_on_the_balances_of_the_last_one()
    {
        var last = Lend("alice")!;
        Books.Use(last, "alice", 1);

        var alice = Lend("alice")!.FindUser("alice")!;

        (alice.BalanceCents, alice.LoadedBalanceCents, alice.SpentCents, alice.DebitsCents, alice.EntryCount)
            .ShouldBe((9, 9, 0, 0, 0));
    }

    [Fact]
    public void Budgets_of_discarded_decisions_are_forgotten_and_can_be_read_again()
    {
        var set = Lend("alice", "bob")!;
        Books.Use(set, "alice", 1);
        _remembered.Forget(set);

        Remember("alice");

        Lend("alice")!.FindUser("alice")!.BalanceCents.ShouldBe(10);
        Lend("bob").ShouldBeNull();
    }

    [Fact]
    public void No_more_are_remembered_than_the_limit_and_no_deleted_user()
    {
        Remember("carol");
        Lend("alice", "bob", "carol").ShouldNotBeNull();
        Remember("alice", "bob", "carol");
        Remember("dave");
        Lend("alice").ShouldBeNull();
        Lend("dave").ShouldNotBeNull();
        Remember("alice", "bob", "carol", "dave");
        Lend("alice").ShouldBeNull();

        Remember("erin");
        _remembered.Keep(new Books().WithDeletedUser("erin").State);
        Lend("erin").ShouldBeNull();
    }

    [Fact]
    public void The_more_often_guesses_are_wrong_the_fewer_are_made()
    {
        var backoff = new GuessBackoff();
        foreach (var pause in (int[])[1, 3, 7, 15, 31, 63, 127, 127])
        {
            backoff.WasWrong(othersWrite: false);
            BatchesRead().ShouldBe(pause);
        }
        backoff.WasRight();
        BatchesRead().ShouldBe(0);
        backoff.WasWrong(othersWrite: true);
        BatchesRead().ShouldBe(127);
        backoff.OthersWrite.ShouldBeTrue();
        backoff.WasRight();
        backoff.OthersWrite.ShouldBeFalse();

        int BatchesRead()
        {
            for (var batches = 0; ; batches++)
                if (backoff.MayGuess())
                    return batches;
        }
    }

    private WorkingSet? Lend(params string[] users)
    {
        var set = new WorkingSet(Books.Now);
        return _remembered.TryLend(users, set) ? set : null;
    }

    private void Remember(params string[] users)
    {
        var set = new WorkingSet(Books.Now);
        foreach (var user in users)
            set.Load(new UserAccount { UserId = user, BalanceCents = 10, CreatedAt = Books.Now });
        _remembered.Keep(set);
    }
}
