using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>Usages that another system reports: one call is one usage under each of its ids (R17), and is recorded whoever the user and whatever the balance.</summary>
public sealed class ReportedUsageTests
{
    private static readonly UsageRequest Call = new() { UserId = "alice", Provider = "openai", ProviderCostUsd = 0.05m };

    [Theory]
    [InlineData("call-1")]
    [InlineData("resp-1")]
    [InlineData("new-1", "resp-1")]
    [InlineData("resp-1", "call-1")]
    public void A_call_is_recognised_by_any_of_its_ids_R17(params string[] ids)
    {
        var books = new Books().WithUser("alice", 100);
        var first = Report(books, Call, "call-1", "resp-1").Answer.ShouldNotBeNull();

        var second = Report(books, Call with { ProviderCostUsd = 0.06m }, ids);
        (second.Replayed, second.Answer).ShouldBe((true, first));
        books.State.NewUsages.ShouldHaveSingleItem();
        books.Balance("alice").ShouldBe(95);
    }

    [Fact]
    public void An_id_that_is_new_leads_to_the_same_usage_from_then_on_R17()
    {
        var books = new Books().WithUser("alice", 100);
        var first = Report(books, Call, "call-1").Answer.ShouldNotBeNull();
        Report(books, Call, "call-1", "resp-1").Replayed.ShouldBeTrue();
        Report(books, Call, "resp-1", "more-1").Replayed.ShouldBeTrue();
        books.State.NewAliases.ShouldBe([
            new UsageAlias("litellm", "call-1", first.UsageId), new UsageAlias("litellm", "resp-1", first.UsageId), new UsageAlias("litellm", "more-1", first.UsageId)]);
    }

    [Fact]
    public void What_a_bot_reported_itself_is_not_taken_again_R17()
    {
        var books = new Books().WithUser("alice", 100);
        var own = books.Apply(new Usage(new() { UserId = "alice", RequestId = "call-1", AmountCents = 5 })).Answer.ShouldNotBeNull();
        var reported = Report(books, Call, "call-1", "resp-1");
        (reported.Replayed, reported.Answer).ShouldBe((true, own));
        books.State.NewAliases.Select(a => a.UsageId).Distinct().ShouldBe([own.UsageId]);
    }

    [Fact]
    public void An_id_at_another_system_is_another_call_R17()
    {
        var books = new Books().WithUser("alice", 100).WithUser("bob", 100);
        Report(books, Call, "call-1");
        books.Apply(new Usage(Call with { UserId = "bob", RequestId = "call-1" }, new UsageOrigin("another", ["call-1"]))).Replayed.ShouldBeFalse();
    }

    [Fact]
    public void It_is_recorded_whatever_the_balance_R4()
    {
        var books = new Books().WithUser("alice", -1);
        Report(books, Call, "call-1").Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-6);
        Report(books, Call with { UserId = "new" }, "call-2").Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-5);
        books.Apply(new Usage(Call with { RequestId = "call-3" }, new UsageOrigin("litellm", ["call-3"]) { EnforceBalance = true }))
            .Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
    }

    [Fact]
    public void Without_a_user_it_waits_for_review_with_its_cost_R16()
    {
        var books = new Books();
        var usage = Report(books, Call with { UserId = null }, "call-1").Answer.ShouldNotBeNull();
        (usage.UserId, usage.BillingStatus, usage.ReviewReason, usage.ProviderCostUsd, usage.AmountCents, usage.BalanceCents)
            .ShouldBe((null, "needs_review", "no-user", 0.05m, null, 0m));
        books.State.NewProviderCosts.ShouldBe([new ProviderCost("openai", 0.05m)]);
        Report(books, Call with { UserId = null }, "call-1").Replayed.ShouldBeTrue();
    }

    [Fact]
    public void The_call_of_a_deleted_user_waits_for_review_R11_R16()
    {
        var usage = Report(new Books().WithDeletedUser("alice"), Call, "call-1").Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.UserId, usage.TransactionId).ShouldBe(("user-deleted", "alice", null));
    }

    [Fact]
    public void A_reason_for_review_may_come_from_outside_R16()
    {
        var books = new Books().WithUser("alice", 100);
        var usage = books.Apply(new Usage(
            Call with { RequestId = "call-1" }, new UsageOrigin("litellm", ["call-1"]) { ReviewReason = ReviewReasons.TokensDisagree })).Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.AmountCents, usage.MarkupFactor).ShouldBe(("tokens-disagree", null, null));
        books.Entries().ShouldBeEmpty();
    }

    [Fact]
    public void Its_counts_may_disagree_but_not_be_impossible()
    {
        static Usage Of(UsageRequest request) => new(request with { RequestId = "call-1" }, new UsageOrigin("litellm", ["call-1"]));
        Books.ErrorsOf(Of(new() { PromptTokens = 1, CacheReadTokens = 2 })).ShouldBeEmpty();
        Books.ErrorsOf(Of(new() { PromptTokens = -1 })).Keys.ShouldBe(["prompt_tokens"]);
        Books.ErrorsOf(new Usage(new() { RequestId = "a" }, new UsageOrigin("litellm", ["a", "b\0"]))).Keys.ShouldBe(["request_id"]);
    }

    private static Outcome<RecordedUsage> Report(Books books, UsageRequest request, params string[] ids) =>
        books.Apply(new Usage(request with { RequestId = ids[0] }, new UsageOrigin("litellm", ids)));
}
