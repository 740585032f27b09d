using Factumerit.Ledger.Pricing;
using FsCheck;
using FsCheck.Fluent;

namespace Factumerit.Ledger.Tests.Rules.Pricing;

/// <summary>Which price is in force for a model at a time (R18).</summary>
public sealed class PriceBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_price_counts_from_its_time_until_the_next_one_R18()
    {
        var book = new PriceBook([Price("m", 1, null), Price("m", 2, Noon), Price("m", 3, Noon.AddHours(1))], 3);

        book.Find("m", DateTimeOffset.MinValue)!.Version.ShouldBe(1);
        book.Find("m", Noon.AddTicks(-1))!.Version.ShouldBe(1);
        book.Find("m", Noon)!.Version.ShouldBe(2);
        book.Find("m", Noon.AddHours(1).AddTicks(-1))!.Version.ShouldBe(2);
        book.Find("m", DateTimeOffset.MaxValue)!.Version.ShouldBe(3);
    }

    [Fact]
    public void A_model_is_unknown_before_its_first_price_and_from_when_it_is_gone()
    {
        var book = new PriceBook(
            [
                Price("m", 1, Noon), Price("m", 2, Noon.AddHours(1)) with { IsGone = true },
                Price("m", 3, Noon.AddHours(2))],
            3);

        book.Find("m", Noon.AddTicks(-1)).ShouldBeNull();
        book.Find("m", Noon).ShouldNotBeNull();
        book.Find("m", Noon.AddHours(1)).ShouldBeNull();
        book.Find("m", Noon.AddHours(2))!.Version.ShouldBe(3);
    }

    [Fact]
    public void The_exact_name_comes_before_the_vendors_entry_of_the_rest()
    {
        var book = new PriceBook([Price("claude", 1, null), Price("anthropic/claude", 2, Noon)], 2);

        book.Find("anthropic/claude", Noon)!.Version.ShouldBe(2);
        book.Find("anthropic/claude", Noon.AddTicks(-1))!.Version.ShouldBe(1);
        book.Find("claude", Noon)!.Version.ShouldBe(1);
        book.Find("claude", Noon, "anthropic")!.Version.ShouldBe(2);
        book.Find("azure/claude", Noon).ShouldBeNull();
    }

    [Fact]
    public void A_row_from_before_vendors_had_one_name_is_its_vendors() =>
        new PriceBook([Price("claude", 1, null) with { Provider = "bedrock_converse" }], 1)
            .Find("claude", Noon, "bedrock")!.Provider.ShouldBe("bedrock");

    [Theory]
    [InlineData("Claude")]
    [InlineData("claude-2")]
    [InlineData("claude/")]
    [InlineData("/claude")]
    [InlineData("a/b/claude")]
    [InlineData("anthropic/b/claude")]
    [InlineData("")]
    public void No_other_name_matches(string model) =>
        new PriceBook([Price("claude", 1, null)], 1).Find(model, Noon).ShouldBeNull();

    [Fact]
    public void Only_the_first_prefix_is_taken_off() =>
        new PriceBook([Price("anthropic/claude", 1, null) with { Provider = "openrouter" }], 1)
            .Find("openrouter/anthropic/claude", Noon).ShouldNotBeNull();

    [Fact]
    public void The_empty_book_knows_no_price() => PriceBook.Empty.Find("m", Noon).ShouldBeNull();

    [Fact]
    public void A_random_history_always_gives_the_row_valid_at_that_time_R18() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Histories(), h =>
        {
            var book = new PriceBook(h.Rows, 99);
            foreach (var hour in Enumerable.Range(-1, 26))
            {
                var at = Noon.AddHours(hour);
                // The last row that begins by then; rows of one model never begin at the same time.
                var expected = h.Rows.Where(r => r.ValidFrom is not { } from || from <= at)
                    .MaxBy(r => r.ValidFrom ?? DateTimeOffset.MinValue);
                book.Find("m", at).ShouldBe(expected is { IsGone: true } ? null : expected);
            }
        }));

    // Rows in any order, at different hours, some of them saying that the model is gone.
    private static Arbitrary<History> Histories() => (
        from hours in Gen.SubListOf(Enumerable.Range(-1, 25)).Select(list => list.ToArray())
        from shuffled in Gen.Shuffle(hours)
        from gone in Gen.Elements(true, false, false).ArrayOf(shuffled.Length)
        select new History([.. shuffled.Select((hour, i) =>
            Price("m", hour + 2, hour < 0 ? null : Noon.AddHours(hour)) with { IsGone = gone[i] })])).ToArbitrary();

    private static ModelPrice Price(string model, long version, DateTimeOffset? from) =>
        new()
        {
            Model = model,
            Provider = "anthropic",
            InputUsdPerToken = 0.000001m,
            OutputUsdPerToken = 0.000002m,
            ValidFrom = from,
            Version = version
        };

    private sealed record History(ModelPrice[] Rows);
}
