using System.Text.Json;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// The sources of a usage's price and their order, and which usages wait for review without moving money (R16).
/// </summary>
public sealed class DualCostUsageTests
{
    private static readonly Pricer Pricer = new(
        new PriceBook(
            [
                new()
                {
                    Model = "claude",
                    Provider = "anthropic",
                    InputUsdPerToken = 0.000003m,
                    OutputUsdPerToken = 0.000015m,
                    CacheReadUsdPerToken = 0.0000003m,
                    Version = 7
                },
                new() { Model = "free", Provider = "openai", InputUsdPerToken = 0, OutputUsdPerToken = 0, Version = 7 },
            ],
            7),
        new Markups(new PricingOptions { Markup = 1.5m }));

    private static readonly UsageRequest Call =
        new() { UserId = "alice", RequestId = "call-1", Model = "claude", PromptTokens = 1000, CompletionTokens = 100 };

    [Fact]
    public void An_amount_is_taken_as_given_and_has_no_markup()
    {
        var usage = Use(Call with { AmountCents = 5, ProviderCostUsd = 0.02m }).ShouldNotBeNull();
        (usage.AmountCents, usage.ProviderCostUsd, usage.MarkupFactor, usage.PriceVersion, usage.Provider)
            .ShouldBe((5m, 0.02m, null, null, "anthropic"));
        (usage.BillingStatus, usage.ReviewReason, usage.BalanceCents).ShouldBe(("billed", null, 95m));
    }

    [Fact]
    public void A_provider_cost_goes_before_the_price_book()
    {
        var usage = Use(Call with { ProviderCostUsd = 0.02m, Provider = "bedrock" }).ShouldNotBeNull();
        (usage.AmountCents, usage.ProviderCostUsd, usage.MarkupFactor, usage.PriceVersion, usage.Provider)
            .ShouldBe((3m, 0.02m, 1.5m, null, "bedrock"));
    }

    [Theory]
    [InlineData("anthropic_text", "anthropic", "billed")]
    [InlineData("bedrock_converse", "bedrock", "needs_review")]
    public void A_usage_is_kept_under_its_vendors_name_and_stays_the_same_request_R9(
        string provider, string vendor, string status)
    {
        var books = new Books().WithUser("alice", 100);
        var first = books.Apply(new RecordUsage(Call with { Provider = provider }, pricer: Pricer))
            .Answer.ShouldNotBeNull();
        (first.Provider, first.BillingStatus).ShouldBe((vendor, status));
        books.Apply(new RecordUsage(Call with { Provider = provider }, pricer: Pricer)).Answer.ShouldBe(first);
        // Compared as it was sent, as it was before each vendor had one name.
        books.Apply(new RecordUsage(Call with { Provider = vendor }, pricer: Pricer)).Refusal
            .ShouldBeOfType<Refusal.IdempotencyKeyReused>();

        foreach (var known in (UsageRequest[])[
            Call with { AmountCents = 1 }, Call with { BillingStatus = "needs_review" },
            Call with { ProviderCostUsd = 0.01m }])
            Use(known with { Provider = provider }).ShouldNotBeNull().Provider.ShouldBe(vendor);
    }

    [Fact]
    public void Tokens_are_priced_by_the_book()
    {
        var usage = Use(Call with { CacheReadTokens = 400 }).ShouldNotBeNull();
        // 600 x 0.000003 + 400 x 0.0000003 + 100 x 0.000015
        (usage.ProviderCostUsd, usage.AmountCents, usage.MarkupFactor, usage.PriceVersion, usage.Provider)
            .ShouldBe((0.00342m, 0.513m, 1.5m, 7L, "anthropic"));
    }

    [Fact]
    public void Unknown_zero_and_free_are_three_different_things()
    {
        var unknown = Use(Call with { Model = "nobody-knows" }).ShouldNotBeNull();
        (unknown.BillingStatus, unknown.ProviderCostUsd, unknown.AmountCents).ShouldBe(("needs_review", null, null));
        var zero = Use(Call with { Model = "nobody-knows", ProviderCostUsd = 0 }).ShouldNotBeNull();
        (zero.BillingStatus, zero.ProviderCostUsd, zero.AmountCents, zero.PriceVersion)
            .ShouldBe(("billed", 0m, 0m, null));
        var free = Use(Call with { Model = "free" }).ShouldNotBeNull();
        (free.BillingStatus, free.ProviderCostUsd, free.AmountCents, free.PriceVersion)
            .ShouldBe(("billed", 0m, 0m, 7L));
    }

