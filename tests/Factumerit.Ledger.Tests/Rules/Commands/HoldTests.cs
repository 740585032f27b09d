using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Holds: R21 (available credit), R22 (settling), R23 (expiry) and R24 (a hold ends once).</summary>
public sealed class HoldTests
{
    [Fact]
    public void A_hold_moves_no_money_and_leaves_less_available_R21_R22()
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.SetAside("alice", 30).Answer.ShouldNotBeNull();

        (hold.State, hold.RequestedCents, hold.HeldCents, hold.SettledCents, hold.IsPartial)
            .ShouldBe(("open", 30m, 30m, 0m, false));
        (hold.BalanceCents, hold.AvailableCents).ShouldBe((100m, 70m));
        hold.ExpiresAt.ShouldBe(Books.Now.AddSeconds(600));
        books.Entries().ShouldBeEmpty();
        books.History().ShouldBeEmpty();
        var budget = books.State.FindUser("alice")!.ToBudget();
        (budget.BalanceCents, budget.HeldCents, budget.AvailableCents, budget.HasCredit)
            .ShouldBe((100m, 30m, 70m, true));
    }

    [Fact]
    public void What_is_held_can_be_spent_by_nobody_else_R21()
    {
        var books = new Books().WithUser("alice", 100);
        books.SetAside("alice", 100).Answer.ShouldNotBeNull();

        var refused = books.Use("alice", 1).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (refused.BalanceCents, refused.AvailableCents, refused.RequestedCents).ShouldBe((100m, 0m, null));
        books.SetAside("alice", 0.0000001m).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>()
            .RequestedCents.ShouldBe(0.0000001m);
        // R5: a free call needs no credit.
        books.Use("alice", 0).Answer.ShouldNotBeNull();
    }

    [Fact]
    public void A_hold_of_more_than_is_available_is_refused_or_partial()
    {
        var books = new Books().WithUser("alice", 100);
        books.SetAside("alice", 100.0000001m).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>()
            .Detail.ShouldContain("100.0000001");
        books.HasChanges.ShouldBeFalse();

        var hold = books.SetAside("alice", 250, isPartial: true).Answer.ShouldNotBeNull();
        (hold.RequestedCents, hold.HeldCents, hold.IsPartial, hold.AvailableCents).ShouldBe((250m, 100m, true, 0m));
        books.SetAside("alice", 1, isPartial: true).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
    }

    [Fact]
    public void An_unknown_user_has_nothing_to_hold_R6()
    {
        var books = new Books();
        var refused = books.SetAside("nobody", 1).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (refused.BalanceCents, refused.AvailableCents, refused.RequestedCents).ShouldBe((null, 0m, 1m));
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void A_deleted_user_has_nothing_to_hold_R11() =>
        new Books().WithDeletedUser("gone").SetAside("gone", 1).Refusal.ShouldBeOfType<Refusal.UserDeleted>();

    [Theory]
    [InlineData(12, 88)]
    [InlineData(30, 70)]
    [InlineData(45, 55)]
    [InlineData(130, -30)]
    public void The_usage_that_settles_is_recorded_in_full_and_frees_the_rest_R22(decimal cents, decimal left)
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.SetAside("alice", 30).Answer!;

        var usage = books.Settle("alice", cents, hold.HoldId).Answer.ShouldNotBeNull();

        (usage.AmountCents, usage.BalanceCents).ShouldBe((cents, left));
        var user = books.State.FindUser("alice")!;
        (user.BalanceCents, user.HeldCents, user.AvailableCents).ShouldBe((left, 0m, left));
        var settled = books.FindHold(hold.HoldId)!;
        (settled.State, settled.HeldCents, settled.SettledCents, settled.ClosedAt)
            .ShouldBe((Hold.Settled, 0m, cents, Books.Now));
        books.State.NewUsages.Single().HoldId.ShouldBe(hold.HoldId);
    }

    [Fact]
    public void A_hold_that_stays_open_shrinks_by_what_is_used_R22()
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.SetAside("alice", 30).Answer!;

        books.Settle("alice", 12, hold.HoldId, closes: false).Answer.ShouldNotBeNull();
        State().ShouldBe((Hold.Open, 18m, 12m, 88m, 70m));
        books.Settle("alice", 25, hold.HoldId, closes: false).Answer.ShouldNotBeNull();
        State().ShouldBe((Hold.Open, 0m, 37m, 63m, 63m));
        books.Settle("alice", 1, hold.HoldId).Answer.ShouldNotBeNull();
        State().ShouldBe((Hold.Settled, 0m, 38m, 62m, 62m));

        (string, decimal, decimal, decimal, decimal) State()
        {
            var (now, user) = (books.FindHold(hold.HoldId)!, books.State.FindUser("alice")!);
            return (now.State, now.HeldCents, now.SettledCents, user.BalanceCents, user.AvailableCents);
        }
    }

    [Fact]
    public void A_covered_usage_needs_no_other_credit_and_an_uncovered_one_does_R4_R22()
    {
        var books = new Books().WithUser("alice", 10);
        var hold = books.SetAside("alice", 10).Answer!;
        books.Settle("alice", 15, hold.HoldId, closes: false).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-5);
        books.Settle("alice", 5, hold.HoldId).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-10);
        // R24: the hold has ended, so the usage is judged as one without a hold.
        books.Settle("alice", 5, hold.HoldId).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
    }

    [Fact]
    public void A_usage_that_names_an_ended_hold_is_recorded_with_it_R24()
    {
        var books = new Books().WithUser("alice", 10);
        var hold = books.SetAside("alice", 5).Answer!;
        books.Settle("alice", 1, hold.HoldId).Answer.ShouldNotBeNull();
        books.Settle("alice", 2, hold.HoldId).Answer.ShouldNotBeNull();
        books.State.NewUsages.ShouldAllBe(usage => usage.HoldId == hold.HoldId);
        books.FindHold(hold.HoldId)!.SettledCents.ShouldBe(1);
    }

    [Fact]
    public void The_hold_of_another_user_and_an_unknown_hold_are_not_found_R10()
    {
        var books = new Books().WithUser("alice", 10).WithUser("bob", 10);
        var hold = books.SetAside("alice", 5).Answer!;
        books.Settle("bob", 1, hold.HoldId).Refusal.ShouldBeOfType<Refusal.NotFound>();
        books.Settle("bob", 1, Guid.NewGuid()).Refusal.ShouldBeOfType<Refusal.NotFound>();
    }

    [Fact]
    public void A_call_without_a_price_leaves_the_hold_open_R16()
    {
        var books = new Books().WithUser("alice", 10);
        var hold = books.SetAside("alice", 5).Answer!;
        books.Apply(new RecordUsage(new() { UserId = "alice", RequestId = "r", Model = "m", HoldId = hold.HoldId }))
            .Answer.ShouldNotBeNull().BillingStatus.ShouldBe("needs_review");
        books.FindHold(hold.HoldId)!.State.ShouldBe(Hold.Open);
        books.State.FindUser("alice")!.AvailableCents.ShouldBe(5);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    public void A_hold_counts_until_the_microsecond_at_which_it_expires_R23(int microsecondsLeft, bool counts)
    {
        var books = new Books();
        var hold = books.WithHold("alice", 10, 10, Books.Now.AddMicroseconds(microsecondsLeft));

        books.FindHold(hold.Id)!.State.ShouldBe(counts ? Hold.Open : Hold.Expired);
        books.State.FindUser("alice")!.AvailableCents.ShouldBe(counts ? 0 : 10);
        (books.Use("alice", 1).Refusal is null).ShouldBe(!counts);
    }

    [Fact]
    public void A_late_settle_is_recorded_once_without_asking_for_credit_R23()
    {
        var books = new Books();
        var hold = books.WithHold("alice", 10, 10, Books.Now.AddSeconds(-1));
        books.Use("alice", 12).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-2);

        books.Settle("alice", 7, hold.Id).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-9);

        var late = books.FindHold(hold.Id)!;
        (late.State, late.SettledCents, late.HeldCents, late.ClosedAt)
            .ShouldBe((Hold.Expired, 7m, 0m, hold.ExpiresAt));
        books.State.FindUser("alice")!.Held.StoredCents.ShouldBe(0);
        books.Settle("alice", 1, hold.Id).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
    }

    [Fact]
    public void A_release_gives_the_credit_back_and_a_second_one_changes_nothing_R24()
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.FindHold(books.SetAside("alice", 30).Answer!.HoldId)!;

        var released = books.Apply(new ReleaseHold(new() { Reason = "cancelled" }, hold)).Answer.ShouldNotBeNull();
        (released.State, released.HeldCents, released.AvailableCents).ShouldBe(("released", 0m, 100m));
        books.FindHold(hold.Id)!.ReleaseReason.ShouldBe("cancelled");
        books.Apply(new ReleaseHold(new() { Reason = "again" }, hold)).Answer.ShouldNotBeNull().State
            .ShouldBe("released");
        books.FindHold(hold.Id)!.ReleaseReason.ShouldBe("cancelled");
        Increase(books, hold, cents: 1).Refusal.ShouldBeOfType<Refusal.HoldClosed>().State.ShouldBe("released");
    }

    [Fact]
    public void A_hold_that_was_settled_or_has_expired_is_neither_released_nor_increased_R24()
    {
        var books = new Books();
        var expired = books.WithHold("alice", 10, 5, Books.Now);
        var open = books.WithHold("bob", 10, 5, Books.Now.AddSeconds(1));
        books.Settle("bob", 1, open.Id).Answer.ShouldNotBeNull();

        foreach (var (hold, state) in new[] { (expired, "expired"), (open, "settled") })
        {
            books.Apply(new ReleaseHold(new(), hold)).Refusal.ShouldBeOfType<Refusal.HoldClosed>().State
                .ShouldBe(state);
            Increase(books, hold, cents: 1).Refusal.ShouldBeOfType<Refusal.HoldClosed>().State.ShouldBe(state);
        }
    }

    [Fact]
    public void An_increase_adds_credit_and_time_and_never_shortens()
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.FindHold(books.SetAside("alice", 30).Answer!.HoldId)!;

        var increased = Increase(books, hold, cents: 20, seconds: 900).Answer.ShouldNotBeNull();
        (increased.RequestedCents, increased.HeldCents, increased.AvailableCents, increased.ExpiresAt)
            .ShouldBe((50m, 50m, 50m, Books.Now.AddSeconds(900)));
        Increase(books, hold, seconds: 10).Answer.ShouldNotBeNull().ExpiresAt.ShouldBe(Books.Now.AddSeconds(900));
        Increase(books, hold, cents: 50.0000001m).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>()
            .AvailableCents.ShouldBe(50);
    }

    [Fact]
    public void Deleting_a_user_ends_the_holds_in_the_same_commit_R11_R24()
    {
        var books = new Books().WithUser("alice", 100);
        var hold = books.SetAside("alice", 30).Answer!;
        var other = books.WithHold("bob", 10, 5, Books.Now.AddSeconds(1));

        books.Delete("alice").Answer.ShouldNotBeNull().ForfeitedCents.ShouldBe(100);
        books.FindHold(hold.HoldId)!.State.ShouldBe("released");
        books.State.Holds.EndedUsers.ShouldBe(["alice"]);
        books.State.FindUser("alice")!.ToBudget().HeldCents.ShouldBe(0);
        books.Settle("alice", 1, hold.HoldId).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.FindHold(other.Id)!.State.ShouldBe("open");
    }

    [Fact]
    public void An_external_id_stands_in_for_the_key_while_its_hold_is_open_R9()
    {
        var books = new Books().WithUser("alice", 100).WithUser("bob", 100);
        var first = Place("alice", 30).Answer.ShouldNotBeNull();

        var again = Place("alice", 30);
        (again.Replayed, again.Answer!.HoldId).ShouldBe((true, first.HoldId));
        Place("alice", 31).Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>().Key.ShouldBe("run-1");
        Place("bob", 30).Answer.ShouldNotBeNull().HoldId.ShouldNotBe(first.HoldId);

        books.Settle("alice", 1, first.HoldId).Answer.ShouldNotBeNull();
        var second = Place("alice", 30);
        (second.Replayed, second.Answer!.HoldId != first.HoldId).ShouldBe((false, true));

        Outcome<HoldAnswer> Place(string userId, decimal cents) => books.Apply(new PlaceHold(
            new() { UserId = userId, AmountCents = cents, ExternalId = "run-1" }, null, Books.NoPrices));
    }

    [Fact]
    public void Expired_holds_are_marked_once_and_change_nothing_that_is_available_R23()
    {
        var books = new Books();
        var due = books.WithHold("alice", 10, 4, Books.Now);
        var open = books.WithHold("bob", 10, 4, Books.Now.AddMicroseconds(1));

        books.Apply(new ExpireHolds([due, open])).Answer.ShouldNotBeNull().Count.ShouldBe(1);
        books.Apply(new ExpireHolds([due, open])).Answer.ShouldNotBeNull().Count.ShouldBe(0);
        books.State.Holds.Changed.Select(hold => hold.Id).ShouldBe([due.Id]);
        var user = books.State.FindUser("alice")!;
        (user.Held.StoredCents, user.AvailableCents, user.Held.ExpireAt).ShouldBe((0m, 10m, null));
        books.State.FindUser("bob")!.AvailableCents.ShouldBe(6);
    }

    [Fact]
    public void Every_mistake_in_a_request_is_named()
    {
        Errors(new() { UserId = "alice" }).Keys.ShouldBe(["amount_cents"]);
        Errors(new() { UserId = "alice", AmountCents = 0 }).Keys.ShouldBe(["amount_cents"]);
        Errors(new() { UserId = "alice", Model = "m" }).Keys.ShouldBe(["amount_cents"]);
        Errors(new() { UserId = "alice", AmountCents = 1, PromptTokens = 1, MaxCompletionTokens = 1 }).Keys
            .ShouldBe(["prompt_tokens", "max_completion_tokens"], ignoreOrder: true);
        Errors(new() { UserId = "alice", Model = "m", PromptTokens = -1 }).Keys.ShouldBe(["prompt_tokens"]);
        Errors(new() { UserId = "alice", AmountCents = 1, ExpiresInSeconds = 9 }).Keys
            .ShouldBe(["expires_in_seconds"]);
        Errors(new() { UserId = "alice", AmountCents = 1, ExpiresInSeconds = 86_401 }).Keys
            .ShouldBe(["expires_in_seconds"]);
        Errors(new() { UserId = "alice", AmountCents = 1, ExternalId = "" }).Keys.ShouldBe(["external_id"]);
        Errors(new() { UserId = "alice", AmountCents = 1 }, key: null).Keys.ShouldBe(["external_id"]);
        Books.ErrorsOf(new IncreaseHold(new(), AnyHold(), "key")).Keys.ShouldBe(["amount_cents"]);
        Books.ErrorsOf(new IncreaseHold(new() { AmountCents = 1 }, AnyHold(), null)).Keys
            .ShouldBe(["Idempotency-Key"]);
        Books.ErrorsOf(new RecordUsage(new() { UserId = "a", RequestId = "r", ClosesHold = false })).Keys
            .ShouldBe(["closes_hold"]);

        static IReadOnlyDictionary<string, string[]> Errors(HoldRequest request, string? key = "key") =>
            Books.ErrorsOf(new PlaceHold(request, key, Books.NoPrices));
    }

    [Fact]
    public void A_model_without_a_price_is_named() =>
        new Books().WithUser("alice", 10).Apply(new PlaceHold(
            new() { UserId = "alice", Model = "m", PromptTokens = 1 }, "key", Books.NoPrices))
            .Refusal.ShouldBeOfType<Refusal.NotPriceable>().Detail.ShouldContain("amount_cents");

    private static Hold AnyHold() => new Books().WithHold("alice", 1, 1, Books.Now);

    private static Outcome<HoldAnswer> Increase(Books books, Hold hold, decimal? cents = null, long? seconds = null) =>
        books.Apply(new IncreaseHold(
            new() { AmountCents = cents, ExpiresInSeconds = seconds }, hold, Guid.NewGuid().ToString()));
}
