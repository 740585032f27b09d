using Factumerit.Ledger.Tests.Database;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Work in the background: no exception ends it, pauses grow, and a lasting failure does not fill the log.
/// </summary>
public sealed class RoundsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private readonly LineLogger _log = new();

    [Fact]
    public async Task Whatever_a_round_throws_the_next_one_comes()
    {
        Exception[] failures =
        [
            new InvalidOperationException("a bug\n\nDETAIL: more of it"), new NotSupportedException("another"),
            new OperationCanceledException("somebody else's"), new TimeoutException(),
            new KeyNotFoundException(), new AggregateException(new IOException()), new UnauthorizedAccessException(),
        ];
        using var stop = new CancellationTokenSource();
        var rounds = 0;
        await new BackgroundJobs(database.Ledger, TimeProvider.System).RunAsync(
            new("The work", () => TimeSpan.FromMilliseconds(1), _ =>
            {
                if (rounds < failures.Length)
                    throw failures[rounds++];
                stop.Cancel();
                return Task.CompletedTask;
            })
            { PauseMax = TimeSpan.FromMilliseconds(5) },
            _log, stop.Token);

        rounds.ShouldBe(failures.Length);
        _log.Lines.ShouldBe([
            "The work failed, 1 times in a row by now, and is tried again: InvalidOperationException: a bug",
            "The work failed, 2 times in a row by now, and is tried again: NotSupportedException: another",
            "The work failed, 4 times in a row by now, and is tried again: "
            + $"TimeoutException: {new TimeoutException().Message}",
            $"The work works again, after {failures.Length} failures",
        ]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    [InlineData(7, 60)]
    [InlineData(1_000_000, 60)]
    public void Pauses_double_up_to_a_minute(int failures, int seconds) =>
        BackgroundJobs.PauseAfter(new("The work", () => TimeSpan.FromSeconds(1), _ => Task.CompletedTask), failures)
            .ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void A_period_that_is_longer_stays_as_it_is() =>
        BackgroundJobs.PauseAfter(new("The work", () => TimeSpan.FromHours(1), _ => Task.CompletedTask), 5)
            .ShouldBe(TimeSpan.FromHours(1));

    [Fact]
    public async Task New_work_is_not_made_to_wait()
    {
        var wake = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var begun = 0;
        var running = new BackgroundJobs(database.Ledger, TimeProvider.System).RunAsync(
            new("The work", () => TimeSpan.FromHours(1), _ =>
            {
                if (++begun == 2)
                    stop.Cancel();
                return Task.CompletedTask;
            })
            { BeginsAtOnce = true, Wake = () => wake.Task },
            _log, stop.Token);
        wake.SetResult();

        await running.WaitAsync(TimeSpan.FromSeconds(30));
        begun.ShouldBe(2);
    }

    private sealed class LineLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
