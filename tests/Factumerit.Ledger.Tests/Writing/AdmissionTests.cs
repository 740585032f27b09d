using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Time.Testing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>
/// How many commands may wait: as many as the queue holds. While more arrive than can be written, only as many as can
/// be written in good time.
/// </summary>
public sealed class AdmissionTests
{
    private static readonly WriterOptions Options =
        new() { QueueLimit = 10_000, QueueTimeoutMs = 10_000, OverloadTimeoutMs = 100 };
    private static readonly Actor One = new(11, "one");
    private static readonly Actor Other = new(12, "other");
    private readonly FakeTimeProvider _clock = new();
    private readonly Admission _admission;
    private long _waitingForThread;

    public AdmissionTests() => _admission = new Admission(Options, _clock, () => _waitingForThread);

    [Fact]
    public void As_many_as_the_queue_holds_may_wait_and_one_more_may_not()
    {
        Enter(Options.QueueLimit).ShouldBe(Options.QueueLimit);

        _admission.IsFullFor(One).ShouldBeTrue();
        _admission.TryEnter(One, 1).ShouldBeFalse();
        _admission.Waiting.ShouldBe(Options.QueueLimit, "who is refused does not wait");
        _admission.Leave(One, 1);
        _admission.TryEnter(One, 1).ShouldBeTrue();
    }

    [Fact]
    public void A_submission_larger_than_the_queue_is_let_in_when_nobody_waits()
    {
        _admission.TryEnter(One, 50_000).ShouldBeTrue();
        _admission.Leave(One, 50_000);
        _admission.TryEnter(One, 1).ShouldBeTrue();
        _admission.TryEnter(One, Options.QueueLimit).ShouldBeFalse();
    }

    [Fact]
    public void In_an_overload_as_many_may_wait_as_can_be_written_in_good_time()
    {
        Overload(TimeSpan.FromMilliseconds(50)); // 1,000 in 50 ms: 2,000 in 100 ms

        LeaveAll();
        Enter(3000).ShouldBe(2000);
        _admission.IsFullFor(One).ShouldBeTrue();
    }

    [Fact]
    public void The_room_follows_the_rate_of_the_last_batches()
    {
        Overload(TimeSpan.FromMilliseconds(50));
        for (var batch = 0; batch < 100; batch++)
            Write(1000, TimeSpan.FromMilliseconds(100)); // now 1,000 in 100 ms

        LeaveAll();
        Enter(3000).ShouldBeInRange(1000, 1010, "an average comes near, and never quite there");
    }

    [Fact]
    public void However_slow_the_database_some_hundred_may_wait()
    {
        Overload(TimeSpan.FromMilliseconds(500)); // 1,000 in 500 ms: 200 in 100 ms

        LeaveAll();
        Enter(3000).ShouldBe(Admission.RoomMin);
    }

    [Fact]
    public void What_becomes_less_is_no_overload()
    {
        Enter(9000); // piled up while the database stumbled
        for (var batch = 0; batch < 40; batch++)
        {
            Write(200, TimeSpan.FromMilliseconds(100));
            _admission.Leave(One, 200);
            _admission.IsFullFor(One).ShouldBeFalse();
            Enter(10);
        }
        Enter(Options.QueueLimit).ShouldBeGreaterThan(7000);
    }

    [Fact]
    public void A_thousand_that_wait_all_the_time_are_no_overload()
    {
        Enter(1000);
        for (var batch = 0; batch < 100; batch++)
            Write(500, TimeSpan.FromSeconds(2));

        _admission.IsFullFor(One).ShouldBeFalse();
        Enter(Options.QueueLimit).ShouldBe(Options.QueueLimit - 1000);
    }

    [Fact]
    public void One_batch_that_takes_long_is_no_overload()
    {
        Enter(4000);
        Write(1, TimeSpan.FromMilliseconds(1));
        Enter(4000);
        Write(1, TimeSpan.FromSeconds(5));

        _admission.IsFullFor(One).ShouldBeFalse();
    }

    [Fact]
    public void A_commit_that_has_to_be_tried_again_is_no_overload()
    {
        Enter(9000);
        for (var batch = 0; batch < 10; batch++)
        {
            Write(1, TimeSpan.FromMilliseconds(200));
            _admission.RestartHeadwayCheck();
        }

        _admission.IsFullFor(One).ShouldBeFalse();
    }