    [Theory]
    [InlineData("nobody-knows", 1000L, "unknown-model")]
    [InlineData("claude", null, "no-tokens")]
    [InlineData(null, 1000L, "no-tokens")]
    public void What_has_no_price_waits_for_review_and_moves_nothing_R16(string? model, long? tokens, string reason)
    {
        var books = new Books().WithUser("alice", 100);
        var usage = books.Apply(new RecordUsage(
            new() { UserId = "alice", RequestId = "call-1", Model = model, PromptTokens = tokens },
            Pricer)).Answer.ShouldNotBeNull();
        (usage.BillingStatus, usage.ReviewReason, usage.AmountCents, usage.TransactionId, usage.BalanceCents)
            .ShouldBe(("needs_review", reason, null, null, 100m));
        books.Entries().ShouldBeEmpty();
        books.State.ChangedUsers.ShouldBeEmpty();
        books.State.NewUsages.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_review_can_be_asked_for_whatever_is_known_R16()
    {
        var books = new Books().WithUser("alice", 100);
        var usage = books.Apply(new RecordUsage(
            Call with { BillingStatus = "needs_review", ProviderCostUsd = 0.02m }, Pricer)).Answer.ShouldNotBeNull();
        (usage.ReviewReason, usage.ProviderCostUsd, usage.MarkupFactor, usage.AmountCents)
            .ShouldBe(("requested", 0.02m, null, null));
        books.Entries().ShouldBeEmpty();
        books.Costs().ShouldBe([("anthropic", 0.02m)]);
    }

    [Fact]
    public void Waiting_for_review_needs_no_credit_and_opens_no_budget_R16()
    {
        var books = new Books().WithUser("poor", -5);
        books.Apply(new RecordUsage(new() { UserId = "poor", RequestId = "call-1" }))
            .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-5);
        books.Apply(new RecordUsage(new() { UserId = "unknown", RequestId = "call-1" }))
            .Answer.ShouldNotBeNull().BalanceCents.ShouldBe(0);
        books.State.FindUser("unknown").ShouldBeNull();
    }

    [Fact]
    public void A_deleted_user_is_refused_a_review_too_R11() =>
        new Books().WithDeletedUser("gone")
            .Apply(new RecordUsage(new() { UserId = "gone", RequestId = "call-1" }))
            .Refusal.ShouldBeOfType<Refusal.UserDeleted>();

    [Fact]
    public void A_price_that_was_worked_out_needs_credit_as_well_R4()
    {
        var books = new Books().WithUser("alice", 0);
        books.Apply(new RecordUsage(Call, Pricer)).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        books.State.NewUsages.ShouldBeEmpty();
    }

    [Fact]
    public void A_call_that_is_paid_for_already_is_recorded_whatever_the_balance_R4_R6()
    {
        var books = new Books().WithUser("alice", -3);
        books.Apply(new RecordUsage(Call with { EnforceBalance = false }, Pricer)).Answer.ShouldNotBeNull().BalanceCents
            .ShouldBe(-3.675m);
        books.Apply(new RecordUsage(Call with { EnforceBalance = false, UserId = "new" }, Pricer)).Answer
            .ShouldNotBeNull().BalanceCents.ShouldBe(-0.675m);
        books.Apply(new RecordUsage(Call with { EnforceBalance = true, RequestId = "call-2" }, Pricer)).Refusal
            .ShouldBeOfType<Refusal.InsufficientCredit>();
        new Books().WithDeletedUser("gone")
            .Apply(new RecordUsage(Call with { EnforceBalance = false, UserId = "gone" }, Pricer)).Refusal
            .ShouldBeOfType<Refusal.UserDeleted>();
    }

