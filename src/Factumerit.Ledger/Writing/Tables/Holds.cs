using Factumerit.Ledger.Commands;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Factumerit.Ledger.Writing.Tables;

/// <summary>
/// The users' holds (<c>holds</c>). Only writers change them, and writers take turns, so the rows need no lock. What a
/// user's open holds set aside is summed up in the budget; only for a user whose earliest hold has expired, the holds
/// are summed up again.
/// </summary>
internal sealed class Holds : Table
{
    private readonly RowMap<Hold> _rows;
    private readonly string _byId;
    private readonly string _byExternalId;
    private readonly string _expired;
    private readonly string _endAll;
    private readonly SetStatement<Hold> _insert;
    private readonly SetStatement<Hold> _update;

    public Holds(IModel model)
    {
        _rows = new(model);
        var (id, userId, state) =
            (_rows[nameof(Hold.Id)], _rows[nameof(Hold.UserId)], _rows[nameof(Hold.State)]);
        var (held, expiresAt, closedAt, externalId) = (
            _rows[nameof(Hold.HeldCents)], _rows[nameof(Hold.ExpiresAt)], _rows[nameof(Hold.ClosedAt)],
            _rows[nameof(Hold.ExternalId)]);
        _byId = $"SELECT {_rows.Columns("h")} FROM {_rows.Table} h WHERE h.{id} = ANY ($1)";
        // The limit keeps the look-up inside. Before the table has statistics, the planner expects so few open holds
        // that it would read all of them for each batch.
        _byExternalId = $"""
            SELECT {_rows.Columns("h")} FROM unnest($1, $2) AS asked (user_id, external_id)
            CROSS JOIN LATERAL (
                SELECT * FROM {_rows.Table} o WHERE o.{userId} = asked.user_id
                AND o.{externalId} = asked.external_id AND o.{state} = '{Hold.Open}' LIMIT 1) h
            """;
        _expired = $"""
            SELECT asked.user_id, coalesce(sum(h.{held}) FILTER (WHERE h.{expiresAt} <= asked.now), 0),
                   count(*) FILTER (WHERE h.{expiresAt} <= asked.now),
                   min(h.{expiresAt}) FILTER (WHERE h.{expiresAt} > asked.now)
            FROM unnest($1, $2) AS asked (user_id, now)
            LEFT JOIN {_rows.Table} h ON h.{userId} = asked.user_id AND h.{state} = '{Hold.Open}'
            GROUP BY asked.user_id
            """;
        _endAll = $"""
            UPDATE {_rows.Table}
            SET {state} = CASE WHEN {expiresAt} <= $2 THEN '{Hold.Expired}' ELSE '{Hold.Released}' END,
                {closedAt} = least({expiresAt}, $2), {held} = 0
            WHERE {userId} = ANY ($1) AND {state} = '{Hold.Open}'
            """;
        _insert = _rows.Insert();
        _update = _rows.Update(
            nameof(Hold.State), nameof(Hold.RequestedCents), nameof(Hold.HeldCents), nameof(Hold.SettledCents),
            nameof(Hold.ExpiresAt), nameof(Hold.ClosedAt), nameof(Hold.SettledLateAt), nameof(Hold.ReleaseReason),
            nameof(Hold.ClosedBy));
    }

    public override IEnumerable<RowQuery> Load(Needs needs)
    {
        if (needs.Holds.Count > 0)
            yield return RowQuery.Of(_byId, Take, needs.Holds.ToArray());
        if (needs.OpenHolds.Count > 0)
            yield return RowQuery.Of(
                _byExternalId, Take,
                needs.OpenHolds.Select(h => h.UserId).ToArray(), needs.OpenHolds.Select(h => h.ExternalId).ToArray());
        if (needs.ExpiredHolds.Count > 0)
            yield return RowQuery.Of(
                _expired,
                (set, reader) => set.FindUser(reader.GetString(0))!.Held.LoadExpired(
                    reader.GetDecimal(1), reader.GetInt64(2), reader.GetFieldValue<DateTimeOffset?>(3)),
                needs.ExpiredHolds.Select(h => h.UserId).ToArray(), needs.ExpiredHolds.Select(h => h.Now).ToArray());
    }

    // A hold that is found by the id of its caller may be the same request again: its first answer is loaded. A user
    // whose earliest hold has expired may use that credit again.
    public override void AddNeeds(WorkingSet loaded, Needs first, Needs more)
    {
        if (first.OpenHolds.Count > 0)
            foreach (var hold in loaded.Holds.Loaded)
                if (hold.ExternalId is { } externalId && first.OpenHolds.Contains((hold.UserId, externalId)))
                    more.Answer(PlaceHold.Operation, hold.AnswerKey);
        foreach (var user in loaded.Users)
            if (user.Held.ExpireAt <= loaded.Now)
                more.ExpiredHoldsOf(user.UserId, loaded.Now);
    }

    public override bool HasChanges(WorkingSet set) => set.Holds.HaveChanges;

    public override void Save(NpgsqlBatch batch, WorkingSet set)
    {
        if (!HasChanges(set))
            return;
        _update.AddTo(batch, [.. set.Holds.Changed]);
        _insert.AddTo(batch, [.. set.Holds.New]);
        if (set.Holds.EndedUsers.Count > 0)
            batch.BatchCommands.Add(new(_endAll)
            {
                Parameters = { new() { Value = set.Holds.EndedUsers.ToArray() }, new() { Value = set.Now } },
            });
    }

    public override Proof? ProofOf(WorkingSet set)
    {
        var id = _rows[nameof(Hold.Id)];
        if (set.Holds.New.FirstOrDefault() is { } placed)
            return Proof.Exists(_rows.Table, $"{id} = $1", placed.Id);
        return set.Holds.Changed.FirstOrDefault(hold => !hold.IsOpen) is { } ended
            ? Proof.ByTime(
                _rows.Table, $"{id} = $1 AND {_rows[nameof(Hold.State)]} = $2", ended.Id, ended.State)
            : null;
    }

    private void Take(WorkingSet set, NpgsqlDataReader reader) => set.Holds.Load(_rows.Read(reader));
}
