using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>How many commands may wait: all that the queue holds, or what can be written in good time while the queue stands.</summary>
public sealed class AdmissionTests
{
    private static readonly WriterOptions Options = new() { QueueLimit = 1000, QueueTimeoutMs = 10_000, OverloadTimeoutMs = 100 };
    private readonly Clock _clock = new();
    private readonly Admission _admission;

    public AdmissionTests() => _admission = new Admission(Options, _clock);

    [Fact]
    public void As_many_as_the_queue_holds_may_wait_and_one_more_may_not()
    {
        Enumerable.Range(0, 1000).ShouldAllBe(_ => _admission.TryEnter(1));

        _admission.IsFull.ShouldBeTrue();
        _admission.TryEnter(1).ShouldBeFalse();
        _admission.Waiting.ShouldBe(1000, "who is refused does not wait");
        _admission.Leave(1);
        _admission.TryEnter(1).ShouldBeTrue();
    }

    [Fact]
    public void A_submission_larger_than_the_queue_is_let_in_when_nobody_waits()
    {
        _admission.TryEnter(5000).ShouldBeTrue();
        _admission.Leave(5000);
        _admission.TryEnter(1).ShouldBeTrue();
        _admission.TryEnter(1000).ShouldBeFalse();
    }

    [Fact]
    public void A_queue_that_stands_holds_what_can_be_written_in_good_time()
    {
        Stand(100, TimeSpan.FromMilliseconds(50)); // 2,000 a second: 200 within 100 ms

        Enumerable.Range(0, 200).ShouldAllBe(_ => _admission.TryEnter(1));
        _admission.IsFull.ShouldBeTrue();
        _admission.TryEnter(1).ShouldBeFalse();
    }

    [Fact]
    public void The_rate_follows_the_last_batches()
    {
        Stand(100, TimeSpan.FromMilliseconds(50));
        for (var batch = 0; batch < 100; batch++)
            _admission.Written(100, TimeSpan.FromMilliseconds(500)); // now 200 a second: 20 within 100 ms

        Enumerable.Range(0, 30).Count(_ => _admission.TryEnter(1)).ShouldBe(20);
    }

    [Fact]
    public void A_queue_that_empties_now_and_then_does_not_stand()
    {
        for (var second = 0; second < 5; second++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(999));
            _admission.Written(1, TimeSpan.FromMilliseconds(999));
            _admission.IsFull.ShouldBeFalse();
            _admission.Patience(1).ShouldBe(TimeSpan.FromSeconds(10));
            _admission.NotStanding();
        }
    }

    [Fact]
    public void Patience_is_short_only_while_the_queue_stands_and_longer_for_many_at_once()
    {
        Stand(1, TimeSpan.FromMilliseconds(1));
        _admission.Patience(1).ShouldBe(TimeSpan.FromMilliseconds(101));
        _admission.Patience(500).ShouldBe(TimeSpan.FromMilliseconds(600));

        _admission.NotStanding();
        _admission.Patience(1).ShouldBe(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void When_the_queue_has_emptied_all_of_it_may_be_used_again()
    {
        Stand(1, TimeSpan.FromSeconds(10));
        _admission.TryEnter(1).ShouldBeTrue("somebody is always let in");
        _admission.TryEnter(1).ShouldBeFalse();

        _admission.NotStanding();
        _admission.TryEnter(1).ShouldBeTrue();
    }

    [Fact]
    public void One_batch_that_takes_long_is_no_overload()
    {
        _admission.Written(1, TimeSpan.FromMilliseconds(1));
        _clock.Advance(TimeSpan.FromSeconds(5));
        _admission.Written(1, TimeSpan.FromSeconds(5));

        _admission.Patience(1).ShouldBe(TimeSpan.FromSeconds(10));
        _admission.IsFull.ShouldBeFalse();
    }

    // A second and three batches without the queue having been empty.
    private void Stand(int commands, TimeSpan elapsed)
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        for (var batch = 0; batch < 3; batch++)
            _admission.Written(commands, elapsed);
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
