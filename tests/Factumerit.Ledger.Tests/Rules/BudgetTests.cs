namespace Factumerit.Ledger.Tests.Rules;

/// <summary>What a budget answers, and the words of each refusal that tells an amount.</summary>
public sealed class BudgetTests
{
    [Theory]
    [InlineData(1, false, true)]
    [InlineData(0, false, false)]
    [InlineData(-1, false, false)]
    [InlineData(0, true, false)]
    public void Credit_is_a_positive_balance_of_an_open_budget_R4(int balanceCents, bool isDeleted, bool hasCredit) =>
        new Books().WithUser("alice", balanceCents, isDeleted ? Books.Now : null).State.FindUser("alice")!
            .ToBudget().HasCredit.ShouldBe(hasCredit);

    [Fact]
    public void A_user_can_move_what_keeps_the_balance_within_its_column()
    {
        var max = Money.BalanceCentsMax;
        (User(0).CanSpend(max), User(0).CanAdd(max)).ShouldBe((true, true));
        (User(1).CanSpend(max), User(1).CanAdd(max)).ShouldBe((true, false));
        (User(-1).CanSpend(max), User(-1).CanAdd(max)).ShouldBe((false, true));

        static UserAccount User(decimal balance) =>
            new()
            {
                UserId = "alice",
                CreatedAt = Books.Now,
                BalanceCents = balance,
                TotalSpentCents = 9e20m,
                TotalAddedCents = 9e20m
            };
    }

    [Fact]
    public void A_refusal_tells_amounts_without_trailing_zeros()
    {
        new Refusal.InsufficientCredit("alice", -7.5000000m, -7.5000000m).Detail
            .ShouldStartWith("alice has -7.5 cents of credit; ");
        new Refusal.InsufficientHeadroom(50.0m, 100.10m).Detail
            .ShouldContain("credit of 100.1 cents exceeds the headroom of 50 cents");
    }

    [Fact]
    public void Each_refusal_has_its_stable_code() =>
        new Refusal[]
        {
            new Refusal.ValidationFailed("a", "is wrong"), new Refusal.InsufficientCredit("a", 0, 0),
            new Refusal.InsufficientHeadroom(0, 1),
            new Refusal.UserNotFound("a"), new Refusal.NotFound("usage"), new Refusal.UserDeleted("a"),
            new Refusal.IdempotencyKeyReused("k"),
            new Refusal.Unavailable("Busy."),
        }.Select(r => r.Code).ShouldBe([
            "validation-failed", "insufficient-credit", "insufficient-anthropic-credits", "user-not-found", "not-found",
            "user-deleted",
            "idempotency-key-reused", "unavailable"]);
}
