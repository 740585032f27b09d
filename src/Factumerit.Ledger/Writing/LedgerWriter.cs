using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing.Tables;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;
using Polly.Retry;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The only place that begins a transaction. One loop takes a batch of waiting commands, as many as fit, with the API
/// keys in turn. The commands decide on freshly loaded and locked rows, or on cached budgets that the commit verifies.
/// All decisions are saved in one serializable commit, and then each caller gets its answer (R12). A refused command
/// does not affect the others (R10).
/// </summary>
public sealed class LedgerWriter : IAsyncDisposable
{
    // idle_in_transaction_session_timeout, for which Npgsql has no name.
    private const string TurnTookTooLong = "25P03";

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
    private readonly GuessBackoff _backoff = new();
    private readonly CommitParts _parts;

    public LedgerWriter(
        LedgerDatabase database, WriterOptions options, TimeProvider clock, ILogger<LedgerWriter> logger)
    {
        (_database, _options, _clock, _logger) = (database, options, clock, logger);
        _admission = new Admission(options, clock);
        _parts = new CommitParts(
            database, new LedgerTables(database.Model), new RememberedBudgets(options.RememberedUsersMax), _backoff,
            new DatabaseClock(database.ClockSkewMax, clock, logger));
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

    /// <summary>Raised by a commit that added entries to the outbox (R20).</summary>
    public Signal OutboxFilled { get; } = new();

    /// <summary>
    /// Completes when every command has its outcome. The commands are decided in order, in one commit. If too many
    /// commands wait, all of these are refused at once. Cancellation has an effect only until the writer has begun with
    /// them: a commit is never abandoned half-way.
    /// </summary>
    public async Task WriteAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken)
    {
        var call = new PendingCall(commands, _clock.GetTimestamp(), cancellationToken);
        if (!_admission.TryEnter(call.By, commands.Count))
            call.Refuse(TooMany);
        else if (!_queue.TryAdd(call))
        {
            Leave(call);
            call.Refuse(TooMany);
        }
        await call.Done;
    }

    /// <summary>Accepts no more commands, writes the waiting ones, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _loop;
    }

    private async Task RunAsync()
    {
        IReadOnlyList<PendingCall> written = [];
        while (await _queue.WaitAsync())
        {
            // Takes the turn before the batch. Commands that arrive while another writer has the turn then share the
            // commit.
            var transaction = _backoff.OthersWrite ? await TryTakeTurnAsync() : null;
            var batch = TakeBatch();
            var writing = WriteAsync(batch, transaction);
            // Start the next commit before answering the callers of the last one.
            Complete(written);
            await writing;
            written = batch;
            if (_queue.IsEmpty)
            {
                Complete(written);
                written = [];
            }
        }
        Complete(written);
    }

    private void Complete(IReadOnlyList<PendingCall> written)
    {
        foreach (var call in written)
        {
            call.Complete();
            Leave(call);
        }
    }

    private void Leave(PendingCall call) => _admission.Leave(call.By, call.Commands.Count);

    private async Task<CommitTransaction?> TryTakeTurnAsync()
    {
        try
        {
            return await CommitTransaction.TakeTurnAsync(_parts.Database);
        }
        catch (Exception)
        {
            // The commit meets the same failure and handles it.
            return null;
        }
    }

    private async Task WriteAsync(IReadOnlyList<PendingCall> batch, CommitTransaction? transaction)
    {
        try
        {
            var commit = new Commit(_parts, [.. batch.SelectMany(call => call.Commands)], transaction);
            if (batch.Count > 0)
                await WriteBatchAsync(batch, commit);
            else
                await commit.DisposeAsync();
        }
        catch (Exception exception)
        {
            // No exception may end the loop, not even that of a logger: all later callers would wait forever.
            foreach (var call in batch)
                call.Fail(exception);
        }
    }

    private List<PendingCall> TakeBatch()
    {
        var (batch, commands) = (new List<PendingCall>(), 0);
        while (_queue.TryTake(batch.Count == 0 ? int.MaxValue : _options.BatchLimit - commands, out var call))
            try
            {
                if (IsOver(call))
                    continue;
                batch.Add(call);
                commands += call.Commands.Count;
            }
            catch (Exception exception)
            {
                // A bug, or a clock that throws, must not end the loop.
                call.Fail(exception);
                Leave(call);
            }
        return batch;
    }

    // Ends a call whose caller has gone, or that has waited too long.
    private bool IsOver(PendingCall call)
    {
        if (call.IsAbandoned)
            call.Cancel();
        else if (_clock.GetElapsedTime(call.QueuedAt).TotalMilliseconds > _options.QueueTimeoutMs)
            call.Refuse(new Refusal.Unavailable("The request waited too long in the queue."));
        else
            return false;
        Leave(call);
        return true;
    }

    private async Task WriteBatchAsync(IReadOnlyList<PendingCall> batch, Commit commit)
    {
        await using var disposed = commit;
        using var span = LedgerTraces.BeginCommit(batch);
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
            foreach (var call in batch)
                call.Refuse(new Refusal.Unavailable(exception.Message));
        }
        catch (Exception exception) when (IsNobodysFault(exception))
        {
            if (DatabaseFailure.MayLieInSession(exception))
                _database.RenewSessions();
            LogGivenUp(commit.Commands.Count, exception);
            LastFailure = new WriteFailure(exception, _clock.GetTimestamp());
            foreach (var call in batch)
                call.Refuse(new Refusal.Unavailable(
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
            foreach (var call in batch)
            {
                var alone = new Commit(_parts, call.Commands);
                await WriteBatchAsync([call], alone);
                call.Complete();
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
            _admission.RestartHeadwayCheck();
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
