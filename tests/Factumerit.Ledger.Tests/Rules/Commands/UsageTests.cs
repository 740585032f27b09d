using System.Text.Json;

using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// Usage: R4 (crossing zero), R5 (amount 0), R6 (unknown users), R11 (deleted users), and the largest values.
/// </summary>
public sealed class UsageTests
{
    [Fact]
    public void A_usage_moves_its_price_from_the_user_to_api_expense()
    {
        var books = new Books().WithUser("alice", 100);
        var usage = books.Apply(new RecordUsage(
            new() { UserId = "alice", AmountCents = 0.0165m, RequestId = "call-1", Description = "a call" }))
            .Answer.ShouldNotBeNull();

        (usage.UserId, usage.RequestId, usage.AmountCents, usage.BalanceCents, usage.BillingStatus)
            .ShouldBe(("alice", "call-1", 0.0165m, 99.9835m, "billed"));
        usage.UsageId.Version.ShouldBe(7);
        usage.TransactionId.ShouldBe(books.State.NewEntries[0].TransactionId);
        usage.CreatedAt.ShouldBe(Books.Now);
        usage.OccurredAt.ShouldBe(Books.Now);
        books.Entries().ShouldBe(["user:alice 0.0165 0", "expense:api 0 0.0165"]);
        var entry = books.State.NewEntries[0];
        (entry.ReferenceType, entry.ReferenceId, entry.Description)
            .ShouldBe(("llm_call", "call-1", "a call"));
        books.History().Single().ShouldBe(("alice", -0.0165m, 99.9835m, "llm_call", "a call"));
        books.State.FindUser("alice")!.TotalSpentCents.ShouldBe(0.0165m);
    }

