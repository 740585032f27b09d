using System.Data;
using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Factumerit.Ledger.Writing;

/// <summary>
/// The attempts to decide and save one batch of commands. Every attempt has a new context and fresh state; before it decides again it looks
/// whether the attempt before it was committed after all, when that was left unknown (R12).
/// </summary>
internal sealed class Commit(LedgerDatabase database, IReadOnlyList<Command> commands)
{
    // A row that only the doubtful attempt can have written; null when no attempt is in doubt.
    private Witness? _doubtful;

    public IReadOnlyList<Command> Commands => commands;

    /// <summary>One attempt. When it returns, every command has its outcome and what was decided is durable.</summary>
    public async Task TryAsync()
    {
        await using var context = database.CreateWriterContext();
        await using var transaction = await context.Database.BeginTransactionAsync(IsolationLevel.Serializable);
        var connection = (NpgsqlConnection)context.Database.GetDbConnection();

        // The loader first takes the writers' turn, which waits for a doubtful attempt to end at the server: only then is its outcome settled.
        var state = await StateLoader.LoadAsync(connection, commands);
        if (_doubtful is { } witness)
        {
            if (await witness.ExistsAsync(connection))
                return;
            _doubtful = null;
        }
        foreach (var command in commands)
            command.Apply(state);
        if (!state.HasChanges)
            return;
        await StateSaver.SaveAsync(connection, state);
        await CommitAsync(transaction, state);
    }

    private async Task CommitAsync(IDbContextTransaction transaction, LedgerState state)
    {
        try
        {
            await transaction.CommitAsync();
        }
        catch (Exception exception) when (!IsRolledBack(exception))
        {
            _doubtful = Witness.Of(state);
            throw;
        }
    }

    // Class 23 (a deferred check) and 40 (serialization, deadlock) are the server's word that nothing was committed. Anything else, a cut
    // connection above all, says nothing about the commit.
    private static bool IsRolledBack(Exception exception) =>
        exception is PostgresException postgres
        && (postgres.SqlState.StartsWith("23", StringComparison.Ordinal) || postgres.SqlState.StartsWith("40", StringComparison.Ordinal));
}

/// <summary>
/// One row that proves a commit, as a commit is whole or not at all. Without one there is nothing to prove: an attempt that only opened or
/// closed empty budgets is repeated without harm (R7, R11).
/// </summary>
internal sealed record Witness(string Sql, object Value)
{
    public static Witness? Of(LedgerState state)
    {
        if (state.NewEntries.Count > 0)
            return new Witness("SELECT EXISTS (SELECT FROM ledger_entries WHERE transaction_id = $1)", state.NewEntries[0].Transaction.Id);
        return state.NewUsages.Count > 0
            ? new Witness("SELECT EXISTS (SELECT FROM llm_usage WHERE id = $1)", state.NewUsages[0].Usage.UsageId)
            : null;
    }

    public async Task<bool> ExistsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Sql, connection) { Parameters = { new() { Value = Value } } };
        return (bool)(await command.ExecuteScalarAsync())!;
    }
}
