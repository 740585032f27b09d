using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// Billing and waiving usages that wait for review (R16): the postings, the source of the price, and when a decision is
/// allowed.
/// </summary>
public sealed class ReviewTests
{
    private static readonly DateTimeOffset Called = Books.Now.AddHours(-2);

    // A claude since ever, at a markup of 1.5; new since an hour ago, which is after the call.
    private static readonly Pricer Prices = new(
        new PriceBook(
        [
            new()
            {
                Model = "claude",
                Provider = "anthropic",
                InputUsdPerToken = 0.000003m,
                OutputUsdPerToken = 0.000015m,
                Version = 3
            },
            new()
            {
                Model = "new",
                Provider = "openai",
                InputUsdPerToken = 0.000001m,
                OutputUsdPerToken = 0,
                ValidFrom = Books.Now.AddHours(-1),
                Version = 4
            },
        ], 4),
        new Markups(new PricingOptions { Markup = 1.5m }));

    private readonly Books _books = new Books().WithUser("alice", 5);

    [Fact]
    public void Billed_at_an_amount_it_is_posted_like_any_usage_R16()
    {
        var billed = Bill(Waiting(), new() { AmountCents = 2 }).Answer!;

        _books.Entries().ShouldBe(["user:alice 2 0", "expense:api 0 2"]);
        var entry = _books.State.NewEntries[0];
        (entry.ReferenceType, entry.ReferenceId, entry.Description)
            .ShouldBe(("llm_call", "r", "A call"));
        (billed.BillingStatus, billed.UserPriceCents, billed.ReviewBalanceCents, billed.TransactionId)
            .ShouldBe(("billed", 2, 3, entry.TransactionId));
        (billed.ProviderCostUsd, billed.MarkupFactor, billed.PriceVersion).ShouldBe((null, null, null));
        (billed.ReviewedBy, billed.ReviewedAt, billed.ReviewNote).ShouldBe(("root", Books.Now, null));
        _books.State.FindUser("alice")!.TotalSpentCents.ShouldBe(2);
        _books.State.NewBudgetTransactions.ShouldHaveSingleItem().TransactionType.ShouldBe("llm_call");
    }

    [Fact]
    public void Billed_by_a_cost_it_keeps_the_cost_and_takes_the_markup_R19()
    {
        var billed = Bill(Waiting(), new() { ProviderCostUsd = 0.01m }).Answer!;

        (billed.UserPriceCents, billed.ProviderCostUsd, billed.MarkupFactor, billed.PriceVersion, billed.Provider)
            .ShouldBe((1.5m, 0.01m, 1.5m, null, "anthropic"));
        _books.Costs().ShouldBe([("anthropic", 0.01m)]);
    }

    [Fact]
    public void A_known_cost_goes_before_the_price_book_and_is_not_counted_twice_R15_R19()
    {
        var billed = Bill(
            Waiting() with { Provider = "anthropic", ProviderCostUsd = 0.02m, PriceVersion = 2 }, new()).Answer!;

        (billed.UserPriceCents, billed.ProviderCostUsd, billed.MarkupFactor, billed.PriceVersion)
            .ShouldBe((3, 0.02m, 1.5m, 2));
        _books.State.NewProviderCosts.ShouldBeEmpty();
    }

    [Fact]
    public void A_known_cost_counts_for_its_provider_once_that_is_known_R19()
    {
        Bill(Waiting() with { ProviderCostUsd = 0.02m }, new()).Answer!.Provider.ShouldBe("anthropic");
        _books.Costs().ShouldBe([("anthropic", 0.02m)]);
    }

    [Fact]
    public void Without_anything_the_price_book_is_asked_as_of_the_call_R18()
    {
        var billed = Bill(Waiting(), new()).Answer!;
        (billed.UserPriceCents, billed.ProviderCostUsd, billed.PriceVersion).ShouldBe((0.675m, 0.0045m, 3));
    }

    [Fact]
    public void And_as_of_now_when_it_had_no_price_then()
    {
        var billed = Bill(Waiting() with { Model = "new" }, new()).Answer!;
        (billed.UserPriceCents, billed.ProviderCostUsd, billed.PriceVersion, billed.Provider)
            .ShouldBe((0.15m, 0.001m, 4, "openai"));
    }

