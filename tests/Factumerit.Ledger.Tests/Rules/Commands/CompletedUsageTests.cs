using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// A later report of the same call completes a usage that waits: unknown values are added, known ones stay (R15), and
/// it is billed once (R16).
/// </summary>
public sealed class CompletedUsageTests
{
    private static readonly UsageRequest Call = new()
    {
        UserId = "alice",
        Model = "claude",
        Provider = "anthropic",
        PromptTokens = 100,
        CompletionTokens = 10,
        OccurredAt = Books.Now.AddHours(-1),
    };

    private static readonly Pricer Prices = new(
        new PriceBook([new()
        {
            Model = "claude",
            Provider = "anthropic",
            InputUsdPerToken = 0.000003m,
            OutputUsdPerToken = 0.000015m,
            Version = 3
        }], 3),
        new Markups(new PricingOptions { Markup = 2 }));

    private readonly Books _books = new Books().WithUser("alice", 100);

    [Fact]
    public void A_cost_that_comes_later_is_billed_once()
    {
        var waiting = Report(Call with { Model = "unknown" });
        (waiting.Answer!.BillingStatus, waiting.Answer.ReviewReason).ShouldBe(("needs_review", "unknown-model"));

        var billed = Report(Call with { Model = "unknown", ProviderCostUsd = 0.05m });
        (billed.Replayed, billed.Answer!.UsageId).ShouldBe((false, waiting.Answer.UsageId));
        (billed.Answer.BillingStatus, billed.Answer.AmountCents, billed.Answer.ProviderCostUsd,
            billed.Answer.MarkupFactor, billed.Answer.BalanceCents)
            .ShouldBe(("billed", 10, 0.05m, 2m, 90));
        _books.Entries().ShouldBe(["user:alice 10 0", "expense:api 0 10"]);
        _books.Costs().ShouldBe([("anthropic", 0.05m)]);
        var changed = _books.State.ChangedUsages.ShouldHaveSingleItem();
        (changed.FilledAt, changed.ReviewedAt, changed.TransactionId)
            .ShouldBe((Books.Now, null, billed.Answer.TransactionId));
        _books.Audited().ShouldBe([(
            Books.Root.Id, "usage.completed", $"{changed.Id}",
            $$"""{"provider_cost_usd":0.05,"amount_cents":{{billed.Answer.AmountCents}},"""
            + $"\"transaction_id\":\"{changed.TransactionId}\"}}")]);

        Report(Call with { Model = "unknown", ProviderCostUsd = 0.05m }).Replayed.ShouldBeTrue();
        Report(Call with { Model = "unknown" }).Replayed.ShouldBeTrue();
        _books.Balance("alice").ShouldBe(90);
    }

    [Fact]
    public void Tokens_that_come_later_are_priced_by_the_book()
    {
        Report(Call with { PromptTokens = null, CompletionTokens = null }).Answer!.ReviewReason.ShouldBe("no-tokens");
        var billed = Report(Call).Answer!;
        // (100 x 0.000003 + 10 x 0.000015) x 100 x 2
        (billed.BillingStatus, billed.AmountCents, billed.PriceVersion).ShouldBe(("billed", 0.09m, 3));
    }

    [Fact]
    public void A_user_who_comes_later_pays()
    {
        Report(Call with { UserId = null }).Answer!.ReviewReason.ShouldBe("no-user");
        var billed = Report(Call).Answer!;
        (billed.UserId, billed.BillingStatus, billed.AmountCents).ShouldBe(("alice", "billed", 0.09m));
        // The cost was known, and counts once (R19).
        _books.Costs().ShouldBe([("anthropic", 0.00045m)]);
        _books.Balance("alice").ShouldBe(99.91m);
    }

