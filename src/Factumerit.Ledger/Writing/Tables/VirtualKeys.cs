using Factumerit.Ledger.Commands;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The users' virtual keys (<c>virtual_keys</c>). Only writers change them, and writers take turns, so the rows need no
/// lock.
/// </summary>
internal sealed class VirtualKeys : Table
{
    private readonly RowMap<VirtualKey> _rows;
    private readonly SetStatement<VirtualKey> _insert;
    private readonly SetStatement<VirtualKey> _update;

    public VirtualKeys(IModel model)
    {
        _rows = new(model);
        _insert = _rows.Insert();
        _update = _rows.Update(
            nameof(VirtualKey.KeyHash), nameof(VirtualKey.KeyName), nameof(VirtualKey.Status),
            nameof(VirtualKey.IsBlocked), nameof(VirtualKey.RevokedAt), nameof(VirtualKey.CheckedAt),
            nameof(VirtualKey.LastError), nameof(VirtualKey.UpdatedAt));
    }

    public override IEnumerable<RowQuery> Load(Needs needs)
    {
        if (needs.VirtualKeys.Count > 0)
            yield return Query($"{_rows[nameof(VirtualKey.Id)]} = ANY ($1)", needs.VirtualKeys.ToArray());
        if (needs.VirtualKeysOf.Count > 0)
            yield return Query($"{_rows[nameof(VirtualKey.UserId)]} = ANY ($1)", needs.VirtualKeysOf.ToArray());
    }

    public override bool HasChanges(WorkingSet set) => set.VirtualKeys.HasKeyChanges;

    public override void Save(NpgsqlBatch batch, WorkingSet set)
    {
        if (!HasChanges(set))
            return;
        _insert.AddTo(batch, [.. set.VirtualKeys.New]);
        _update.AddTo(batch, [.. set.VirtualKeys.Changed]);
    }

    // A later commit may overwrite the proof of a change. The batch is then decided again, with the same result.
    public override Proof? ProofOf(WorkingSet set)
    {
        var id = _rows[nameof(VirtualKey.Id)];
        if (set.VirtualKeys.New.FirstOrDefault() is { } added)
            return Proof.Exists(_rows.Table, $"{id} = $1", added.Id);
        return set.VirtualKeys.Changed.FirstOrDefault() is { } changed
            ? Proof.ByTime(
                _rows.Table, $"{id} = $1 AND {_rows[nameof(VirtualKey.UpdatedAt)]} = $2", changed.Id, set.Now)
            : null;
    }

    private RowQuery Query(string condition, Array keys) => RowQuery.Of(
        $"SELECT {_rows.Columns("k")} FROM {_rows.Table} k WHERE {condition}",
        (set, reader) => set.VirtualKeys.Load(_rows.Read(reader)), keys);
}
