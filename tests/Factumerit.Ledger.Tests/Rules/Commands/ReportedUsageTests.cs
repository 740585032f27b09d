using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// Usages that another system reports: one call is one usage under each of its ids (R17). It is recorded for any user
/// and at any balance.
/// </summary>
public sealed class ReportedUsageTests
{
    private static readonly DateTimeOffset Start = Books.Now.AddHours(-1);

    private static readonly UsageRequest Call = new()
    {
        UserId = "alice",
        Provider = "openai",
        ProviderCostUsd = 0.05m,
        PromptTokens = 100,
        CompletionTokens = 10,
        OccurredAt = Start,
    };

    private static readonly Pricer Prices = new(
        new PriceBook([new()
        {
            Model = "claude",
            Provider = "anthropic",
            InputUsdPerToken = 0.000003m,
            OutputUsdPerToken = 0.000015m,
            Version = 3
        }], 3), Markups.None);

    private readonly Books _books = new Books().WithUser("alice", 100).WithUser("bob", 100);

    [Theory]
    [InlineData("call-1")]
    [InlineData("resp-1")]
    [InlineData("new-1", "resp-1")]
    [InlineData("resp-1", "call-1")]
    public void A_call_is_recognised_by_any_of_its_ids_R17(params string[] ids)
    {
        var first = Report(Call, "call-1", "resp-1").Answer.ShouldNotBeNull();
        var second = Report(Call, ids);
        (second.Replayed, second.Answer).ShouldBe((true, first));
        _books.State.NewUsages.ShouldHaveSingleItem();
        _books.Balance("alice").ShouldBe(95);
    }

    [Fact]
    public void An_id_that_is_new_leads_to_the_same_usage_from_then_on_R17()
    {
        var first = Report(Call, "call-1").Answer.ShouldNotBeNull();
        Report(Call, "call-1", "resp-1").Replayed.ShouldBeTrue();
        Report(Call, "resp-1", "more-1").Replayed.ShouldBeTrue();
        _books.Aliases().ShouldBe([
            ("litellm", "call-1", first.UsageId), ("litellm", "resp-1", first.UsageId),
            ("litellm", "more-1", first.UsageId)]);
    }

    [Theory]
    [InlineData("call-1", "resp-1")]
    [InlineData("resp-1", "call-1")]
    public void What_a_bot_reported_itself_is_not_taken_again_under_any_id_R17(params string[] ids)
    {
        var own = _books.Apply(new RecordUsage(new() { UserId = "alice", RequestId = "call-1", AmountCents = 5 }))
            .Answer.ShouldNotBeNull();
        var reported = Report(Call, ids);
        (reported.Replayed, reported.Answer).ShouldBe((true, own));
        _books.State.NewAliases.Select(a => a.UsageId).Distinct().ShouldBe([own.UsageId]);
    }

    [Fact]
    public void An_id_at_another_system_is_another_call_R17()
    {
        Report(Call, "call-1");
        _books.Apply(new RecordReportedUsage(
            Call with { UserId = "bob", RequestId = "call-1" },
            new UsageOrigin("another", ["call-1"], "derived-1"))).Replayed.ShouldBeFalse();
    }

    [Fact]
    public void Two_call_ids_are_two_calls_whatever_the_response_id_R17()
    {
        Report(Call, Of("call-1", "resp-1") with { CallId = "call-1" });
        var second = Report(
            Call with { UserId = "bob", ProviderCostUsd = 0.07m }, Of("call-2", "resp-1") with { CallId = "call-2" });
        (second.Replayed, second.Answer!.BillingStatus, second.Answer.RequestId).ShouldBe((false, "billed", "call-2"));
        // Even where all else is the same.
        Report(Call, Of("call-3", "resp-1") with { CallId = "call-3" }).Replayed.ShouldBeFalse();
        (_books.Balance("alice"), _books.Balance("bob")).ShouldBe((90, 93));
    }

    public static TheoryData<UsageRequest> OtherCalls => new()
    {
        Call with { UserId = "bob" },
        Call with { OccurredAt = Start.AddSeconds(1) },
        Call with { OccurredAt = Start.AddSeconds(-60) },
        Call with { PromptTokens = 101 },
        Call with { CompletionTokens = 0 },
        Call with { ProviderCostUsd = 0.050000001m },
    };