    [Fact]
    public void What_is_added_and_still_not_enough_is_kept_and_says_why()
    {
        Report(new UsageRequest { ProviderCostUsd = null, OccurredAt = Call.OccurredAt }).Answer!.ReviewReason
            .ShouldBe("no-user");
        var still = Report(Call with { Model = "unknown" });
        (still.Replayed, still.Answer!.BillingStatus, still.Answer.ReviewReason, still.Answer.UserId)
            .ShouldBe((true, "needs_review", "unknown-model", "alice"));
        _books.State.ChangedUsages.ShouldHaveSingleItem().Tokens.ShouldBe(new TokenCounts(100, 10));
        _books.State.NewAuditRecords.ShouldHaveSingleItem().Detail.ShouldBe(
            """{"user_id":"alice","model":"unknown","provider":"anthropic","prompt_tokens":100,"""
            + "\"completion_tokens\":10,\"review_reason\":\"unknown-model\"}");
        _books.Entries().ShouldBeEmpty();
        Report(Call with { ProviderCostUsd = 0.01m }).Answer!.BillingStatus.ShouldBe("billed");
        _books.State.ChangedUsages.ShouldHaveSingleItem("a usage is written once a commit")
            .BillingStatus.ShouldBe("billed");
    }

    [Fact]
    public void What_is_known_stays_as_it_is_R15()
    {
        Report(Call with { UserId = null, ProviderCostUsd = 0.05m });
        var billed = Report(Call with { ProviderCostUsd = null }).Answer!;
        (billed.ProviderCostUsd, billed.AmountCents, billed.PriceVersion).ShouldBe((0.05m, 10, null));
    }

    [Fact]
    public void A_report_whose_tokens_could_not_be_read_prices_nothing()
    {
        Report(
            Call with { PromptTokens = null },
            o => o with { ReviewReason = "unreadable:prompt_tokens", AreTokensDoubtful = true })
            .Answer!.ReviewReason.ShouldBe("unreadable:prompt_tokens");
        // Neither the same again, nor one that adds something else.
        Report(
            Call with { PromptTokens = null, Description = "x" },
            o => o with { ReviewReason = "unreadable:prompt_tokens", AreTokensDoubtful = true })
            .Replayed.ShouldBeTrue();
        Report(Call with { PromptTokens = null, CompletionTokens = null }).Replayed.ShouldBeTrue();
        // The whole counts do.
        Report(Call).Answer!.AmountCents.ShouldBe(0.09m);
    }

    [Fact]
    public void What_was_asked_to_be_reviewed_is_completed_and_waits_on()
    {
        _books.Apply(new RecordUsage(Call with { RequestId = "1", BillingStatus = "needs_review" }, Prices));
        var still = Report(Call with { ProviderCostUsd = 0.05m }).Answer!;
        (still.BillingStatus, still.ReviewReason, still.ProviderCostUsd).ShouldBe(("needs_review", "requested", 0.05m));
        // R9: its caller gets the first answer.
        var replay = _books.Apply(
            new RecordUsage(Call with { RequestId = "1", BillingStatus = "needs_review" }, Prices));
        (replay.Replayed, replay.Answer!.ProviderCostUsd).ShouldBe((true, null));
    }

    [Fact]
    public void A_disputed_call_is_never_billed_by_itself()
    {
        Report(Call with { ProviderCostUsd = 0.05m });
        var other = Call with
        {
            ProviderCostUsd = null,
            OccurredAt = Call.OccurredAt!.Value.AddMinutes(1),
            Model = "unknown"
        };
        Report(other).Answer!.ReviewReason.ShouldBe("ids-disagree");
        Report(other with { ProviderCostUsd = 0.07m }).Answer!.BillingStatus.ShouldBe("needs_review");
        _books.Balance("alice").ShouldBe(90);
    }

    [Fact]
    public void A_deleted_users_call_stays_where_it_is_R11()
    {
        var books = new Books().WithDeletedUser("gone");
        books.Apply(
            new RecordReportedUsage(Call with { UserId = null, RequestId = "1" }, ReportedUsageTests.Of("1"), Prices));
        var still = books.Apply(new RecordReportedUsage(
            Call with { UserId = "gone", RequestId = "1" }, ReportedUsageTests.Of("1"), Prices)).Answer!;
        (still.BillingStatus, still.ReviewReason, still.UserId).ShouldBe(("needs_review", "user-deleted", "gone"));
        books.Entries().ShouldBeEmpty();
    }