    [Theory]
    [InlineData("nobody-knows", 1L, null, "has no price of nobody-knows")]
    [InlineData(null, 1L, null, "names no model")]
    [InlineData("claude", null, null, "has no tokens")]
    [InlineData("claude", 1L, 2L, "don't add up")]
    public void What_has_nothing_to_make_a_price_of_stays_waiting_R10(
        string? model, long? prompt, long? cacheRead, string detail)
    {
        var refusal = Bill((Waiting() with { Model = model }).WithTokens(new(prompt, null, cacheRead)), new()).Refusal
            .ShouldBeOfType<Refusal.NotPriceable>();
        (refusal.Code, refusal.Detail.Contains(detail, StringComparison.Ordinal))
            .ShouldBe(("not-priceable", true), refusal.Detail);
    }

    [Fact]
    public void A_price_of_0_moves_no_money_but_is_billed_R5()
    {
        var billed = Bill(Waiting(), new() { AmountCents = 0 }).Answer!;
        (billed.BillingStatus, billed.UserPriceCents, billed.TransactionId, billed.ReviewBalanceCents)
            .ShouldBe(("billed", 0, null, 5));
        _books.State.NewEntries.ShouldBeEmpty();
    }

    [Fact]
    public void The_balance_is_not_asked_as_the_call_was_made_R4() =>
        Bill(Waiting(), new() { AmountCents = 8 }).Answer!.ReviewBalanceCents.ShouldBe(-3);

    [Fact]
    public void An_unknown_user_gets_a_budget_and_a_deleted_one_is_refused_R11()
    {
        Bill(Waiting() with { UserId = "bob" }, new() { AmountCents = 8 }).Answer!.ReviewBalanceCents.ShouldBe(-8);
        _books.WithDeletedUser("gone");
        Bill(Waiting() with { UserId = "gone" }, new() { AmountCents = 8 }).Refusal
            .ShouldBeOfType<Refusal.UserDeleted>();
    }

    [Fact]
    public void The_user_is_named_when_and_only_when_nobody_knew_whose_call_it_was()
    {
        Errors(Bill(Waiting() with { UserId = null }, new() { AmountCents = 1 })).ShouldBe(["user_id"]);
        Errors(Bill(Waiting(), new() { AmountCents = 1, UserId = "alice" })).ShouldBe(["user_id"]);
        var unknown = Waiting() with { UserId = null };
        Bill(unknown, new() { AmountCents = 1, UserId = "alice" }).Answer!.UserId.ShouldBe("alice");
        _books.State.FindUsage("alice", "r")!.Id.ShouldBe(unknown.Id);
    }

    [Fact]
    public void One_call_is_not_billed_twice_to_the_user_who_has_it_already_R17()
    {
        _books.Use("alice", 1, "r").Answer.ShouldNotBeNull();
        Errors(Bill(Waiting() with { UserId = null }, new() { AmountCents = 1, UserId = "alice" }))
            .ShouldBe(["user_id"]);
    }

    [Fact]
    public void A_cost_that_is_known_is_not_given_again_R15() =>
        Errors(Bill(Waiting() with { ProviderCostUsd = 0 }, new() { ProviderCostUsd = 1 }))
            .ShouldBe(["provider_cost_usd"]);

    [Fact]
    public void What_a_balance_can_not_hold_is_refused() =>
        Errors(Bill(
            Waiting() with { UserId = _books.WithUser("rich", -Money.BalanceCentsMax).Users.Last().UserId },
            new() { AmountCents = 1 })).ShouldBe(["amount_cents"]);

    [Fact]
    public void Waived_it_moves_no_money_and_says_why_R16()
    {
        var waived = Waive(Waiting(), "ours").Answer!;
        (waived.BillingStatus, waived.UserPriceCents, waived.TransactionId, waived.ReviewNote,
            waived.ReviewBalanceCents, waived.ReviewedBy)
            .ShouldBe(("waived", null, null, "ours", 5, "root"));
        (_books.State.NewEntries.Count, _books.State.ChangedUsers.Count).ShouldBe((0, 0));
        Waive(Waiting() with { UserId = null }, "nobody's").Answer!.BillingStatus.ShouldBe("waived");
    }

    [Fact]
    public void The_same_review_again_gets_its_first_answer_R9()
    {
        var usage = Waiting();
        var first = Bill(usage, new() { AmountCents = 2 }, "k").Answer;
        var again = Bill(usage, new() { AmountCents = 2.00m }, "k");
        (again.Answer, again.Replayed).ShouldBe((first, true));
        var unkeyed = Waiting();
        first = Waive(unkeyed, "ours").Answer;
        again = Waive(unkeyed, "ours");
        (again.Answer, again.Replayed).ShouldBe((first, true));
    }

