using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Tests.Writing;

/// <summary>How many commands may wait: all that the queue holds, or what can be written in good time while more comes in than can be written.</summary>
public sealed class AdmissionTests
{
    private static readonly WriterOptions Options = new() { QueueLimit = 10_000, QueueTimeoutMs = 10_000, OverloadTimeoutMs = 100 };
    private readonly HandClock _clock = new();
    private readonly Admission _admission;
    private long _waitingForThread;

    public AdmissionTests() => _admission = new Admission(Options, _clock, () => _waitingForThread);

    [Fact]
    public void As_many_as_the_queue_holds_may_wait_and_one_more_may_not()
    {
        Enter(Options.QueueLimit).ShouldBe(Options.QueueLimit);

        _admission.IsFull().ShouldBeTrue();
        _admission.TryEnter(1).ShouldBeFalse();
        _admission.Waiting.ShouldBe(Options.QueueLimit, "who is refused does not wait");
        _admission.Leave(1);
        _admission.TryEnter(1).ShouldBeTrue();
    }

    [Fact]
    public void A_submission_larger_than_the_queue_is_let_in_when_nobody_waits()
    {
        _admission.TryEnter(50_000).ShouldBeTrue();
        _admission.Leave(50_000);
        _admission.TryEnter(1).ShouldBeTrue();
        _admission.TryEnter(Options.QueueLimit).ShouldBeFalse();
    }

    [Fact]
    public void In_an_overload_as_many_may_wait_as_can_be_written_in_good_time()
    {
        Overload(TimeSpan.FromMilliseconds(50)); // 1,000 in 50 ms: 2,000 in 100 ms

        LeaveAll();
        Enter(3000).ShouldBe(2000);
        _admission.IsFull().ShouldBeTrue();
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
            _admission.Leave(200);
            _admission.IsFull().ShouldBeFalse();
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

        _admission.IsFull().ShouldBeFalse();
        Enter(Options.QueueLimit).ShouldBe(Options.QueueLimit - 1000);
    }

    [Fact]
    public void One_batch_that_takes_long_is_no_overload()
    {
        Enter(4000);
        Write(1, TimeSpan.FromMilliseconds(1));
        Enter(4000);
        Write(1, TimeSpan.FromSeconds(5));

        _admission.IsFull().ShouldBeFalse();
    }

    [Fact]
    public void A_commit_that_has_to_be_tried_again_is_no_overload()
    {
        Enter(9000);
        for (var batch = 0; batch < 10; batch++)
        {
            Write(1, TimeSpan.FromMilliseconds(200));
            _admission.NotStanding();
        }

        _admission.IsFull().ShouldBeFalse();
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
        _admission.IsFull().ShouldBeFalse("fewer than a thousand");

        _waitingForThread = 1400;
        _admission.IsFull().ShouldBeFalse("it may soon be over");
        for (var batch = 0; batch < 10; batch++)
            Write(600, TimeSpan.FromMilliseconds(50)); // 1,200 in 100 ms
        _admission.IsFull().ShouldBeTrue();
        _waitingForThread = 1100;
        _admission.IsFull().ShouldBeFalse();
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
            _admission.IsFull().ShouldBeTrue();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        _waitingForThread = 0;
        _clock.Advance(TimeSpan.FromSeconds(3));
        Enter(3000).ShouldBe(3000);
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

    private int Enter(int commands) => Enumerable.Range(0, commands).Count(_ => _admission.TryEnter(1));

    private void LeaveAll() => _admission.Leave(_admission.Waiting);
}
