using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Deletion: the budget is emptied and closed for good (R11).</summary>
public sealed class DeleteUserTests
{
    [Fact]
    public void Credit_that_is_left_is_forfeited_R11()
    {
        var books = new Books().WithUser("alice", 595);
        var deletion = books.Delete("alice").Answer.ShouldNotBeNull();

        deletion.ShouldBe(new Deletion("alice", 595, 0, books.State.NewEntries[0].TransactionId));
        books.Entries().ShouldBe(["user:alice 595 0", "equity:forfeit 0 595"]);
        books.State.NewEntries[0].ReferenceType.ShouldBe("forfeit");
        books.History().Single().ShouldBe(("alice", -595, 0, "forfeit", "User deleted"));
    }

    [Fact]
    public void A_debt_that_is_left_is_written_off_R11()
    {
        var books = new Books().WithUser("alice", -7.5m);
        var deletion = books.Delete("alice").Answer.ShouldNotBeNull();
        (deletion.ForfeitedCents, deletion.WrittenOffCents).ShouldBe((0m, 7.5m));
        books.Entries().ShouldBe(["equity:forfeit 7.5 0", "user:alice 0 7.5"]);
        books.State.NewBudgetTransactions.Single().AmountCents.ShouldBe(7.5m);
    }

    [Fact]
    public void An_empty_budget_is_closed_without_a_transaction_R11()
    {
        var books = new Books().WithUser("alice", 0);
        books.Delete("alice").Answer.ShouldBe(new Deletion("alice", 0, 0, null));
        books.Entries().ShouldBeEmpty();
        books.State.ChangedUsers.Single().DeletedAt.ShouldBe(Books.Now);
    }

    [Fact]
    public void A_deleted_budget_is_zero_and_closed_R11()
    {
        var books = new Books().WithUser("alice", 100);
        books.Delete("alice");
        var budget = books.State.FindUser("alice")!.ToBudget();
        (budget.BalanceCents, budget.HasCredit, budget.DeletedAt, budget.UpdatedAt)
            .ShouldBe((0m, false, Books.Now, Books.Now));
    }

    [Fact]
    public void Forfeiting_is_neither_spending_nor_adding()
    {
        var books = new Books().WithUser("alice", 100);
        books.Delete("alice");
        var budget = books.State.FindUser("alice")!.ToBudget();
        (budget.TotalSpentCents, budget.TotalAddedCents).ShouldBe((0m, 100m));
    }

    [Fact]
    public void Deleting_twice_changes_nothing_R11()
    {
        var books = new Books().WithUser("alice", 100);
        books.Delete("alice");
        var entries = books.Entries();
        books.Delete("alice").Answer.ShouldBe(new Deletion("alice", 0, 0, null));
        books.Entries().ShouldBe(entries);
    }

    [Fact]
    public void Deleting_a_user_deleted_earlier_writes_nothing_R11()
    {
        var books = new Books().WithDeletedUser("alice");
        books.Delete("alice").Answer.ShouldBe(new Deletion("alice", 0, 0, null));
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void Nothing_reopens_a_budget_closed_in_the_same_commit_R11()
    {
        var books = new Books().WithUser("alice", 100).WithTotals(1000);
        books.Delete("alice");
        books.Use("alice", 1).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.Use("alice", 0).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.Grant("alice", 1).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.SignUp("alice").Refusal.ShouldBeOfType<Refusal.UserDeleted>().Code.ShouldBe("user-deleted");
    }

    [Fact]
    public void An_unknown_user_is_not_found()
    {
        var books = new Books();
        books.Delete("nobody").Refusal.ShouldBe(new Refusal.UserNotFound("nobody", "Check the id."));
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void The_user_id_is_checked() => Books.ErrorsOf(new DeleteUser("al ice")).Keys.ShouldBe(["user_id"]);
}