    [Fact]
    public void A_cost_counts_for_its_provider_and_none_without_one()
    {
        var books = new Books().WithUser("alice", 100);
        books.Apply(new RecordUsage(
            Call with { RequestId = "1", Provider = "openai", ProviderCostUsd = 0.0000000000000000001m }));
        books.Apply(new RecordUsage(Call with { RequestId = "2", Model = null, ProviderCostUsd = 1 }));
        books.Apply(new RecordUsage(Call with { RequestId = "3", Provider = "openai", AmountCents = 1 }));
        books.Costs().ShouldBe([("openai", 0.0000000000000000001m)]);
    }

    [Fact]
    public void A_request_without_the_new_fields_has_the_hash_it_always_had_R9()
    {
        var request = new UsageRequest
        {
            UserId = "alice",
            RequestId = "call-1",
            AmountCents = 0.0165m,
            Model = "m",
            PromptTokens = 35,
            CompletionTokens = 4,
            Description = "d",
            ReferenceId = "r",
            Metadata = JsonElement.Parse("""{"a": 1}"""),
            OccurredAt = Books.Now,
        };
        var expected = RequestHash.Of(0.0165m, "m", 35L, 4L, "d", "r", """{"a": 1}""", Books.Now).Value;
        HashOf(request).ShouldBe(expected);
        HashOf(request with { EnforceBalance = false })
            .ShouldBe(expected, "how it is enforced is no part of what is reported");
        expected.ShouldBe(HashOfBefore);
    }

    // What the version before these fields made of the request above.
    private const long HashOfBefore = -8366249177894448635;

    [Fact]
    public void Each_new_field_makes_another_request_R9()
    {
        UsageRequest[] requests = [
            Call, Call with { Provider = "openai" }, Call with { ProviderCostUsd = 1 },
            Call with { CacheReadTokens = 1 }, Call with { CacheWriteTokens = 1 },
            Call with { ReasoningTokens = 1 }, Call with { Usage = JsonElement.Parse("{}") },
            Call with { BillingStatus = "needs_review" }];
        requests.Select(HashOf).Distinct().Count().ShouldBe(requests.Length);
        HashOf(Call with { ProviderCostUsd = 1.0m }).ShouldBe(HashOf(Call with { ProviderCostUsd = 1 }));
    }

    [Fact]
    public void A_replay_gives_the_first_answer_though_it_was_reviewed_since_R9()
    {
        var earlier = new Books().WithUser("alice", 100);
        var request = Call with { Model = "nobody-knows" };
        var first = earlier.Apply(new RecordUsage(request, Pricer)).Answer.ShouldNotBeNull();
        var reviewed = earlier.State.NewUsages.Single() with
        {
            BillingStatus = "billed",
            UserPriceCents = 5,
            TransactionId = Guid.NewGuid(),
            ProviderCostUsd = 0.05m,
            MarkupFactor = 1,
            PriceVersion = 8,
            Provider = "openai",
        };
        var books = new Books().WithUser("alice", 95);
        books.State.Load(reviewed with { ReviewedAt = Books.Now });

        var replay = books.Apply(new RecordUsage(request, Pricer));
        (replay.Replayed, replay.Answer).ShouldBe((true, first));
    }

    [Fact]
    public void A_price_and_a_request_for_review_contradict_each_other() =>
        Books.ErrorsOf(new RecordUsage(Call with { AmountCents = 0, BillingStatus = "needs_review" })).Keys
            .ShouldBe(["billing_status"]);

    [Fact]
    public void Parts_of_tokens_do_not_exceed_their_whole() =>
        Books.ErrorsOf(new RecordUsage(
            Call with { CacheReadTokens = 600, CacheWriteTokens = 401, ReasoningTokens = 101 }))
            .Keys.ShouldBe(["prompt_tokens", "completion_tokens"]);

    private static RecordedUsage? Use(UsageRequest request) =>
        new Books().WithUser("alice", 100).Apply(new RecordUsage(request, Pricer)).Answer;

    private static long HashOf(UsageRequest request)
    {
        var books = new Books().WithUser("alice", 100);
        books.Apply(new RecordUsage(request)).Answer.ShouldNotBeNull();
        return books.State.NewUsages.Single().RequestHash;
    }
}
