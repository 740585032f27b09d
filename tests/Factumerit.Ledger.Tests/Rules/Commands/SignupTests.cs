using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Signup: R7 (once per user), R8 (headroom), R11 (never again after deletion).</summary>
public sealed class SignupTests
{
    [Fact]
    public void A_signup_with_credit_takes_it_from_initial_equity()
    {
        var books = new Books().WithTotals(1000);
        var registration = books.SignUp("alice", 100).Answer.ShouldNotBeNull();

        registration.Existed.ShouldBeFalse();
        registration.Budget.BalanceCents.ShouldBe(100);
        registration.Budget.TotalAddedCents.ShouldBe(100);
        registration.Budget.TotalSpentCents.ShouldBe(0);
        registration.Budget.HasCredit.ShouldBeTrue();
        (registration.Budget.CreatedAt, registration.Budget.SignedUpAt).ShouldBe((Books.Now, Books.Now));
        books.Entries().ShouldBe(["equity:initial 100 0", "user:alice 0 100"]);
        var entry = books.State.NewEntries[0];
        (entry.ReferenceType, entry.ReferenceId).ShouldBe(("initial", null));
        books.History().Single().ShouldBe(("alice", 100, 100, "initial", "Signup credit"));
    }

    [Fact]
    public void A_signup_without_credit_posts_nothing()
    {
        var books = new Books();
        books.SignUp("alice").Answer.ShouldNotBeNull().Budget.HasCredit.ShouldBeFalse();
        books.Entries().ShouldBeEmpty();
        books.State.ChangedUsers.Single().UserId.ShouldBe("alice");
    }