    [Fact]
    public void A_key_with_another_review_is_refused_R9()
    {
        var usage = Waiting();
        Bill(usage, new() { AmountCents = 2 }, "k").Answer.ShouldNotBeNull();
        Bill(usage, new() { AmountCents = 3 }, "k").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        Waive(usage, "ours", "k").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void Any_other_reviewer_is_told_that_it_was_decided_R16()
    {
        var usage = Waiting();
        Bill(usage, new() { AmountCents = 2 }).Answer.ShouldNotBeNull();
        Refusal?[] others =
        [
            Bill(usage, new() { AmountCents = 2 }, reviewer: "another").Refusal,
            Bill(usage, new() { AmountCents = 3 }).Refusal, Bill(usage, new() { AmountCents = 2 }, "k").Refusal,
            Bill(usage, new(), isRepricing: true).Refusal, Waive(usage, "ours").Refusal,
        ];
        others.ShouldAllBe(r => r is Refusal.AlreadyReviewed);
        others[0]!.Detail.ShouldBe($"Usage {usage.Id} was billed by root at 2026-03-01T12:00:00Z.");
    }

    [Fact]
    public void What_was_billed_at_once_is_not_reviewed_R16()
    {
        var usage = Waiting() with { BillingStatus = "billed", UserPriceCents = 1 };
        Bill(usage, new()).Refusal.ShouldBeOfType<Refusal.AlreadyReviewed>().Detail
            .ShouldContain("never needed a review");
    }

    public static TheoryData<BillRequest, string?, string> WrongBills => new()
    {
        { new() { AmountCents = -1 }, null, "amount_cents" },
        { new() { AmountCents = 0.00000001m }, null, "amount_cents" },
        { new() { ProviderCostUsd = -1 }, null, "provider_cost_usd" },
        { new() { ProviderCostUsd = 0, AmountCents = 0 }, null, "provider_cost_usd" },
        { new() { UserId = "a b" }, null, "user_id" },
        { new(), "", "Idempotency-Key" },
        { new(), new string('k', 256), "Idempotency-Key" },
    };

    [Theory]
    [MemberData(nameof(WrongBills))]
    public void A_wrong_field_of_a_bill_is_named(BillRequest request, string? key, string field) =>
        Books.ErrorsOf(new BillUsage(request, Waiting(), key, Prices)).Keys.ShouldBe([field]);

    [Theory]
    [InlineData(null)]
    [InlineData("  ")]
    [InlineData("\u0001")]
    public void A_waiver_needs_a_reason(string? reason) =>
        Books.ErrorsOf(new WaiveUsage(new() { Reason = reason }, Waiting(), null)).Keys.ShouldBe(["reason"]);

    [Fact]
    public void A_reason_has_at_most_1000_characters()
    {
        Books.ErrorsOf(new WaiveUsage(new() { Reason = new string('x', 1001) }, Waiting(), null)).Keys
            .ShouldBe(["reason"]);
        Books.ErrorsOf(new WaiveUsage(new() { Reason = new string('x', 1000) }, Waiting(), null)).ShouldBeEmpty();
    }

    private static string[] Errors(Outcome<UsageRow> outcome) =>
        [.. outcome.Refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys];

    private static UsageRow Waiting() => new()
    {
        Id = Guid.CreateVersion7(),
        RequestId = "r",
        RequestHash = 1,
        UserId = "alice",
        BillingStatus = "needs_review",
        ReviewReason = "requested",
        Model = "claude",
        PromptTokens = 1000,
        CompletionTokens = 100,
        Description = "A call",
        OccurredAt = Called,
        CreatedAt = Called,
    };

    private Outcome<UsageRow> Bill(
        UsageRow usage, BillRequest request, string? key = null, string reviewer = "root",
        bool isRepricing = false) =>
        Review(usage, new BillUsage(request, usage, key, Prices, isRepricing)
        {
            By = reviewer == "root" ? Books.Root : new Actor(4, reviewer)
        });

    private Outcome<UsageRow> Waive(UsageRow usage, string reason, string? key = null) =>
        Review(usage, new WaiveUsage(new() { Reason = reason }, usage, key));

    private Outcome<UsageRow> Review(UsageRow usage, ReviewCommand command)
    {
        if (_books.State.FindForReview(usage.Id) is null)
            _books.State.LoadById(usage);
        return _books.Apply(command);
    }
}
