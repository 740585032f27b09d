using System.Net.Sockets;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The attempts to decide and save one batch of commands. The first may decide on budgets that are remembered; every other has fresh state. Before it
/// decides again it looks whether the attempt before it was committed after all, when that was left unknown (R12).
/// </summary>
/// <param name="databaseClock">Ends an attempt whose time would be too far ahead.</param>
/// <param name="decided">What the commands decided on remembered budgets, for the first attempt; null when they have yet to decide.</param>
/// <param name="turn">The turn of the first attempt, where it was taken before the batch was; null when there is none yet.</param>
internal sealed class Commit(
    LedgerDatabase database, RecentBudgets recent, DatabaseClock databaseClock, IReadOnlyList<Command> commands,
    LedgerState? decided = null, Turn? turn = null)
    : IAsyncDisposable
{
    private readonly TaskCompletionSource _onItsWay = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A row that only the doubtful attempt can have written; null when no attempt is in doubt.
    private Witness? _doubtful;

    public IReadOnlyList<Command> Commands => commands;

    /// <summary>
    /// Completes when what was decided on remembered budgets has gone to the database, and the next may be decided on what it leaves; never, where nothing was.
    /// </summary>
    public Task OnItsWay => _onItsWay.Task;

    /// <summary>Whether the commit left something to tell LiteLLM (R20).</summary>
    public bool HasFilledOutbox { get; private set; }

    /// <summary>Whether something was written.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Gives up a turn that no attempt has used.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref turn, null)?.DisposeAsync() ?? default;

    /// <summary>One attempt. When it returns, every command has its outcome and what was decided is durable.</summary>
    /// <exception cref="CommitInDoubtException">The attempt failed, and this one or one before it may have been committed.</exception>
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
            // By the first time it waits, all that is to be saved was taken out of the state.
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
        // The loader first takes the writers' turn, which waits for a doubtful attempt to end at the server: only then
        // is its outcome settled.
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
        // From here on the attempt is in doubt, whatever happens, unless it is certain that it came to nothing.
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

    // An ERROR is the server's word that nothing was committed, as nothing can fail so after the commit is recorded.
    // FATAL is a connection that ends, before or after that; class 08 comes from what stands between us and the server.
    // What is neither from the server nor from the way to it failed before all was sent, and the COMMIT is sent last.
    private static bool IsCertainlyNotCommitted(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.InvariantSeverity == "ERROR" && !postgres.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException or SocketException or TimeoutException or OperationCanceledException or ObjectDisposedException => false,
        _ => true,
    };
}

/// <summary>An attempt failed, and it is not known whether the commit came about.</summary>
internal sealed class CommitInDoubtException(Exception inner) : Exception($"The outcome of a commit is unknown: {inner.Message}", inner);

/// <summary>One row that proves a commit, as a commit is whole or not at all.</summary>
internal sealed record Witness(string Sql, params object[] Values)
{
    public static Witness Of(LedgerState state)
    {
        if (state.NewEntries.Count > 0)
            return new Witness("SELECT EXISTS (SELECT FROM ledger_entries WHERE transaction_id = $1)", state.NewEntries[0].Transaction.Id);
        if (state.NewUsages.Count > 0)
            return new Witness("SELECT EXISTS (SELECT FROM llm_usage WHERE id = $1)", state.NewUsages[0].Usage.UsageId);
        if (state.NewAliases is [var alias, ..])
            return new Witness("SELECT EXISTS (SELECT FROM usage_aliases WHERE source_system = $1 AND external_id = $2)", alias.SourceSystem, alias.ExternalId);
        if (state.ChangedUsages.FirstOrDefault() is { } changedUsage)
            return new Witness(
                "SELECT EXISTS (SELECT FROM llm_usage WHERE id = $1 AND $2 IN (reviewed_at, filled_at))", changedUsage.UsageId, state.Now.UtcDateTime);
        // These have no id of their own, but no two commits touch the same key or budget in the same microsecond.
        var now = state.Now.UtcDateTime;
        if (state.NewAnswers is [var answer, ..])
            return new Witness(
                "SELECT EXISTS (SELECT FROM idempotency_keys WHERE operation = $1 AND key = $2 AND created_at = $3)", answer.Operation, answer.Key, now);
        if (state.VirtualKeys.New is [var made, ..])
            return new Witness("SELECT EXISTS (SELECT FROM virtual_keys WHERE id = $1)", made.Id);
        if (state.ChangedUsers.FirstOrDefault() is { } user)
            return new Witness(
                "SELECT EXISTS (SELECT FROM user_budgets WHERE user_id = $1 AND (signed_up_at = $2 OR deleted_at = $2))", user.UserId, now);
        // A later commit may hide these; then what they decided is decided again, with the same result.
        if (state.VirtualKeys.Changed.FirstOrDefault() is { } changed)
            return new Witness("SELECT EXISTS (SELECT FROM virtual_keys WHERE id = $1 AND updated_at = $2)", changed.Id, now);
        return new Witness("SELECT NOT EXISTS (SELECT FROM litellm_outbox WHERE id = $1)", state.VirtualKeys.Settled[0].OutboxId);
    }

    public async Task<bool> ExistsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        foreach (var value in Values)
            command.Parameters.Add(new() { Value = value });
        return (bool)(await command.ExecuteScalarAsync())!;
    }
}