    [Fact]
    public void An_existing_user_is_returned_unchanged_R7()
    {
        var books = new Books().WithUser("alice", 42).WithTotals(1000);
        var registration = books.SignUp("alice", 100, promoDays: 30).Answer.ShouldNotBeNull();

        registration.Existed.ShouldBeTrue();
        registration.Budget.BalanceCents.ShouldBe(42);
        registration.Budget.PromoExpiresAt.ShouldBeNull();
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void An_existing_user_is_returned_whatever_the_headroom_R7() =>
        new Books().WithUser("alice", 42).SignUp("alice", 1_000_000).Answer.ShouldNotBeNull().Existed.ShouldBeTrue();

    [Fact]
    public void The_first_signup_gives_its_credit_when_a_call_or_a_grant_opened_the_budget_R7()
    {
        var books = new Books().WithUser("alice", 42, isSignedUp: false).WithTotals(1000);
        var registration = books.SignUp("alice", 100, promoDays: 30).Answer.ShouldNotBeNull();

        registration.Existed.ShouldBeFalse();
        (registration.Budget.BalanceCents, registration.Budget.TotalAddedCents).ShouldBe((142m, 142m));
        (registration.Budget.SignedUpAt, registration.Budget.PromoExpiresAt)
            .ShouldBe((Books.Now, Books.Now.AddDays(30)));
        registration.Budget.CreatedAt.ShouldBe(Books.Now.AddDays(-30));
        books.Entries().ShouldBe(["equity:initial 100 0", "user:alice 0 100"]);
        books.State.FindUser("alice")!.SignsUp.ShouldBeTrue();
    }

    [Fact]
    public void A_second_signup_changes_nothing_whatever_the_first_gave_R7()
    {
        var books = new Books().WithUser("alice", 42, isSignedUp: false).WithTotals(1000);
        books.SignUp("alice").Answer.ShouldNotBeNull().Existed.ShouldBeFalse();
        var second = books.SignUp("alice", 100, promoDays: 30).Answer.ShouldNotBeNull();

        second.Existed.ShouldBeTrue();
        (second.Budget.BalanceCents, second.Budget.PromoExpiresAt).ShouldBe((42m, null));
    }

    [Fact]
    public void A_grant_and_a_signup_in_one_commit_give_both_R7()
    {
        var books = new Books().WithTotals(1000);
        books.Grant("alice", 5).Answer.ShouldNotBeNull().Budget.SignedUpAt.ShouldBeNull();
        books.SignUp("alice", 100).Answer.ShouldNotBeNull().Existed.ShouldBeFalse();
        books.Balance("alice").ShouldBe(105);
    }

    [Fact]
    public void A_late_signup_needs_headroom_R8()
    {
        var books = new Books().WithUser("alice", 900, isSignedUp: false).WithTotals(950);
        books.SignUp("alice", 100).Refusal.ShouldBeOfType<Refusal.InsufficientHeadroom>().AvailableCents
            .ShouldBe(50);
        books.HasChanges.ShouldBeFalse();
        books.SignUp("alice", 50).Answer.ShouldNotBeNull().Existed.ShouldBeFalse();
    }

    [Fact]
    public void A_late_signup_beyond_what_a_balance_holds_is_refused() =>
        new Books().WithUser("alice", Money.BalanceCentsMax, isSignedUp: false)
            .SignUp("alice", 1, isOverridden: true).Refusal
            .ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys.ShouldBe(["initial_credit_cents"]);

    [Fact]
    public void Two_signups_of_one_user_in_one_commit_give_credit_once_R7()
    {
        var books = new Books().WithTotals(1000);
        books.SignUp("alice", 100).Answer.ShouldNotBeNull().Existed.ShouldBeFalse();
        books.SignUp("alice", 100).Answer.ShouldNotBeNull().Existed.ShouldBeTrue();
        books.Balance("alice").ShouldBe(100);
    }

    [Fact]
    public void Credit_beyond_the_headroom_is_refused_R8()
    {
        var books = new Books().WithUser("bob", 900).WithTotals(1000);
        var refusal = books.SignUp("alice", 100.0000001m).Refusal
            .ShouldBeOfType<Refusal.InsufficientHeadroom>();
        (refusal.AvailableCents, refusal.RequestedCents).ShouldBe((100m, 100.0000001m));
        books.State.FindUser("alice").ShouldBeNull();
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void Credit_of_exactly_the_headroom_is_given_R8() =>
        new Books().WithUser("bob", 900).WithTotals(1000).SignUp("alice", 100).Answer.ShouldNotBeNull();

    [Fact]
    public void Two_signups_cannot_spend_the_same_headroom_R8()
    {
        var books = new Books().WithTotals(150);
        books.SignUp("alice", 100).Answer.ShouldNotBeNull();
        books.SignUp("bob", 100).Refusal.ShouldBeOfType<Refusal.InsufficientHeadroom>().AvailableCents
            .ShouldBe(50);
    }

    [Fact]
    public void All_providers_count_for_the_headroom_R8() =>
        new Books().WithTotals(60).WithProvider("openai", 40).SignUp("alice", 100).Answer.ShouldNotBeNull();

    [Fact]
    public void What_users_had_before_the_ledger_began_is_owed_too_R8() =>
        new Books(openingCents: 950).WithTotals(1000).SignUp("alice", 100).Refusal
            .ShouldBeOfType<Refusal.InsufficientHeadroom>().AvailableCents.ShouldBe(50);

    [Fact]
    public void A_user_in_debt_gives_headroom_R8() =>
        new Books().WithUser("bob", -50).WithTotals(50).SignUp("alice", 100).Answer.ShouldNotBeNull();

    [Fact]
    public void A_signup_without_credit_needs_no_headroom_R8() =>
        new Books().WithUser("bob", 900).WithTotals(0).SignUp("alice").Answer.ShouldNotBeNull();

    [Fact]
    public void The_check_can_be_overridden_R8()
    {
        var books = new Books();
        books.SignUp("alice", 100, isOverridden: true).Answer.ShouldNotBeNull();
        books.Balance("alice").ShouldBe(100);
    }

    [Fact]
    public void Totals_are_read_only_where_the_headroom_is_judged_R8()
    {
        Books.NeedsOf(new Signup(new() { UserId = "alice", InitialCreditCents = 1 })).Totals.ShouldBeTrue();
        Books.NeedsOf(new Signup(new() { UserId = "alice", InitialCreditCents = 0 })).Totals.ShouldBeFalse();
        Books.NeedsOf(new Signup(new() { UserId = "alice", InitialCreditCents = 1, OverrideHeadroomCheck = true }))
            .Totals.ShouldBeFalse();
    }

    [Fact]
    public void A_deleted_user_cannot_sign_up_again_R11()
    {
        var books = new Books().WithDeletedUser("alice").WithTotals(1000);
        books.SignUp("alice", 100).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void The_end_of_the_promotion_is_recorded() =>
        new Books().SignUp("alice", promoDays: 30).Answer.ShouldNotBeNull().Budget.PromoExpiresAt
            .ShouldBe(Books.Now.AddDays(30));

    [Theory]
    [InlineData(1, true)]
    [InlineData(3650, true)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(3651, false)]
    public void A_promotion_lasts_1_to_3650_days(int days, bool isTaken) =>
        Books.ErrorsOf(new Signup(new() { UserId = "alice", PromoTtlDays = days })).ContainsKey("promo_ttl_days")
            .ShouldBe(!isTaken);

    [Fact]
    public void Every_wrong_field_is_named() =>
        Books.ErrorsOf(new Signup(new() { UserId = "al ice", InitialCreditCents = -1, PromoTtlDays = 0 })).Keys
            .ShouldBe(["user_id", "initial_credit_cents", "promo_ttl_days"]);
}
