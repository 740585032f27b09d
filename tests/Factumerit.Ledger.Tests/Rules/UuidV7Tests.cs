namespace Factumerit.Ledger.Tests.Rules;

/// <summary>Ids sort by the time of their commit, also where many are made at once, and no two are the same.</summary>
public sealed class UuidV7Tests
{
    private static readonly DateTimeOffset Time = new(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Fact]
    public void Ids_grow_even_within_a_millisecond_and_when_the_clock_goes_back()
    {
        var ids = Enumerable.Range(0, 10_000).Select(n => UuidV7.Next(Time.AddSeconds(-n % 3)).ToString()).ToList();
        ids.ShouldBe(ids.Order(StringComparer.Ordinal));
        ids.Distinct().Count().ShouldBe(ids.Count);
    }

    [Fact]
    public void Ids_made_in_parallel_are_all_different() =>
        ParallelEnumerable.Range(0, 20_000).Select(_ => UuidV7.Next(Time)).Distinct().Count().ShouldBe(20_000);

    [Fact]
    public void An_id_carries_its_time_version_and_variant()
    {
        var time = Time.AddYears(50);
        var text = UuidV7.Next(time).ToString("N");
        Convert.ToInt64(text[..12], 16).ShouldBe(time.ToUnixTimeMilliseconds());
        text[12].ShouldBe('7');
        text[16].ShouldBeOneOf('8', '9', 'a', 'b');
    }
}
