using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;
using Polly.Retry;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The only place that begins a transaction. One loop takes a batch of waiting commands, as many as fit, with the API
/// keys in turn. The commands decide on freshly loaded and locked state, or on cached budgets that the commit verifies.
/// All decisions are saved in one serializable commit, and then each caller gets its answer (R12). Meanwhile the loop
/// prepares the next batch. A refused command does not affect the others (R10).
/// </summary>
public sealed class LedgerWriter : IAsyncDisposable
{
    // idle_in_transaction_session_timeout, for which Npgsql has no name.
    private const string TurnTookTooLong = "25P03";

    // The fewest waiting commands that are taken ahead of their turn. Taking fewer costs more than it gains.
    private const int TakenAheadMin = 16;

    // No attempt begins later than this after the first one, even if attempts are left: on a database that hangs, a
    // single attempt takes long.
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(15);

    // After this time, an attempt that timed out is not retried: the database does not respond, and callers get their
    // answer within 10 seconds.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(8);

    /// <summary>The answer to commands beyond the queue's limit.</summary>
    public static readonly Refusal TooMany =
        new Refusal.Unavailable("The queue is full: more requests are waiting than can be written in time.");

    private readonly LedgerDatabase _database;
    private readonly WriterOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly FairQueue _queue = new();
    private readonly ResiliencePipeline _retries;
    private readonly Task _loop;
    private readonly Admission _admission;
    private readonly RecentBudgets _recent;
    private readonly DatabaseClock _databaseClock;

    // Tells the loop that enough commands wait to take them ahead of their turn.
    private readonly Signal _someWait = new();

    public LedgerWriter(
        LedgerDatabase database, WriterOptions options, TimeProvider clock, ILogger<LedgerWriter> logger)
    {
        (_database, _options, _clock, _logger) = (database, options, clock, logger);
        _admission = new Admission(options, clock);
        _recent = new RecentBudgets(options, clock);
        _databaseClock = new DatabaseClock(database.ClockSkewMax, clock, logger);
        LedgerMetrics.Observe(this);
        _retries = options.AttemptsMax > 1
            ? new ResiliencePipelineBuilder { TimeProvider = clock }.AddRetry(Retry()).Build()
            : ResiliencePipeline.Empty;
        // The loop serves every caller: it must not log under the trace of the request that created the writer.
        using (ExecutionContext.SuppressFlow())
            _loop = Task.Run(RunAsync);
    }

    /// <summary>Commands that wait or are being written.</summary>
    public int Waiting => _admission.Waiting;

    /// <summary>Whether the next command of this key would be refused, because the writer is overloaded.</summary>
    public bool IsFullFor(Actor by) => _admission.IsFullFor(by);

    /// <summary>Why and when the last commit failed; null after a commit that was written.</summary>
    public WriteFailure? LastFailure { get; private set; }

    /// <summary>Raised by a commit that added entries to the outbox for LiteLLM (R20).</summary>
    public Signal OutboxFilled { get; } = new();

