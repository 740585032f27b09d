using System.Net.Sockets;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing.Tables;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>What the commits of a writer share.</summary>
internal sealed record CommitParts(
    LedgerDatabase Database, LedgerTables Tables, RememberedBudgets Remembered, GuessBackoff Backoff,
    DatabaseClock Clock);

/// <summary>
/// The attempts to decide and save one batch of commands. The first attempt may decide on remembered budgets; every
/// other attempt decides on freshly loaded rows. If the outcome of an attempt is unknown, the next one first looks up
/// whether it was committed, and decides again only if it was not (R12).
/// </summary>
/// <param name="parts">What the writer's commits share.</param>
/// <param name="commands">The batch.</param>
/// <param name="transaction">The transaction of the first attempt, if its turn was taken before the batch was.</param>
internal sealed class Commit(
    CommitParts parts, IReadOnlyList<Command> commands, CommitTransaction? transaction = null) : IAsyncDisposable
{
    private bool _mayGuess = true;

    // Proves that the attempt in doubt was committed; null when no attempt is in doubt.
    private Proof? _doubtful;

    public IReadOnlyList<Command> Commands => commands;

    /// <summary>Whether the commit added rows to the outbox (R20).</summary>
    public bool HasFilledOutbox { get; private set; }

    /// <summary>Whether an attempt saved and committed changes.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Releases a transaction that no attempt has used.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref transaction, null)?.DisposeAsync() ?? default;

    /// <summary>
    /// Makes one attempt. When it returns, every command has its outcome and the decisions are durable.
    /// </summary>
    /// <exception cref="CommitInDoubtException">
    /// The attempt failed, and this attempt or an earlier one may have been committed.
    /// </exception>
    public async Task TryAsync()
    {
        try
        {
            if (!_mayGuess || !await TryGuessAsync())
                await DecideAndSaveAsync();
        }
        catch (Exception exception) when (_doubtful is not null)
        {
            throw new CommitInDoubtException(exception);
        }
    }

    // Decides on remembered budgets, and saves if the database still agrees with them.
    private async Task<bool> TryGuessAsync()
    {
        _mayGuess = false;
        if (DecideOnRememberedBudgets() is not { } guess)
            return false;
        var isRight = false;
        try
        {
            await using var current = await OpenAsync();
            await SaveAsync(current, guess);
            parts.Backoff.WasRight();
            return isRight = true;
        }
        catch (PostgresException exception) when (_doubtful is null && IsStale(exception))
        {
            parts.Backoff.WasWrong(othersWrite: exception.SqlState == PostgresErrorCodes.InvalidTextRepresentation);
            return false;
        }
        finally
        {
            if (!isRight)
                parts.Remembered.Forget(guess);
        }
    }

    // Returns null when the batch must be decided on loaded rows: a guess has to be verified by saving it, so each
    // command must record a usage or place a hold, and each budget must change. A refusal, a replay, or a balance that
    // was only read could be wrong without being detected.
    private WorkingSet? DecideOnRememberedBudgets()
    {
        if (parts.Clock.Estimate() is not { } now || !parts.Backoff.MayGuess()
            || !commands.All(command => command.IsProvenBySaving))
            return null;
        var (needs, guess) = (new Needs(), new WorkingSet(now, commands.Count));
        foreach (var command in commands)
            command.Declare(needs);
        if (!parts.Remembered.TryLend(needs.Users, guess))
            return null;
        try
        {
            foreach (var command in commands)
                command.Apply(guess);
            if (guess.NewUsages.Count + guess.Holds.NewCount == commands.Count
                && guess.ChangedUsers.Count == guess.Users.Count)
                return guess;
        }
        catch (Exception)
        {
            // A bug in a command. It fails again on loaded rows, where it is handled.
        }
        parts.Remembered.Forget(guess);
        return null;
    }

    private async Task DecideAndSaveAsync()
    {
        await using var current = await OpenAsync();
        // Loading first takes the writers' turn. That waits until an attempt in doubt has ended at the server; only
        // then is its outcome final.
        var set = await parts.Tables.LoadAsync(current, commands);
        if (_doubtful is { } proof)
        {
            if (await proof.HoldsAsync(current.Connection))
                return;
            _doubtful = null;
        }
        parts.Clock.Require(set.DatabaseTime);
        parts.Clock.Set(set.DatabaseTime, set.Now);
        foreach (var command in commands)
            command.Apply(set);
        if (parts.Tables.HaveChanges(set))
            await SaveAsync(current, set);
        parts.Remembered.Keep(set);
    }

    private async Task<CommitTransaction> OpenAsync() =>
        Interlocked.Exchange(ref transaction, null) ?? await CommitTransaction.OpenAsync(parts.Database);

    // Saves everything and commits in one round trip, which also takes the turn if no read has taken it.
    private async Task SaveAsync(CommitTransaction current, WorkingSet set)
    {
        await using var batch = current.NewBatch();
        parts.Tables.Save(batch, set);
        batch.BatchCommands.Add(new("COMMIT"));
        // From here on a failed attempt is in doubt, unless it is certain that nothing was committed.
        _doubtful = parts.Tables.ProofOf(set);
        try
        {
            await batch.ExecuteNonQueryAsync();
            HasWritten = true;
            HasFilledOutbox = parts.Tables.HaveFilledOutbox(batch);
        }
        catch (Exception exception) when (IsCertainlyNotCommitted(exception))
        {
            _doubtful = null;
            throw;
        }
    }

    // The rows that were decided on have changed, or a request id is no longer new.
    private static bool IsStale(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.UniqueViolation
            or PostgresErrorCodes.ExclusionViolation;

    // Severity ERROR proves that nothing was committed: the server raises no ERROR after it has recorded the commit.
    // FATAL ends the connection, before or after that. Class 08 comes from a proxy between the service and the server.
    // An exception that comes neither from the server nor from the connection was thrown before everything was sent,
    // and COMMIT is sent last.
    private static bool IsCertainlyNotCommitted(Exception exception) => exception switch
    {
        PostgresException postgres =>
            postgres.InvariantSeverity == "ERROR" && !postgres.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException or SocketException or TimeoutException or OperationCanceledException
            or ObjectDisposedException => false,
        _ => true,
    };
}

/// <summary>An attempt failed, and it is unknown whether it was committed.</summary>
internal sealed class CommitInDoubtException(Exception inner)
    : Exception($"The outcome of a commit is unknown: {inner.Message}", inner);
