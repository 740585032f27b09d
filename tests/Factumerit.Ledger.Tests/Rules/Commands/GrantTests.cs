using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Grants: R6 (an unknown user gets a budget), R11 (a deleted user gets none), and what can be kept.</summary>
public sealed class GrantTests
{
    [Fact]
    public void A_grant_comes_from_grants_equity()
    {
        var books = new Books().WithUser("alice", -7);
        var receipt = books.Apply(new Grant(
            new() { UserId = "alice", AmountCents = 500, Reason = "sorry", AdminId = "carol" }, "key-1"))
            .Answer.ShouldNotBeNull();

        receipt.Budget.BalanceCents.ShouldBe(493);
        receipt.Budget.TotalAddedCents.ShouldBe(500);
        books.Entries().ShouldBe(["equity:grants 500 0", "user:alice 0 500"]);
        var entry = books.State.NewEntries[0];
        (entry.TransactionId, entry.ReferenceType, entry.ReferenceId, entry.Description)
            .ShouldBe((receipt.TransactionId, "admin_credit", "carol", "sorry"));
        books.History().Single().ShouldBe(("alice", 500, 493, "admin_credit", "sorry"));
    }

    [Fact]
    public void The_caller_is_the_admin_where_none_is_named()
    {
        var books = new Books();
        books.Grant("alice", 1);
        books.State.NewEntries[0].ReferenceId.ShouldBe("root");
    }

    [Fact]
    public void An_unknown_user_gets_a_budget_R6()
    {
        var books = new Books();
        var first = books.Grant("new", 20).Answer.ShouldNotBeNull();
        (first.Budget.BalanceCents, first.UserCreated).ShouldBe((20m, true));
        books.State.ChangedUsers.Single().CreatedAt.ShouldBe(Books.Now);
        books.Grant("new", 1).Answer.ShouldNotBeNull().UserCreated.ShouldBe(false);
    }

    [Fact]
    public void Without_create_user_an_unknown_user_is_refused_R10()
    {
        var books = new Books().WithUser("alice").WithDeletedUser("gone");
        Grant("alise", "key-1").Refusal.ShouldBeOfType<Refusal.UserNotFound>().Detail.ShouldBe(
            "There is no user alise. "
            + "Check the id, sign the user up with POST /users, or leave out create_user to open a budget.");
        books.HasChanges.ShouldBeFalse();
        Grant("gone", "key-1").Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        Grant("alice", "key-1").Answer.ShouldNotBeNull().UserCreated.ShouldBe(false);

        Outcome<GrantReceipt> Grant(string userId, string key) =>
            books.Apply(new Grant(new() { UserId = userId, AmountCents = 5, CreateUser = false }, key));
    }

    [Fact]
    public void A_grant_needs_no_headroom_R8() =>
        new Books().WithUser("bob", 500).WithTotals(0).Grant("alice", 1000).Answer.ShouldNotBeNull();

    [Fact]
    public void A_deleted_user_gets_nothing_R11()
    {
        var books = new Books().WithDeletedUser("alice");
        books.Grant("alice", 5).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void A_balance_beyond_what_the_columns_hold_is_refused()
    {
        var books = new Books().WithUser("alice", Money.BalanceCentsMax - 5);
        books.Grant("alice", 5.0000001m).Refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys
            .ShouldBe(["amount_cents"]);
        books.HasChanges.ShouldBeFalse();
        books.Grant("alice", 5).Answer.ShouldNotBeNull().Budget.BalanceCents.ShouldBe(9_999_999_999_999.9999999m);
    }

    [Fact]
    public void A_grant_needs_a_key_R9() =>
        Books.ErrorsOf(new Grant(new() { UserId = "alice", AmountCents = 1 }, null)).Keys.ShouldBe(["Idempotency-Key"]);

    [Fact]
    public void Every_wrong_field_is_named() =>
        Books.ErrorsOf(new Grant(new() { UserId = "", AmountCents = 0, Reason = "\0", AdminId = "" }, "")).Keys
            .ShouldBe(["Idempotency-Key", "user_id", "amount_cents", "reason", "admin_id"]);
}
