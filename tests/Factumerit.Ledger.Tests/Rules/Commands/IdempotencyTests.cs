using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// R9: a repeated key and body returns the first answer and moves nothing, within one commit and across commits. A
/// different body is refused.
/// </summary>
public sealed class IdempotencyTests
{
    [Fact]
    public void A_usage_sent_twice_in_one_commit_is_billed_once_R9()
    {
        var books = new Books().WithUser("alice", 100);
        var first = books.Use("alice", 5, "call-1");
        var second = books.Use("alice", 5, "call-1");
        first.Replayed.ShouldBeFalse();
        second.Replayed.ShouldBeTrue();
        second.Answer.ShouldBe(first.Answer);
        books.Balance("alice").ShouldBe(95);
    }

    [Fact]
    public void A_replay_says_the_balance_of_the_first_time_R9()
    {
        var books = new Books().WithUser("alice", 100);
        books.Use("alice", 5, "call-1");
        books.Use("alice", 7, "call-2");
        books.Use("alice", 5, "call-1").Answer.ShouldNotBeNull().BalanceCents.ShouldBe(95);
    }

    [Fact]
    public void A_free_usage_is_replayed_too_R5_R9()
    {
        var books = new Books();
        books.Use("alice", 0, "call-1");
        books.Use("alice", 0, "call-1").Replayed.ShouldBeTrue();
        books.State.NewUsages.Count.ShouldBe(1);
    }

    [Fact]
    public void A_usage_of_an_earlier_commit_is_replayed_from_what_was_kept_R9()
    {
        var earlier = new Books().WithUser("alice", 100);
        earlier.Use("alice", 5, "call-1");
        var books = new Books().WithUser("alice", 95);
        books.State.Load(earlier.State.NewUsages.Single());

        var outcome = books.Use("alice", 5.00m, "call-1");
        outcome.Replayed.ShouldBeTrue();
        outcome.Answer.ShouldBe(earlier.State.NewUsages.Single().ToRecorded());
        books.HasChanges.ShouldBeFalse();
    }

    [Fact]
    public void The_request_id_with_another_amount_is_refused_R9()
    {
        var books = new Books().WithUser("alice", 100);
        books.Use("alice", 5, "call-1");
        var refusal = books.Use("alice", 5.0000001m, "call-1").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        (refusal.Key, refusal.Code).ShouldBe(("call-1", "idempotency-key-reused"));
    }

    [Fact]
    public void Request_ids_are_unique_per_user_only_R9()
    {
        var books = new Books().WithUser("alice", 100).WithUser("bob", 100);
        books.Use("alice", 5, "call-1").Answer.ShouldNotBeNull();
        books.Use("bob", 7, "call-1").Answer.ShouldNotBeNull().BalanceCents.ShouldBe(93);
    }

