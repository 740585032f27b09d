using Factumerit.Ledger.Commands;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The tables that commits change, in the order in which they are saved. Budgets come first, because a stale budget
/// ends the commit, and usages before entries: a request id that is already known ends it before an entry has taken an
/// id.
/// </summary>
internal sealed class LedgerTables
{
    private readonly OutboxMessages _outbox;
    private readonly IReadOnlyList<Table> _tables;

    public LedgerTables(IModel model) => _tables =
    [
        new Budgets(model),
        new Usages(model),
        new UsageAliases(model),
        new Holds(model),
        new ProviderUsageCosts(model),
        new Entries(model),
        new BudgetTransactions(model),
        new IdempotencyKeys(model),
        new AuditLog(model),
        new AccountTotals(model),
        new VirtualKeys(model),
        _outbox = new OutboxMessages(model),
    ];

    /// <summary>
    /// Loads what the commands need into a new working set, in one round trip; in two, if a loaded row leads to
    /// further ones.
    /// </summary>
    public async Task<WorkingSet> LoadAsync(CommitTransaction transaction, IReadOnlyList<Command> commands)
    {
        var needs = new Needs();
        foreach (var command in commands)
            command.Declare(needs);
        RowQuery[] queries = [.. Queries(needs)];
        WorkingSet set;
        await using (var batch = transaction.NewBatch())
        {
            batch.BatchCommands.Add(new(LedgerOrigin.Query));
            await using var reader = await ExecuteAsync(batch, queries);
            set = await LedgerOrigin.ReadAsync(reader);
            await TakeAsync(set, reader, queries);
        }
        var more = new Needs();
        foreach (var table in _tables)
            table.AddNeeds(set, needs, more);
        if (Queries(more).ToArray() is { Length: > 0 } further)
        {
            await using var batch = transaction.NewBatch();
            await using var reader = await ExecuteAsync(batch, further);
            await TakeAsync(set, reader, further);
        }
        return set;
    }

    public bool HaveChanges(WorkingSet set) => _tables.Any(table => table.HasChanges(set));

    public void Save(NpgsqlBatch batch, WorkingSet set)
    {
        foreach (var table in _tables)
            table.Save(batch, set);
    }

    /// <summary>Whether the saved batch has added rows to the outbox, so that a worker should look.</summary>
    public bool HaveFilledOutbox(NpgsqlBatch batch) => _outbox.HasFilled(batch);

    /// <summary>The row that proves the commit of this set.</summary>
    public Proof ProofOf(WorkingSet set) =>
        _tables.Select(table => table.ProofOf(set)).OfType<Proof>().OrderBy(proof => proof.IsIndirect).First();

    private IEnumerable<RowQuery> Queries(Needs needs) => _tables.SelectMany(table => table.Load(needs));

    private static async Task<NpgsqlDataReader> ExecuteAsync(NpgsqlBatch batch, IEnumerable<RowQuery> queries)
    {
        foreach (var query in queries)
            batch.BatchCommands.Add(query.Command);
        return await batch.ExecuteReaderAsync();
    }

    private static async Task TakeAsync(WorkingSet set, NpgsqlDataReader reader, IEnumerable<RowQuery> queries)
    {
        foreach (var query in queries)
        {
            while (await reader.ReadAsync())
                query.Take(set, reader);
            await reader.NextResultAsync();
        }
    }
}
