using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The outbox (<c>outbox</c>): delivered rows and rows that no longer matter leave it, and then new ones enter. Keys
/// are blocked and unblocked by the balances at the end of the commit, not by those between its commands (R20). Commits
/// that concern no key cost nothing.
/// </summary>
internal sealed class OutboxMessages : Table
{
    private readonly RowMap<OutboxRow> _rows;
    private readonly string _query;
    private readonly SetStatement<OutboxRow> _insert;
    private readonly string _isDelivered;
    private readonly string _removeTakenBack;
    private readonly string _ofUsers;
    private readonly string _ofKeys;

    public OutboxMessages(IModel model)
    {
        _rows = new(model);
        var keys = new RowMap<VirtualKey>(model);
        var (id, kind, key) =
            (_rows[nameof(OutboxRow.Id)], _rows[nameof(OutboxRow.Kind)], _rows[nameof(OutboxRow.OrderingKey)]);
        var (keyId, status) = (keys[nameof(VirtualKey.Id)], keys[nameof(VirtualKey.Status)]);
        _isDelivered = $"{id} = ANY ($1)";
        _query = $"SELECT {_rows.Columns("o")} FROM {_rows.Table} o WHERE o.{id} = ANY ($1)";
        _insert = _rows.Insert(nameof(OutboxRow.Attempts), nameof(OutboxRow.LastError));
        _removeTakenBack =
            $"DELETE FROM {_rows.Table} WHERE {kind} = '{VirtualKeyChanges.OutboxKind}' AND {key} = ANY ($1)";
        var insert = $"""
            INSERT INTO {_rows.Table} ({kind}, {key}, {_rows[nameof(OutboxRow.Payload)]},
                                       {_rows[nameof(OutboxRow.CreatedAt)]}, {_rows[nameof(OutboxRow.NextAttemptAt)]})
            SELECT '{VirtualKeyChanges.OutboxKind}', k.{keyId}::text, a.payload, $1, $1
            """;
        _ofUsers = $"""
            {insert} FROM unnest($2, $3) AS a (user_id, payload)
            JOIN {keys.Table} k
                ON k.{keys[nameof(VirtualKey.UserId)]} = a.user_id AND k.{status} = '{VirtualKey.Active}'
            """;
        // A change that still waits for delivery comes first; the key is looked at again after it.
        _ofKeys = $"""
            {insert} FROM unnest($2, $3) AS a (id, payload)
            JOIN {keys.Table} k ON k.{keyId} = a.id AND k.{status} = '{VirtualKey.Active}'
            WHERE NOT EXISTS (SELECT FROM {_rows.Table} o
                              WHERE o.{kind} = '{VirtualKeyChanges.OutboxKind}' AND o.{key} = k.{keyId}::text)
            """;
    }

    public override IEnumerable<RowQuery> Load(Needs needs) => needs.Outbox.Count == 0
        ? []
        : [RowQuery.Of(
            _query, (set, reader) => set.VirtualKeys.Load(_rows.Read(reader)), needs.Outbox.ToArray())];

    public override bool HasChanges(WorkingSet set) =>
        set.VirtualKeys.Delivered.Count > 0 || set.VirtualKeys.TakenBack.Count > 0;

    public override void Save(NpgsqlBatch batch, WorkingSet set)
    {
        var keys = set.VirtualKeys;
        if (keys.Delivered.Count > 0)
            batch.BatchCommands.Add(
                Command($"DELETE FROM {_rows.Table} WHERE {_isDelivered}", keys.Delivered.ToArray()));
        if (keys.TakenBack.Count > 0)
            batch.BatchCommands.Add(Command(_removeTakenBack, keys.TakenBack.Select(id => $"{id}").ToArray()));
        _insert.AddTo(batch, [.. keys.ToDelete.Select(id => new OutboxRow
        {
            Kind = VirtualKeyChanges.OutboxKind,
            OrderingKey = $"{id}",
            Payload = Payload("delete"),
            CreatedAt = set.Now,
            NextAttemptAt = set.Now,
        })]);
        FollowBalances(batch, set);
    }

    // Another worker may have removed the rows. The delivery still counts as settled.
    public override Proof? ProofOf(WorkingSet set) => set.VirtualKeys.Delivered.Count == 0
        ? null
        : new Proof(
            $"SELECT NOT EXISTS (SELECT FROM {_rows.Table} WHERE {_isDelivered})",
            set.VirtualKeys.Delivered.ToArray())
        {
            IsIndirect = true,
        };

    /// <summary>Whether the saved batch has added rows, so that a worker should look.</summary>
    public bool HasFilled(NpgsqlBatch batch)
    {
        foreach (NpgsqlBatchCommand command in batch.BatchCommands)
            if (command.Rows > 0
                && (command.CommandText == _insert.Sql || command.CommandText == _ofUsers
                    || command.CommandText == _ofKeys))
                return true;
        return false;
    }

    private void FollowBalances(NpgsqlBatch batch, WorkingSet set)
    {
        List<UserAccount>? crossed = null;
        foreach (var user in set.ChangedUsers)
            if (user.HasCrossedZero && !user.IsDeleted)
                (crossed ??= []).Add(user);
        if (crossed is not null)
            AddBlocks(batch, _ofUsers, set.Now, crossed.Select(u => u.UserId).ToArray(), crossed);
        var aligned = set.VirtualKeys.ToAlign
            .Select(a => (a.Key.Id, a.IsBlockedThere, User: set.FindUser(a.Key.UserId)))
            .Where(a => a.IsBlockedThere == a.User?.BalanceCents > 0)
            .ToList();
        if (aligned.Count > 0)
            AddBlocks(batch, _ofKeys, set.Now, aligned.Select(a => a.Id).ToArray(), aligned.Select(a => a.User!));
    }

    private static void AddBlocks(
        NpgsqlBatch batch, string sql, DateTimeOffset now, Array ids, IEnumerable<UserAccount> users)
    {
        var command = Command(sql, ids);
        command.Parameters.Insert(0, new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<string[]>
        {
            TypedValue = [.. users.Select(user => Payload(user.BalanceCents > 0 ? "unblock" : "block"))],
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
        });
        batch.BatchCommands.Add(command);
    }

    private static string Payload(string action) => $$"""{"action": "{{action}}"}""";

    private static NpgsqlBatchCommand Command(string sql, Array keys) =>
        new(sql) { Parameters = { new() { Value = keys } } };
}