    [Fact]
    public void Each_field_of_a_usage_is_part_of_what_makes_it_the_same_R9()
    {
        var request = new UsageRequest
        {
            UserId = "alice",
            AmountCents = 5,
            RequestId = "call-1",
            Model = "m",
            PromptTokens = 1,
            CompletionTokens = 2,
            Description = "d",
            ReferenceId = "r",
            Metadata = System.Text.Json.JsonElement.Parse("""{"a":1}"""),
            OccurredAt = Books.Now,
        };
        var books = new Books().WithUser("alice", 100);
        books.Apply(new RecordUsage(request)).Replayed.ShouldBeFalse();
        books.Apply(new RecordUsage(request with { OccurredAt = Books.Now.ToOffset(TimeSpan.FromHours(5)) })).Replayed
            .ShouldBeTrue();
        UsageRequest[] others = [
            request with { Model = "n" }, request with { PromptTokens = 2 }, request with { CompletionTokens = null },
            request with { Description = "" },
            request with { ReferenceId = null }, request with { Metadata = null }, request with { OccurredAt = null }];
        foreach (var other in others)
            books.Apply(new RecordUsage(other)).Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void A_grant_sent_twice_is_given_once_R9()
    {
        var books = new Books();
        var first = books.Grant("alice", 20, "key-1");
        var second = books.Grant("alice", 20.00m, "key-1");
        second.Replayed.ShouldBeTrue();
        second.Answer.ShouldBe(first.Answer);
        books.Balance("alice").ShouldBe(20);
    }

    [Fact]
    public void A_grants_key_with_another_body_is_refused_R9()
    {
        var books = new Books();
        books.Grant("alice", 20, "key-1");
        books.Grant("bob", 20, "key-1").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        books.Grant("alice", 21, "key-1").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        books.Apply(new Grant(new() { UserId = "alice", AmountCents = 20, Reason = "more" }, "key-1")).Refusal
            .ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void A_grant_of_before_user_created_is_replayed_as_it_was_R9()
    {
        var books = new Books().WithUser("alice", 20);
        books.State.Load(Books.Answer("grant", "old", RequestHash.Of("alice", 20m, null, null), """
            {"TransactionId":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","Budget":{"UserId":"alice","BalanceCents":20,
             "TotalSpentCents":0,"TotalAddedCents":20,
             "PromoExpiresAt":null,"SignedUpAt":null,"CreatedAt":"2026-01-01T00:00:00+00:00",
             "UpdatedAt":"2026-01-01T00:00:00+00:00","DeletedAt":null}}
            """));
        var replay = books.Grant("alice", 20, "old");
        replay.Replayed.ShouldBeTrue();
        System.Text.Json.JsonSerializer.Serialize(replay.Answer).ShouldNotContain("UserCreated");
    }

    [Fact]
    public void Whether_a_user_may_be_created_is_part_of_what_makes_a_grant_the_same_R9()
    {
        var books = new Books().WithUser("alice");
        Grant(null).Replayed.ShouldBeFalse();
        Grant(true).Replayed.ShouldBeTrue("true is the default");
        Grant(false).Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();

        Outcome<GrantReceipt> Grant(bool? createsUser) =>
            books.Apply(new Grant(new() { UserId = "alice", AmountCents = 20, CreateUser = createsUser }, "key-1"));
    }

    [Fact]
    public void A_purchase_sent_twice_is_booked_once_R9()
    {
        var books = new Books();
        var first = books.Purchase(2500, 259, "key-1").Answer.ShouldNotBeNull();
        books.Purchase(100);
        var second = books.Purchase(2500, 259, "key-1", ChartOfAccounts.DefaultProvider);
        second.Replayed.ShouldBeTrue("the provider's default, given or left out, is the same request");
        second.Answer.ShouldNotBeNull().TransactionId.ShouldBe(first.TransactionId);
        second.Answer.Headroom.AssetCents.ShouldBe(2500, "the answer of the first time");
        books.Purchase(2500, 260, "key-1").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void A_write_down_sent_twice_is_booked_once_R9()
    {
        var books = new Books().WithTotals(2500);
        var first = books.WriteDown(actualCents: 2400, key: "key-1").Answer.ShouldNotBeNull();
        books.Purchase(1000);
        var second = books.WriteDown(actualCents: 2400, key: "key-1");
        (second.Replayed, second.Answer?.TransactionId, second.Answer?.AmountCents)
            .ShouldBe((true, first.TransactionId, 100m));
        books.WriteDown(amountCents: 2400, key: "key-1").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        books.WriteDown(actualCents: 2400, key: "key-1", isForced: true).Refusal
            .ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void Keys_are_unique_per_operation_R9()
    {
        var books = new Books().WithTotals(100);
        books.Grant("alice", 20, "key-1").Answer.ShouldNotBeNull();
        books.Purchase(20, key: "key-1").Answer.ShouldNotBeNull();
        books.WriteDown(amountCents: 20, key: "key-1").Answer.ShouldNotBeNull();
        books.Use("alice", 20, "key-1").Answer.ShouldNotBeNull();
        books.State.NewAnswers.Select(a => a.Operation).ShouldBe(["grant", "purchase", "write-down"]);
    }

    [Fact]
    public void A_replay_is_answered_even_after_the_user_was_deleted_R9_R11()
    {
        var books = new Books().WithUser("alice", 100);
        var usage = books.Use("alice", 5, "call-1").Answer;
        var grant = books.Grant("alice", 5, "key-1").Answer;
        books.Delete("alice");
        books.Use("alice", 5, "call-1").Answer.ShouldBe(usage);
        books.Grant("alice", 5, "key-1").Answer.ShouldBe(grant);
    }

    [Fact]
    public void A_refusal_does_not_use_the_key_up_R10()
    {
        var books = new Books().WithDeletedUser("gone");
        books.Grant("gone", 5, "key-1").Refusal.ShouldBeOfType<Refusal.UserDeleted>();
        books.HasChanges.ShouldBeFalse();
        books.Grant("alice", 7, "key-1").Replayed.ShouldBeFalse();
    }

    [Fact]
    public void A_refused_neighbour_leaves_no_trace_in_a_commit_that_goes_on_R10()
    {
        var books = new Books().WithUser("alice", 100);
        books.Use("alice", 5);
        books.Use("bob", 5).Refusal.ShouldNotBeNull();
        books.Use("alice", 5);
        books.State.ChangedUsers.Select(u => u.UserId).ShouldBe(["alice"]);
        books.State.NewUsages.Count.ShouldBe(2);
        books.Entries().Length.ShouldBe(4);
    }
}