    [Fact]
    public void Usage_that_crosses_zero_is_recorded_in_full_R4()
    {
        var books = new Books().WithUser("alice", 3);
        books.Use("alice", 10).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-7);
        books.Entries().ShouldBe(["user:alice 10 0", "expense:api 0 10"]);
    }

    [Fact]
    public void The_smallest_credit_suffices_for_one_call_R4() =>
        new Books().WithUser("alice", 0.0000001m).Use("alice", 1000).Answer.ShouldNotBeNull().BalanceCents
            .ShouldBe(-999.9999999m);

    [Fact]
    public void The_call_after_the_one_that_crossed_zero_is_refused_R4()
    {
        var books = new Books().WithUser("alice", 3);
        books.Use("alice", 10);
        var refusal = books.Use("alice", 0.0000001m).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        refusal.BalanceCents.ShouldBe(-7);
        refusal.Code.ShouldBe("insufficient-credit");
    }

    [Fact]
    public void A_balance_of_zero_refuses_the_next_call_R4()
    {
        var books = new Books().WithUser("alice", 5);
        books.Use("alice", 5).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(0);
        books.Use("alice", 1).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>().BalanceCents.ShouldBe(0);
    }

    [Fact]
    public void A_refused_call_succeeds_once_credit_comes_in_R4_R10()
    {
        var books = new Books().WithUser("alice", 0);
        books.Use("alice", 5, "call-1").Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        books.Grant("alice", 20);
        books.Use("alice", 5, "call-1").Answer.ShouldNotBeNull().BalanceCents.ShouldBe(15);
    }

    [Theory]
    [InlineData(-7)]
    [InlineData(0)]
    [InlineData(7)]
    public void A_free_usage_is_recorded_whatever_the_balance_R5(int balanceCents)
    {
        var books = new Books().WithUser("alice", balanceCents);
        var usage = books.Use("alice", 0).Answer.ShouldNotBeNull();

        usage.TransactionId.ShouldBeNull();
        usage.BalanceCents.ShouldBe(balanceCents);
        books.Entries().ShouldBeEmpty();
        books.State.NewBudgetTransactions.ShouldBeEmpty();
        books.State.ChangedUsers.ShouldBeEmpty();
        books.State.NewUsages.Single().ToRecorded().ShouldBe(usage);
    }

    [Fact]
    public void An_unknown_user_who_spends_has_no_credit_R6()
    {
        var books = new Books();
        var refusal = books.Use("nobody", 5).Refusal.ShouldBeOfType<Refusal.InsufficientCredit>();
        (refusal.UserId, refusal.BalanceCents, refusal.AvailableCents).ShouldBe(("nobody", null, 0m));
        refusal.Detail.ShouldStartWith("No user nobody is known yet, and an unknown user has 0 cents of credit; ");
        books.HasChanges.ShouldBeFalse();
        books.State.FindUser("nobody").ShouldBeNull();
    }

    [Fact]
    public void A_free_usage_gives_an_unknown_user_a_budget_R6()
    {
        var books = new Books();
        books.Use("new", 0).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(0);
        books.State.ChangedUsers.Single().UserId.ShouldBe("new");
        books.Entries().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Usage_of_a_deleted_user_is_refused_even_if_free_R11(int cents)
    {
        var books = new Books().WithDeletedUser("alice");
        books.Use("alice", cents).Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void The_largest_usage_is_taken_and_may_leave_as_large_a_debt_R4() =>
        new Books().WithUser("alice", 0.5m)
            .Use("alice", 1_000_000_000_000m).Answer.ShouldNotBeNull().BalanceCents.ShouldBe(-999_999_999_999.5m);

    [Fact]
    public void Whatever_was_spent_before_the_largest_usage_is_taken()
    {
        var books = new Books().WithUser("alice", 1);
        books.State.FindUser("alice")!.TotalSpentCents = 1_000_000 * Money.OperationCentsMax;
        books.Use("alice", Money.OperationCentsMax).Answer.ShouldNotBeNull();
    }

    [Fact]
    public void The_time_of_the_call_is_kept_in_microseconds_UTC()
    {
        var occurredAt = new DateTimeOffset(2026, 2, 28, 9, 0, 0, TimeSpan.FromHours(2)).AddTicks(1234567);
        var usage = new Books().WithUser("alice", 1)
            .Apply(new RecordUsage(
                new() { UserId = "alice", AmountCents = 1, RequestId = "call-1", OccurredAt = occurredAt }))
            .Answer.ShouldNotBeNull();
        usage.OccurredAt.ShouldBe(new DateTimeOffset(2026, 2, 28, 7, 0, 0, TimeSpan.Zero).AddTicks(1234560));
        usage.OccurredAt.Offset.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void What_is_missing_is_named_R9()
    {
        var errors = Books.ErrorsOf(new RecordUsage(new()));
        errors.Keys.ShouldBe(["user_id", "request_id"]);
        errors["request_id"].Single().ShouldContain("Idempotency-Key");
    }

    [Fact]
    public void Every_wrong_field_is_named()
    {
        Books.ErrorsOf(new RecordUsage(new()
        {
            UserId = "",
            AmountCents = -1,
            RequestId = new string('r', 256),
            Model = "",
            Provider = "Anthropic",
            ProviderCostUsd = -1,
            BillingStatus = "billed",
            Usage = JsonElement.Parse("[]"),
        })).Keys.ShouldBe(
            [
                "user_id", "amount_cents", "request_id", "model", "provider", "provider_cost_usd", "billing_status",
                "usage"],
            ignoreOrder: true);
        Books.ErrorsOf(Wrong).Keys.ShouldBe(
            ["prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
                "description", "reference_id", "metadata"],
            ignoreOrder: true);
    }

    [Fact]
    public void Ten_errors_are_named_and_the_others_counted()
    {
        var errors = new FieldErrors(Books.Now);
        Wrong.Validate(errors);
        for (var n = 0; n < 5; n++)
            errors.Add($"field {n}", "is wrong");

        var refusal = errors.ToRefusal();
        (refusal.Errors.Count, refusal.MoreErrors, refusal.ErrorCount).ShouldBe((10, 3, 13));
        refusal.Detail.ShouldEndWith(" 3 more errors are not listed.");
    }

    [Fact]
    public void A_call_may_lie_5_minutes_ahead_of_the_commit_and_any_time_back()
    {
        foreach (var time in (DateTimeOffset[])
            [Books.Now.AddMinutes(5), Books.Now.AddMinutes(5).ToOffset(TimeSpan.FromHours(9)), Books.Now.AddYears(-20)])
            At(time).Answer.ShouldNotBeNull().OccurredAt.ShouldBe(time);
        At(Books.Now.AddMinutes(5).AddTicks(10)).Refusal.ShouldBeOfType<Refusal.ValidationFailed>().Errors.Keys
            .ShouldBe(["occurred_at"]);

        static Outcome<RecordedUsage> At(DateTimeOffset time) => new Books().WithUser("alice", 10)
            .Apply(new RecordUsage(new() { UserId = "alice", AmountCents = 1, RequestId = "r", OccurredAt = time }));
    }

    private static RecordUsage Wrong => new(new()
    {
        UserId = "alice",
        AmountCents = 1,
        RequestId = "r",
        PromptTokens = -1,
        CompletionTokens = -1,
        CacheReadTokens = -1,
        CacheWriteTokens = -1,
        ReasoningTokens = -1,
        Description = "\0",
        ReferenceId = "\n",
        Metadata = JsonElement.Parse("[]"),
    });
}
