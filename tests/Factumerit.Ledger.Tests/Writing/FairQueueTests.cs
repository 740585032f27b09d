using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>The order in which commands that wait are written: in turns by key, in order of arrival for each.</summary>
public sealed class FairQueueTests
{
    private readonly FairQueue _queue = new();

    [Fact]
    public void What_one_key_sends_stays_in_order()
    {
        foreach (var name in (string[])["a", "b", "c"])
            Add(1, name);

        Take().ShouldBe("a");
        Add(1, "d");
        TakeAll().ShouldBe(["b", "c", "d"]);
        _queue.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_key_that_sends_much_does_not_hold_up_one_that_sends_little()
    {
        for (var n = 0; n < 5; n++)
            Add(1, "batch", commands: 1000);
        Take().ShouldBe("batch");
        Add(2, "single");

        TakeAll().ShouldBe(["single", "batch", "batch", "batch", "batch"]);
    }

    [Fact]
    public void Keys_with_much_to_send_have_the_same_number_of_commands_written()
    {
        for (var n = 0; n < 6; n++)
            Add(1, "large", commands: 3);
        for (var n = 0; n < 6; n++)
            Add(2, "small");

        TakeAll().ShouldBe([
            "large", "small", "small", "small", "large", "small", "small", "small", "large", "large", "large",
            "large"]);
    }

    [Fact]
    public void What_was_sent_before_a_pause_does_not_count()
    {
        Add(1, "before", commands: 1000);
        Take();
        Add(1, "one");
        Add(2, "two");

        TakeAll().ShouldBe(["one", "two"]);
    }

    [Fact]
    public void The_next_one_waits_where_it_has_no_room()
    {
        Add(1, "large", commands: 10);
        Add(2, "small");

        _queue.TryTake(9, out _).ShouldBeFalse();
        _queue.TryTake(10, out var taken).ShouldBeTrue();
        taken.Commands.Count.ShouldBe(10);
        TakeAll().ShouldBe(["small"]);
    }

    [Fact]
    public async Task What_waits_when_it_closes_is_still_taken()
    {
        Add(1, "a");
        _queue.Close();

        _queue.TryAdd(Of(1, "b", 1)).ShouldBeFalse();
        (await _queue.WaitAsync()).ShouldBeTrue();
        TakeAll().ShouldBe(["a"]);
        (await _queue.WaitAsync()).ShouldBeFalse();
    }

    private void Add(int key, string name, int commands = 1) =>
        _queue.TryAdd(Of(key, name, commands)).ShouldBeTrue();

    private static PendingCall Of(int key, string name, int commands) =>
        new([.. Enumerable.Range(0, commands).Select(_ => Command(key, name))], 0, CancellationToken.None);

    private static RecordUsage Command(int key, string name) =>
        new(new() { UserId = name, AmountCents = 1, RequestId = name }) { By = new Actor(key, "key") };

    private string? Take() =>
        _queue.TryTake(int.MaxValue, out var submission) ? submission.Commands[0].RequestId : null;

    private IEnumerable<string> TakeAll()
    {
        while (Take() is { } name)
            yield return name;
    }
}
