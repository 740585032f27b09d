using Factumerit.Ledger.Commands;

namespace Factumerit.Ledger.Tests.Rules.Commands;

/// <summary>
/// The hash that separates a replay from a reuse of its key (R9): equal values give the same hash, and different lists
/// of fields never give the same input.
/// </summary>
public sealed class RequestHashTests
{
    [Fact]
    public void Amounts_are_compared_by_value_R9()
    {
        Same([5m], [5.00m]).ShouldBeTrue();
        Same([0m], [0.0000000m]).ShouldBeTrue();
        Same([0m], [-0.0m]).ShouldBeTrue();
        Same([1000m], [1000.0m]).ShouldBeTrue();
        Same([5m], [5.0000001m]).ShouldBeFalse();
        Same([5m], [-5m]).ShouldBeFalse();
    }

    [Fact]
    public void Times_are_compared_as_instants_R9()
    {
        Same([Books.Now], [Books.Now.ToOffset(TimeSpan.FromHours(-7))]).ShouldBeTrue();
        Same([Books.Now], [Books.Now.AddTicks(1)]).ShouldBeFalse();
    }

    [Fact]
    public void No_two_lists_of_fields_run_into_each_other_R9()
    {
        object?[][] lists = [
            [], [null], [""], [null, null], ["", ""], [null, ""], ["", null],
            ["ab", "c"], ["a", "bc"], ["abc"], ["abc", null], ["abc", ""], [null, "abc"], ["", "abc"], ["a", "b", "c"],
            ["A"], ["a"], ["ä"], ["a\u0308"], [" a"], ["a "], ["\u0001\0\0\0a"], ["\0"], ["\0\0\0\0"],
            [1L], [-1L], [10L], [1L, 0L], [0.1m], [1m, 1m], [11m]];
        lists.Select(list => RequestHash.Of(list).Value).Distinct().Count().ShouldBe(lists.Length);
    }

    [Fact]
    public void A_value_without_a_canonical_text_is_a_bug_and_throws() =>
        Should.Throw<ArgumentException>(() => RequestHash.Of(5.0));

    private static bool Same(object?[] one, object?[] other) =>
        RequestHash.Of(one).Value == RequestHash.Of(other).Value;
}