    [Fact]
    public void An_overload_goes_on_while_the_room_is_used_up()
    {
        Overload(TimeSpan.FromMilliseconds(50));
        for (var second = 0; second < 10; second++)
        {
            LeaveAll();
            _clock.Advance(TimeSpan.FromSeconds(1));
            Enter(3000).ShouldBe(2000);
        }
    }

    [Fact]
    public void When_the_room_has_sufficed_for_a_while_the_whole_queue_may_be_used_again()
    {
        Overload(TimeSpan.FromMilliseconds(50));
        LeaveAll();
        _clock.Advance(TimeSpan.FromSeconds(2));
        Enter(1000).ShouldBe(1000);
        _clock.Advance(TimeSpan.FromSeconds(2));

        Enter(Options.QueueLimit).ShouldBe(Options.QueueLimit - 1000);
    }

    [Fact]
    public void Those_who_wait_for_a_thread_make_an_overload_as_those_who_wait_for_the_writer_do()
    {
        Enter(600);
        _waitingForThread = 300;
        for (var batch = 0; batch < 10; batch++)
            Write(600, TimeSpan.FromMilliseconds(50));
        _admission.IsFullFor(One).ShouldBeFalse("fewer than a thousand");

        _waitingForThread = 1400;
        _admission.IsFullFor(One).ShouldBeFalse("it may soon be over");
        for (var batch = 0; batch < 10; batch++)
            Write(600, TimeSpan.FromMilliseconds(50)); // 1,200 in 100 ms
        _admission.IsFullFor(One).ShouldBeTrue();
        _waitingForThread = 1100;
        _admission.IsFullFor(One).ShouldBeFalse();
        _admission.Waiting.ShouldBe(600, "nobody was let in or sent away");
    }

    [Fact]
    public void An_overload_goes_on_while_many_wait_for_a_thread()
    {
        Overload(TimeSpan.FromMilliseconds(50));
        LeaveAll();
        _waitingForThread = 2000;
        for (var second = 0; second < 10; second++)
        {
            _admission.IsFullFor(One).ShouldBeTrue();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        _waitingForThread = 0;
        _clock.Advance(TimeSpan.FromSeconds(3));
        Enter(3000).ShouldBe(3000);
    }

    [Fact]
    public void A_key_that_fills_the_queue_keeps_no_other_key_out()
    {
        Enter(Options.QueueLimit);

        _admission.IsFullFor(Other).ShouldBeFalse();
        _admission.TryEnter(Other, 1).ShouldBeTrue();
        _admission.TryEnter(Other, 2).ShouldBeFalse("the queue is full");
        _admission.IsFullFor(One).ShouldBeTrue("it has more than its share");
        _admission.TryEnter(One, 1).ShouldBeFalse();
    }

    [Fact]
    public void In_an_overload_each_key_has_the_same_share_of_the_room()
    {
        Overload(TimeSpan.FromMilliseconds(50)); // 1,000 in 50 ms: 2,000 in 100 ms

        Enumerable.Range(0, 3000).Count(_ => _admission.TryEnter(Other, 1)).ShouldBe(1000);
        _admission.IsFullFor(Other).ShouldBeTrue();
    }

    [Fact]
    public void However_many_keys_there_are_what_waits_is_bounded()
    {
        for (var key = 100; key < 50_000; key++)
            _admission.TryEnter(new Actor(key, "k"), 1);

        _admission.Waiting.ShouldBe(2 * Options.QueueLimit);
    }

    // The queue is full, and still is several batches and more than a quarter of a second later.
    private void Overload(TimeSpan batch)
    {
        Enter(Options.QueueLimit);
        for (var i = 0; i < 10; i++)
            Write(1000, batch);
    }

    private void Write(int commands, TimeSpan elapsed)
    {
        _clock.Advance(elapsed);
        _admission.Written(commands, elapsed);
    }

    private int Enter(int commands) => Enumerable.Range(0, commands).Count(_ => _admission.TryEnter(One, 1));

    private void LeaveAll() => _admission.Leave(One, _admission.Waiting);
}
