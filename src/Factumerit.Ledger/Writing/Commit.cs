using System.Net.Sockets;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The attempts to decide and save one batch of commands. The first attempt may use decisions on cached budgets; every
/// other attempt decides on freshly loaded state. If the outcome of an attempt is unknown, the next one first looks up
/// whether it was committed, and decides again only if it was not (R12).
/// </summary>
/// <param name="databaseClock">Ends an attempt whose time would be too far ahead.</param>
/// <param name="decided">The decisions on cached budgets, for the first attempt; null when there are none.</param>
/// <param name="turn">The turn of the first attempt, if it was taken before the batch was; otherwise null.</param>
internal sealed class Commit(
    LedgerDatabase database, RecentBudgets recent, DatabaseClock databaseClock, IReadOnlyList<Command> commands,
    LedgerState? decided = null, Turn? turn = null)
    : IAsyncDisposable
{
    private readonly TaskCompletionSource _onItsWay = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Proves that the attempt in doubt was committed; null when no attempt is in doubt.
    private Witness? _doubtful;

    public IReadOnlyList<Command> Commands => commands;

    /// <summary>
    /// Completes when the decisions on cached budgets are on their way to the database; from then on the next batch may
    /// be decided on the balances of this one. Never completes if the batch was not decided on cached budgets.
    /// </summary>
    public Task OnItsWay => _onItsWay.Task;

    /// <summary>Whether the commit added entries to the outbox for LiteLLM (R20).</summary>
    public bool HasFilledOutbox { get; private set; }

    /// <summary>Whether an attempt saved and committed changes.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Releases a turn that no attempt has used.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref turn, null)?.DisposeAsync() ?? default;

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
            if (Interlocked.Exchange(ref decided, null) is not { } guess || !await TryProveAsync(guess))
                await DecideAndSaveAsync();
        }
        catch (Exception exception) when (_doubtful is not null)
        {
            throw new CommitInDoubtException(exception);
        }
    }

    private async Task<bool> TryProveAsync(LedgerState guess)
    {
        var isRight = false;
        try
        {
            isRight = await TrySaveAsync(guess);
            recent.Learn(isRight);
            return isRight;
        }
        finally
        {
            if (!isRight)
                recent.Forget(guess);
        }
    }

    private async Task<bool> TrySaveAsync(LedgerState guess)
    {
        await using var current = await OpenAsync();
        try
        {
            // SaveAsync has copied everything that it saves from the state before its first asynchronous wait.
            var saving = SaveAsync(current, guess);
            _onItsWay.SetResult();
            await saving;
            return true;
        }
        catch (PostgresException exception) when (_doubtful is null && StateSaver.IsOutdated(exception))
        {
            recent.OthersWrite = exception.SqlState == PostgresErrorCodes.InvalidTextRepresentation;
            return false;
        }
    }

    private async Task DecideAndSaveAsync()
    {
        await using var current = await OpenAsync();
        // The loader first takes the writers' turn. That waits until an attempt in doubt has ended at the server; only
        // then is its outcome final.
        var state = await StateLoader.LoadAsync(current, commands);
        if (_doubtful is { } witness)
        {
            if (await witness.ExistsAsync(current.Connection))
                return;
            _doubtful = null;
        }
        databaseClock.Require(state.DatabaseTime);
        recent.SetTime(state.Now);
        foreach (var command in commands)
            command.Apply(state);
        if (state.HasChanges)
            await SaveAsync(current, state);
        recent.Keep(state);
    }

    private async Task<Turn> OpenAsync() => Interlocked.Exchange(ref turn, null) ?? await Turn.OpenAsync(database);

    private async Task SaveAsync(Turn current, LedgerState state)
    {
        // From here on a failed attempt is in doubt, unless it is certain that nothing was committed.
        _doubtful = Witness.Of(state);
        try
        {
            HasFilledOutbox = await StateSaver.SaveAndCommitAsync(current, state);
            HasWritten = true;
        }
        catch (Exception exception) when (IsCertainlyNotCommitted(exception))
        {
            _doubtful = null;
            throw;
        }
    }

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

/// <summary>A query for one row that proves a commit. One row is enough, because a commit is atomic.</summary>
internal sealed record Witness(string Sql, params object[] Values)
{
    public static Witness Of(LedgerState state)
    {
        if (state.NewEntries.Count > 0)
            return new Witness(
                "SELECT EXISTS (SELECT FROM ledger_entries WHERE transaction_id = $1)",
                state.NewEntries[0].Transaction.Id);
        if (state.NewUsages.Count > 0)
            return new Witness(
                "SELECT EXISTS (SELECT FROM llm_usage WHERE id = $1)",
                state.NewUsages[0].Usage.UsageId);
        if (state.NewAliases is [var alias, ..])
            return new Witness(
                "SELECT EXISTS (SELECT FROM usage_aliases WHERE source_system = $1 AND external_id = $2)",
                alias.SourceSystem, alias.ExternalId);
        if (state.ChangedUsages.FirstOrDefault() is { } changedUsage)
            return new Witness(
                "SELECT EXISTS (SELECT FROM llm_usage WHERE id = $1 AND $2 IN (reviewed_at, filled_at))",
                changedUsage.UsageId, state.Now.UtcDateTime);
        // Rows without an id of their own are identified by the commit's time: no two commits touch the same key or
        // budget in the same microsecond.
        var now = state.Now.UtcDateTime;
        if (state.NewAnswers is [var answer, ..])
            return new Witness(
                "SELECT EXISTS (SELECT FROM idempotency_keys WHERE operation = $1 AND key = $2 AND created_at = $3)",
                answer.Operation, answer.Key, now);
        if (state.VirtualKeys.New is [var made, ..])
            return new Witness("SELECT EXISTS (SELECT FROM virtual_keys WHERE id = $1)", made.Id);
        if (state.ChangedUsers.FirstOrDefault() is { } user)
            return new Witness(
                "SELECT EXISTS (SELECT FROM user_budgets"
                + " WHERE user_id = $1 AND (signed_up_at = $2 OR deleted_at = $2))",
                user.UserId, now);
        // A later commit may overwrite the proof of these. The batch is then decided again, with the same result.
        if (state.VirtualKeys.Changed.FirstOrDefault() is { } changed)
            return new Witness(
                "SELECT EXISTS (SELECT FROM virtual_keys WHERE id = $1 AND updated_at = $2)", changed.Id, now);
        return new Witness(
            "SELECT NOT EXISTS (SELECT FROM litellm_outbox WHERE id = $1)", state.VirtualKeys.Settled[0].OutboxId);
    }

    public async Task<bool> ExistsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        foreach (var value in Values)
            command.Parameters.Add(new() { Value = value });
        return (bool)(await command.ExecuteScalarAsync())!;
    }
}
