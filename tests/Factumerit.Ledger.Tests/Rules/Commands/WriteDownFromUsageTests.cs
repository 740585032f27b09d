using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// R19: the cost of a provider's usage is written down once, to the last unit. What is below a unit is carried over.
/// </summary>
public sealed class WriteDownFromUsageTests
{
    private const decimal Smallest = 0.0000000000000000000000000001m;

    [Fact]
    public void All_that_usage_cost_is_booked_and_marked_in_one_go_R19()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(new UnwrittenCost("anthropic", 12.5m, 0));
        var receipt = WriteDown(books).Answer.ShouldNotBeNull();

        (receipt.AmountCents, receipt.Headroom.AssetCents).ShouldBe((12.5m, 2487.5m));
        books.Entries().ShouldBe(["asset:anthropic 12.5 0", "expense:anthropic 0 12.5"]);
        books.WriteDowns().ShouldBe([("anthropic", 12.5m)]);
        var entry = books.State.NewEntries[0];
        (entry.TransactionId, entry.ReferenceType, entry.ReferenceId, entry.Description)
            .ShouldBe((receipt.TransactionId!.Value, "write_down", "usage", "March"));
    }

    [Fact]
    public void What_is_kept_under_an_old_name_of_a_vendor_is_booked_on_the_vendors_account_R19()
    {
        var books = new Books().WithUser("alice", 100).WithTotals(2500).WithProvider("bedrock", 100);
        books.State.Load(new UnwrittenCost("bedrock_converse", 12.5m, 0));
        Use(books, 0.02m, "bedrock_converse");
        var write = new WriteDown(new() { FromUsage = true, Provider = "bedrock_converse" }, "key");

        Books.NeedsOf(write).UnwrittenCosts.ShouldBe(["bedrock"]);
        books.Apply(write).Answer.ShouldNotBeNull().AmountCents.ShouldBe(14.5m);
        books.Entries().TakeLast(2).ShouldBe(["asset:bedrock 14.5 0", "expense:bedrock 0 14.5"]);
        books.WriteDowns().ShouldBe([("bedrock", 2m), ("bedrock_converse", 12.5m)]);
        books.Apply(new WriteDown(new() { FromUsage = true, Provider = "bedrock" }, "again")).Answer
            .ShouldNotBeNull().AmountCents.ShouldBe(0);
    }

    [Fact]
    public void The_second_of_one_commit_finds_nothing_left_R19()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(new UnwrittenCost("anthropic", 12.5m, 0));
        WriteDown(books, key: "key-1");
        var second = WriteDown(books, key: "key-2").Answer.ShouldNotBeNull();

        (second.TransactionId, second.AmountCents, second.Headroom.AssetCents).ShouldBe((null, 0m, 2487.5m));
        books.State.NewEntries.Count.ShouldBe(2);
        books.State.NewAnswers.Count.ShouldBe(2);
    }

    [Fact]
    public void A_usage_of_the_same_commit_counts_and_those_of_other_providers_do_not_R19()
    {
        var books = new Books().WithUser("alice", 100).WithTotals(2500);
        books.State.Load(new UnwrittenCost("anthropic", 1, 0));
        Use(books, 0.02m, "anthropic");
        Use(books, 0.04m, "openai");
        WriteDown(books).Answer.ShouldNotBeNull().AmountCents.ShouldBe(3);
        WriteDown(books, key: "2").Answer.ShouldNotBeNull().AmountCents.ShouldBe(0);
        Use(books, 0.01m, "anthropic");
        WriteDown(books, key: "3").Answer.ShouldNotBeNull().AmountCents.ShouldBe(1);
    }

    [Fact]
    public void What_is_below_the_smallest_unit_is_carried_over_until_it_makes_one_R19()
    {
        // Each costs 0.00000004 cents, under half of the smallest unit of 0.0000001.
        var books = new Books().WithUser("alice", 100).WithTotals(2500);
        Use(books, 0.0000000004m, "anthropic");
        WriteDown(books, key: "1").Answer.ShouldNotBeNull().TransactionId.ShouldBeNull();
        Use(books, 0.0000000004m, "anthropic");
        WriteDown(books, key: "2").Answer.ShouldNotBeNull().TransactionId.ShouldBeNull();
        Use(books, 0.0000000004m, "anthropic");
        WriteDown(books, key: "3").Answer.ShouldNotBeNull().AmountCents.ShouldBe(0.0000001m);
        Use(books, 0.0000000008m, "anthropic");
        WriteDown(books, key: "4").Answer.ShouldNotBeNull().AmountCents.ShouldBe(0.0000001m);
    }

    [Fact]
    public void A_sum_of_more_digits_than_a_decimal_has_is_not_rounded()
    {
        var books = new Books().WithUser("alice", 100).WithTotals(2_000_000_000_000m);
        // 0.0000001 cents less the smallest cost, twice, lacks two of the smallest; a sum of 39 digits.
        books.State.Load(new UnwrittenCost("anthropic", 999_999_999_999m, 0.0000001m - (200 * Smallest)));
        Use(books, Smallest, "anthropic");
        books.State.UnwrittenCents("anthropic").ShouldBe(999_999_999_999m);
        Use(books, Smallest, "anthropic");
        books.State.UnwrittenCents("anthropic").ShouldBe(999_999_999_999.0000001m);
    }

    [Fact]
    public void More_than_one_operation_takes_is_left_for_the_next()
    {
        var books = new Books().WithTotals(2_000_000_000_000m);
        books.State.Load(new UnwrittenCost("anthropic", 1_000_000_000_001.5m, 0));
        WriteDown(books, key: "1").Answer.ShouldNotBeNull().AmountCents.ShouldBe(1_000_000_000_000m);
        WriteDown(books, key: "2").Answer.ShouldNotBeNull().AmountCents.ShouldBe(1.5m);
        WriteDown(books, key: "3").Answer.ShouldNotBeNull().TransactionId.ShouldBeNull();
    }

    [Fact]
    public void A_provider_without_usage_or_with_too_much_written_down_has_nothing_to_book()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(new UnwrittenCost("openai", -5, 0));
        WriteDown(books, "anthropic", "1").Answer.ShouldNotBeNull().TransactionId.ShouldBeNull();
        WriteDown(books, "openai", "2").Answer.ShouldNotBeNull().TransactionId.ShouldBeNull();
        books.Entries().ShouldBeEmpty();
    }

    [Fact]
    public void Other_write_downs_leave_the_mark_alone()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(new UnwrittenCost("anthropic", 12.5m, 0));
        books.WriteDown(amountCents: 12.5m);
        books.WriteDown(actualCents: 2480);
        books.State.UnwrittenCents("anthropic").ShouldBe(12.5m);
        books.WriteDowns().ShouldBeEmpty();
    }

    [Fact]
    public void More_than_the_provider_has_is_refused_unless_forced_R10()
    {
        var books = new Books().WithTotals(12);
        books.State.Load(new UnwrittenCost("anthropic", 12.5m, 0));
        books.Apply(new WriteDown(new() { FromUsage = true }, "key")).Refusal
            .ShouldBe(new Refusal.InsufficientProviderCredit("anthropic", 12, 12.5m));
        books.State.UnwrittenCents("anthropic").ShouldBe(12.5m);
        books.Apply(new WriteDown(new() { FromUsage = true, Force = true }, "key")).Answer
            .ShouldNotBeNull().Headroom.AssetCents.ShouldBe(-0.5m);
    }

    [Fact]
    public void The_first_answer_is_given_again_and_another_body_is_refused_R9()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(new UnwrittenCost("anthropic", 12.5m, 0));
        var first = WriteDown(books, key: "key").Answer.ShouldNotBeNull();
        var replay = WriteDown(books, key: "key");
        (replay.Replayed, replay.Answer!.TransactionId, replay.Answer.AmountCents)
            .ShouldBe((true, first.TransactionId, 12.5m));
        books.WriteDown(amountCents: 12.5m, key: "key").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
        WriteDown(books, "openai", "key").Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>();
    }

    [Fact]
    public void A_key_of_before_from_usage_is_still_the_same_request_R9()
    {
        var books = new Books().WithTotals(2500);
        books.State.Load(Books.Answer(
            "write-down", "old", RequestHash.Of(5m, null, "anthropic", null),
            """{"TransactionId":null,"AmountCents":5,"Headroom":null}"""));
        books.WriteDown(amountCents: 5, key: "old").Replayed.ShouldBeTrue();
    }

    [Fact]
    public void Only_from_usage_asks_for_the_costs()
    {
        Books.NeedsOf(new WriteDown(new() { FromUsage = true }, "k")).UnwrittenCosts.ShouldBe(["anthropic"]);
        Books.NeedsOf(new WriteDown(new() { FromUsage = true, Provider = "openai" }, "k"))
            .UnwrittenCosts.ShouldBe(["openai"]);
        Books.NeedsOf(new WriteDown(new() { FromUsage = false, AmountCents = 1 }, "k")).UnwrittenCosts.ShouldBeEmpty();
    }

    [Fact]
    public void Exactly_one_of_the_three_is_given()
    {
        Books.ErrorsOf(new WriteDown(new() { FromUsage = true }, "k")).ShouldBeEmpty();
        Books.ErrorsOf(new WriteDown(new() { FromUsage = false }, "k")).Keys.ShouldBe(["amount_cents"]);
        Books.ErrorsOf(new WriteDown(new() { FromUsage = true, AmountCents = 1 }, "k")).Keys.ShouldBe(["from_usage"]);
        Books.ErrorsOf(new WriteDown(new() { FromUsage = true, ActualBalanceCents = 0 }, "k")).Keys
            .ShouldBe(["from_usage"]);
        Books.ErrorsOf(new WriteDown(new() { FromUsage = false, ActualBalanceCents = 0 }, "k")).ShouldBeEmpty();
    }

    private static Outcome<WriteDownReceipt> WriteDown(Books books, string? provider = null, string key = "key-1") =>
        books.Apply(new WriteDown(new() { FromUsage = true, Provider = provider, Reason = "March" }, key));

    private static void Use(Books books, decimal costUsd, string provider) => books.Apply(new RecordUsage(
        new()
        {
            UserId = "alice",
            RequestId = Guid.NewGuid().ToString(),
            AmountCents = 0,
            ProviderCostUsd = costUsd,
            Provider = provider
        })).Answer.ShouldNotBeNull();
}