    /// <summary>
    /// Completes when every command has its outcome. The commands are decided in order, in one commit. If too many
    /// commands wait, all of these are refused at once. Cancellation has an effect only until the writer has begun with
    /// them: a commit is never abandoned half-way.
    /// </summary>
    public async Task WriteAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken)
    {
        var submission = new Submission(commands, _clock.GetTimestamp(), cancellationToken);
        if (!_admission.TryEnter(submission.By, commands.Count))
            submission.Refuse(TooMany);
        else if (!_queue.TryAdd(submission, out var waiting))
        {
            Leave(submission);
            submission.Refuse(TooMany);
        }
        else if (waiting >= TakenAheadMin && waiting - commands.Count < TakenAheadMin)
            _someWait.Raise();
        await submission.Done;
    }

    /// <summary>Accepts no more commands, writes the waiting ones, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _loop;
    }

    // The loop must not end on an exception, or no later caller would be answered. A bug fails only the submissions in
    // the two drafts.
    private async Task RunAsync()
    {
        var (one, other) = (new Draft(_recent, _clock), new Draft(_recent, _clock));
        while (true)
            try
            {
                await RunAsync(one, other);
                return;
            }
            catch (Exception exception)
            {
                // The failed requests log the exception.
                Fail(one, exception);
                Fail(other, exception);
            }
    }

    private void Fail(Draft draft, Exception exception)
    {
        foreach (var submission in draft.Submissions)
            submission.Fail(exception);
        Complete(draft);
    }

    private async Task RunAsync(Draft next, Draft written)
    {
        while (next.Count > 0 || await _queue.WaitAsync())
        {
            Turn? turn = null;
            if (_recent.OthersWrite)
            {
                Complete(written);
                turn = await TryTakeTurnAsync();
            }
            next.Renew(IsOver);
            Take(next);
            var commit = new Commit(
                _database, _recent, _databaseClock, [.. next.Submissions.SelectMany(s => s.Commands)],
                next.Decided(), turn);
            // Start the next commit before answering the callers of the last one.
            var writing = WriteAsync(next.Submissions, commit);
            Complete(written);
            (next, written) = (written, next);
            await TakeAheadAsync(next, commit, writing);
            if (next.Count == 0 && _queue.IsEmpty)
                Complete(written);
        }
        Complete(written);
    }

    // Decides the next batch on the balances of the commit in flight. If that commit fails, this batch's check fails
    // too.
    private async Task TakeAheadAsync(Draft next, Commit commit, Task writing)
    {
        await Task.WhenAny(writing, commit.OnItsWay);
        while (!writing.IsCompleted)
        {
            var someWait = _someWait.Next;
            // With another writer active, most of these decisions would be stale by their turn.
            if (_queue.Commands >= TakenAheadMin && !_recent.OthersWrite)
                Take(next);
            await Task.WhenAny(writing, someWait);
        }
        await writing;
    }

    private void Complete(Draft written)
    {
        foreach (var submission in written.Submissions)
        {
            submission.Complete();
            Leave(submission);
        }
        written.Clear();
    }

    private void Leave(Submission submission) => _admission.Leave(submission.By, submission.Commands.Count);

    // Takes the turn before the batch is made up. Commands that arrive while another writer has the turn then share
    // the commit.
    private async Task<Turn?> TryTakeTurnAsync()
    {
        try
        {
            return await Turn.TakeAsync(_database);
        }
        catch (Exception)
        {
            // The commit meets the same failure and handles it.
            return null;
        }
    }

    private async Task WriteAsync(IReadOnlyList<Submission> batch, Commit commit)
    {
        try
        {
            if (batch.Count > 0)
                await WriteBatchAsync(batch, commit);
            else
                await commit.DisposeAsync();
        }
        catch (Exception exception)
        {
            // Not even a logger that throws may end the loop: all later callers would wait forever.
            foreach (var submission in batch)
                submission.Fail(exception);
        }
    }

    private void Take(Draft draft)
    {
        while (_queue.TryTake(draft.Count == 0 ? int.MaxValue : _options.BatchLimit - draft.Count, out var next))
            if (!IsOver(next))
                draft.Add(next);
        draft.Decide();
    }

    // Ends a submission whose caller has gone, or that has waited too long.
    private bool IsOver(Submission submission)
    {
        if (submission.IsAbandoned)
            submission.Cancel();
        else if (_clock.GetElapsedTime(submission.QueuedAt).TotalMilliseconds > _options.QueueTimeoutMs)
            submission.Refuse(new Refusal.Unavailable("The request waited too long in the queue."));
        else
            return false;
        Leave(submission);
        return true;
    }

    private async Task WriteBatchAsync(IReadOnlyList<Submission> batch, Commit commit)
    {
        await using var disposed = commit;
        try
        {
            var started = _clock.GetTimestamp();
            using var giveUp = new CancellationTokenSource(GiveUpAfter, _clock);
            await _retries.ExecuteAsync(async _ => await TryAsync(commit, started, giveUp), giveUp.Token);
            if (commit.HasWritten)
                LastFailure = null;
            if (commit.HasFilledOutbox)
                OutboxFilled.Raise();
            LedgerMetrics.BatchSize.Record(commit.Commands.Count);
            var elapsed = _clock.GetElapsedTime(started);
            LedgerMetrics.CommitDuration.Record(elapsed.TotalSeconds);
            _admission.Written(commit.Commands.Count, elapsed);
        }
        catch (ClockAheadException exception)
        {
            foreach (var submission in batch)
                submission.Refuse(new Refusal.Unavailable(exception.Message));
        }
        catch (Exception exception) when (IsNobodysFault(exception))
        {
            if (DatabaseFailure.MayLieInSession(exception))
                _database.RenewSessions();
            LogGivenUp(commit.Commands.Count, exception);
            LastFailure = new WriteFailure(exception, _clock.GetTimestamp());
            foreach (var submission in batch)
                submission.Refuse(new Refusal.Unavailable(
                    "The database can't be reached, is too busy, or can't be written to now."));
        }
        catch (Exception exception) when (batch.Count > 1)
        {
            // One command carries a value that the database rejects, which is a bug. The other callers' commands must
            // not fail because of it.
            _logger.LogError(
                exception, "A commit of {Commands} commands failed; each caller's are now written alone",
                commit.Commands.Count);
            await commit.DisposeAsync();
            foreach (var submission in batch)
            {
                var alone = new Commit(_database, _recent, _databaseClock, submission.Commands);
                await WriteBatchAsync([submission], alone);
                submission.Complete();
            }
        }
        catch (Exception exception)
        {
            batch[0].Fail(exception);
        }
    }

    // A disk stays full for long and fails every commit. It is logged once, until a commit was written again.
    private void LogGivenUp(int commands, Exception exception)
    {
        if (!DatabaseFailure.IsDiskFull(exception))
            _logger.LogWarning("A commit of {Commands} commands was given up: {Reason}", commands, exception.Message);
        else if (LastFailure is not { Reason: { } last } || !DatabaseFailure.IsDiskFull(last))
            _logger.LogError(
                "The disk of the database is full; nothing is written until it has room again: {Reason}",
                exception.Message);
    }

    private RetryStrategyOptions Retry() => new()
    {
        ShouldHandle = new PredicateBuilder().Handle<Exception>(IsTransient),
        MaxRetryAttempts = _options.AttemptsMax - 1,
        BackoffType = DelayBackoffType.Exponential,
        Delay = TimeSpan.FromMilliseconds(10),
        MaxDelay = TimeSpan.FromMilliseconds(500),
        UseJitter = true,
        OnRetry = retry =>
        {
            LedgerMetrics.Retries.Add(1);
            // Commands that wait because the database failed are no sign of an overload.
            _admission.NotStanding();
            _logger.LogWarning(
                "A commit is tried again after attempt {Attempt}: {Reason}",
                retry.AttemptNumber + 1, retry.Outcome.Exception?.Message);
            return default;
        },
    };

    private async Task TryAsync(Commit commit, long started, CancellationTokenSource giveUp)
    {
        try
        {
            await commit.TryAsync();
        }
        catch (Exception exception) when (HasTimedOut(exception) && _clock.GetElapsedTime(started) > SilenceMax)
        {
            await giveUp.CancelAsync();
            throw;
        }
    }

    private static bool HasTimedOut(Exception exception) =>
        exception is TimeoutException || (exception.InnerException is { } inner && HasTimedOut(inner));

    // The database can't accept any commit now, or the outcome of this one is unknown. Writing its commands one by one
    // would only lose some of them.
    private static bool IsNobodysFault(Exception exception) =>
        exception is CommitInDoubtException or OperationCanceledException
        || (!DatabaseFailure.LiesInData(exception)
            && (IsTransient(exception) || DatabaseFailure.IsUnavailable(exception)));

    // Transient are: serialization failures, deadlocks and lost connections (SQLSTATE 40001, 40P01, 08xxx, 53xxx
    // except a full disk, 57P0x and broken sockets); a key that another writer inserted first (the retry finds it and
    // answers with a replay); and a turn that took too long. A commit in doubt is always retried, whatever failed: the
    // next attempt looks up its outcome.
    private static bool IsTransient(Exception exception) => exception switch
    {
        CommitInDoubtException => true,
        PostgresException
        {
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation or TurnTookTooLong
        } => true,
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => false,
        NpgsqlException npgsql => npgsql.IsTransient || npgsql.InnerException is IOException or TimeoutException,
        TimeoutException or IOException => true,
        _ => exception.InnerException is { } inner && IsTransient(inner),
    };
}

/// <summary>
/// A commit that failed because of the database, not because of its data. At is a timestamp of the clock.
/// </summary>
public sealed record WriteFailure(Exception Reason, long At);