    [Theory]
    [MemberData(nameof(OtherCalls))]
    public void An_id_that_comes_with_another_call_bills_neither_twice_and_loses_neither_R17(UsageRequest other)
    {
        var first = Report(Call, "id").Answer.ShouldNotBeNull();
        var second = Report(other, Of("id") with { DerivedId = "derived-2" });
        (second.Replayed, second.Answer!.BillingStatus, second.Answer.ReviewReason)
            .ShouldBe((false, "needs_review", "ids-disagree"));
        (second.Answer.RequestId, second.Answer.ProviderCostUsd).ShouldBe(("derived-2", other.ProviderCostUsd));
        _books.Aliases().ShouldBe([
            ("litellm", "id", first.UsageId),
            ("litellm", "derived-2", second.Answer.UsageId)]);
        _books.State.NewUsages[^1].Description.ShouldBe("Reported as id, which belongs to another call");
        // Both are known from then on.
        Report(Call, "id").Replayed.ShouldBeTrue();
        var again = Report(other, Of("id") with { DerivedId = "derived-2" });
        (again.Replayed, again.Answer!.UsageId).ShouldBe((true, second.Answer.UsageId));
        (_books.Balance("alice"), _books.Balance("bob")).ShouldBe((95, 100));
    }

    public static TheoryData<UsageRequest> SameCalls => new()
    {
        Call with { UserId = null },
        Call with { OccurredAt = Start.AddMilliseconds(999) },
        Call with { OccurredAt = null },
        Call with { PromptTokens = null, CompletionTokens = null },
        Call with { ProviderCostUsd = 0.0500000009m },
        Call with { ProviderCostUsd = null, Model = "another name" },
    };

    [Theory]
    [MemberData(nameof(SameCalls))]
    public void What_is_not_said_or_means_nothing_does_not_differ_R17(UsageRequest same)
    {
        Report(Call, "id");
        Report(same, Of("id") with { DerivedId = "derived-2" }).Replayed.ShouldBeTrue();
        _books.State.NewUsages.ShouldHaveSingleItem();
    }

    [Fact]
    public void The_ids_of_a_disputed_call_that_are_free_are_its_own_R17()
    {
        Report(Call, "mine", "resp-A");
        var second = Report(
            Call with { OccurredAt = Start.AddMinutes(1) },
            Of("mine", "resp-B") with { CallId = "mine", DerivedId = "derived-2" }).Answer.ShouldNotBeNull();
        Report(Call with { OccurredAt = Start.AddMinutes(1) }, "resp-B").Answer!.UsageId.ShouldBe(second.UsageId);
    }

    [Fact]
    public void A_cost_from_our_price_book_is_not_what_the_other_system_said_R15()
    {
        var first = Report(Call with { Model = "claude", Provider = "anthropic", ProviderCostUsd = null }, "id")
            .Answer.ShouldNotBeNull();
        first.ProviderCostUsd.ShouldBe(0.00045m);
        Report(Call with { Model = "claude", Provider = "anthropic" }, "id").Replayed.ShouldBeTrue();
    }

    [Fact]
    public void A_difference_in_cost_in_the_other_systems_books_is_no_other_call()
    {
        Report(Call, "id");
        Report(Call with { ProviderCostUsd = 0.06m }, Of("id") with { IsRecord = true }).Replayed.ShouldBeTrue();
    }

    [Fact]
    public void Tokens_that_could_not_be_read_are_no_other_tokens()
    {
        Report(Call, "id");
        Report(Call with { PromptTokens = 1 }, Of("id") with { AreTokensDoubtful = true }).Replayed.ShouldBeTrue();
    }