    [Fact]
    public void A_user_who_has_a_usage_of_that_request_id_does_not_get_another_R9()
    {
        Report(Call with { UserId = null }, o => o with { Aliases = ["1", "2"] });
        _books.Apply(new RecordUsage(
            new() { UserId = "alice", RequestId = "1", AmountCents = 1, OccurredAt = Books.Now.AddDays(-1) }));
        var report = Report(Call, o => o with { Aliases = ["2"] });
        (report.Replayed, report.Answer!.UserId).ShouldBe((true, null));
        _books.Balance("alice").ShouldBe(99);
    }

    [Fact]
    public void Reading_a_known_response_again_is_no_second_charge()
    {
        Report(Call with { PromptTokens = null, CompletionTokens = null, Model = "unknown" }).Answer!.ReviewReason
            .ShouldBe("no-tokens");
        var read = Call with { Model = "unknown", ProviderCostUsd = 1.37m, OccurredAt = Books.Now };
        static UsageOrigin AsRetrieval(UsageOrigin origin) =>
            origin with { IsRetrieval = true, ReviewReason = ReviewReasons.Retrieved };
        Report(read, AsRetrieval).Answer!.AmountCents.ShouldBe(274);
        Report(read with { OccurredAt = Books.Now.AddMinutes(1) }, AsRetrieval).Replayed.ShouldBeTrue();
        Report(read with { UserId = "bob" }, AsRetrieval).Replayed.ShouldBeTrue();
        _books.Balance("alice").ShouldBe(-174);
    }

    [Fact]
    public void A_reading_with_another_cost_is_no_replay()
    {
        static UsageOrigin AsBatch(UsageOrigin origin) => origin with { IsRetrieval = true };
        Report(Call with { ProviderCostUsd = 0.1m }, AsBatch).Answer!.BillingStatus.ShouldBe("billed");
        Report(Call with { ProviderCostUsd = 0.42m }, AsBatch).Answer!.ReviewReason.ShouldBe("ids-disagree");
        Report(
            Call with { PromptTokens = 999, ProviderCostUsd = 0.1m }, o => AsBatch(o) with { DerivedId = "derived-3" })
            .Answer!.ReviewReason.ShouldBe("ids-disagree");
        _books.Balance("alice").ShouldBe(80);
    }

    [Fact]
    public void What_was_only_read_is_billed_once_when_the_call_itself_is_reported()
    {
        static UsageOrigin AsRetrieval(UsageOrigin origin) =>
            origin with { IsRetrieval = true, ReviewReason = ReviewReasons.Retrieved };
        var read = Call with { UserId = null, ProviderCostUsd = 0.05m, OccurredAt = Books.Now };
        Report(read, AsRetrieval).Answer!.ReviewReason.ShouldBe("retrieved");
        // Read again, with its user: still nobody knows whether it was paid for.
        Report(read with { UserId = "alice" }, AsRetrieval).Answer!.BillingStatus.ShouldBe("needs_review");
        Report(Call with { ProviderCostUsd = 0.05m }, o => o with { CallId = "call", Aliases = ["call", "1"] })
            .Answer!.BillingStatus.ShouldBe("billed");
        Report(read, AsRetrieval).Replayed.ShouldBeTrue();
        _books.Balance("alice").ShouldBe(90);
    }

    [Fact]
    public void Counts_of_zero_are_no_other_counts()
    {
        Report(Call with { ProviderCostUsd = 0.05m });
        Report(Call with { ProviderCostUsd = 0.05m, PromptTokens = 0, CompletionTokens = 0 }).Replayed.ShouldBeTrue();
    }

    private Outcome<RecordedUsage> Report(UsageRequest request, Func<UsageOrigin, UsageOrigin>? change = null)
    {
        var origin = ReportedUsageTests.Of("1");
        origin = change?.Invoke(origin) ?? origin;
        return _books.Apply(new RecordReportedUsage(request with { RequestId = origin.Aliases[0] }, origin, Prices));
    }
}