    [Fact]
    public void It_is_recorded_whatever_the_balance_R4_R6()
    {
        var books = new Books().WithUser("alice", -1);
        books.Apply(new RecordReportedUsage(Call with { RequestId = "1" }, Of("1")))
            .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-6);
        books.Apply(new RecordReportedUsage(Call with { RequestId = "2", UserId = "new" }, Of("2")))
            .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-5);
    }

    [Fact]
    public void Without_a_user_it_waits_for_review_with_its_cost_R16()
    {
        var usage = Report(
            Call with { UserId = null }, Of("call-1") with { PayerHint = "{}" }).Answer.ShouldNotBeNull();
        (usage.UserId, usage.BillingStatus, usage.ReviewReason, usage.ProviderCostUsd, usage.AmountCents,
            usage.BalanceCents)
            .ShouldBe((null, "needs_review", "no-user", 0.05m, null, 0m));
        _books.Costs().ShouldBe([("openai", 0.05m)]);
        Report(Call with { UserId = null }, "call-1").Replayed.ShouldBeTrue();
    }

    [Fact]
    public void The_call_of_a_deleted_user_waits_for_review_R11_R16()
    {
        var usage = new Books().WithDeletedUser("alice")
            .Apply(new RecordReportedUsage(Call with { RequestId = "1" }, Of("1"))).Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.UserId, usage.TransactionId).ShouldBe(("user-deleted", "alice", null));
    }

    [Fact]
    public void What_no_operation_can_hold_waits_with_its_cost_and_is_never_refused()
    {
        var pricer = new Pricer(PriceBook.Empty, new Markups(new PricingOptions { Markup = 2 }));
        var usage = _books.Apply(new RecordReportedUsage(
            Call with { RequestId = "1", ProviderCostUsd = Money.CostUsdMax }, Of("1"), pricer))
            .Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.ProviderCostUsd).ShouldBe(("out-of-range", Money.CostUsdMax));
        var books = new Books().WithUser("alice", -Money.BalanceCentsMax);
        books.Apply(new RecordReportedUsage(Call with { RequestId = "1" }, Of("1")))
            .Answer.ShouldNotBeNull().ReviewReason.ShouldBe("out-of-range");
    }

    [Fact]
    public void A_reason_for_review_may_come_from_outside_R16()
    {
        var usage = Report(
            Call, Of("call-1") with { ReviewReason = ReviewReasons.TokensDisagree }).Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.AmountCents, usage.MarkupFactor).ShouldBe(("tokens-disagree", null, null));
        _books.Entries().ShouldBeEmpty();
    }

    [Fact]
    public void A_reason_why_there_is_no_price_counts_only_where_there_is_none()
    {
        var origin = Of("1") with { UnpricedReason = "unreadable:response_cost" };
        Report(Call with { Model = "claude", Provider = "anthropic", ProviderCostUsd = null }, origin).Answer!
            .BillingStatus.ShouldBe("billed");
        Report(
            Call with { Model = "unknown", ProviderCostUsd = null },
            Of("2") with { UnpricedReason = "unreadable:response_cost" })
            .Answer!.ReviewReason.ShouldBe("unreadable:response_cost");
    }

    [Theory]
    // Milliseconds between the starts, and whether it is the same call.
    [InlineData("mine", "response-2", 300, false)]
    [InlineData("mine", "response-2", 0, true)]
    [InlineData("mine", "response-2", 1, true)]
    [InlineData("mine", "response-1", 300, true)]
    [InlineData("mine", null, 300, true)]
    public void Two_responses_under_a_call_id_that_a_caller_chose_are_two_calls_unless_they_began_together(
        string callId, string? responseId, int milliseconds, bool isSame)
    {
        var start = new DateTimeOffset(2026, 1, 31, 11, 0, 0, TimeSpan.Zero);
        Report(Call with { OccurredAt = start }, Of("mine", "response-1") with { CallId = "mine" });

        var origin = (responseId is null ? Of(callId) : Of(callId, responseId)) with { CallId = callId };
        var second = Report(Call with { OccurredAt = start.AddMilliseconds(milliseconds) }, origin);

        (second.Replayed, second.Answer!.ReviewReason).ShouldBe((isSame, isSame ? null : "ids-disagree"));
        Report(Call with { OccurredAt = start.AddMilliseconds(milliseconds) }, origin).Replayed.ShouldBeTrue();
    }

    [Fact]
    public void Its_counts_may_disagree_but_not_be_impossible()
    {
        static RecordReportedUsage The(UsageRequest request) =>
            new(request with { RequestId = "call-1" }, Of("call-1"));
        Books.ErrorsOf(The(new() { PromptTokens = 1, CacheReadTokens = 2 })).ShouldBeEmpty();
        Books.ErrorsOf(The(new() { PromptTokens = -1 })).Keys.ShouldBe(["prompt_tokens"]);
        Books.ErrorsOf(new RecordReportedUsage(new() { RequestId = "a" }, Of("a", "b\0")))
            .Keys.ShouldBe(["request_id"]);
    }

    internal static UsageOrigin Of(params string[] ids) => new("litellm", ids, $"derived-{string.Join('-', ids)}");

    private Outcome<RecordedUsage> Report(UsageRequest request, params string[] ids) => Report(request, Of(ids));

    private Outcome<RecordedUsage> Report(UsageRequest request, UsageOrigin origin) =>
        _books.Apply(new RecordReportedUsage(request with { RequestId = origin.Aliases[0] }, origin, Prices));
}
