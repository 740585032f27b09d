using System.Linq.Expressions;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Factumerit.Ledger.Integrity;

/// <summary>
/// Stores the faults found by checks of the books. A fault stands until an admin resolves it. A full check follows each
/// resolution. If the fault is still true, that check stores it again.
/// </summary>
public sealed class FaultStore(LedgerDatabase database)
{
    // No person can review more faults. Checks find those beyond the limit again once these are resolved.
    private const int StandingMax = 10_000;

    private const string Standing = """
        SELECT kind, subject, detail, id, found_at FROM ledger_faults WHERE resolved_at IS NULL ORDER BY id
        """;

    private const string Record = """
        INSERT INTO ledger_faults AS f (found_at, last_seen_at, kind, subject, detail)
        SELECT now(), now(), found.* FROM unnest($1, $2, $3) AS found (kind, subject, detail)
        WHERE (SELECT count(*) FROM ledger_faults WHERE resolved_at IS NULL) < $4
           OR EXISTS (SELECT FROM ledger_faults s
                      WHERE s.kind = found.kind AND s.subject = found.subject AND s.resolved_at IS NULL)
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL
            DO UPDATE SET last_seen_at = excluded.last_seen_at, detail = excluded.detail
        RETURNING kind, subject, detail, id, found_at, found_at = now()
        """;

    private const string Resolve = """
        WITH resolved AS (
            UPDATE ledger_faults SET resolved_at = now(), resolved_by = $2, reason = $3
            WHERE id = $1 AND resolved_at IS NULL RETURNING id, kind, subject, reason)
        INSERT INTO audit_log (at, actor_id, action, subject, detail)
        SELECT now(), $4, $5, id::text, jsonb_build_object('kind', kind, 'subject', subject, 'reason', reason)
        FROM resolved
        """;

    private static readonly Expression<Func<FaultRow, KeptFault>> ToFault = f => new KeptFault(
        f.Id, f.Kind, f.Subject, f.Detail, f.FoundAt, f.LastSeenAt, f.ResolvedAt, f.ResolvedBy, f.Reason);

    /// <summary>Lists standing faults, resolved faults, or both, newest first.</summary>
    public async Task<FaultPage> ListAsync(
        bool? isResolved, int limit, long? before, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var faults = db.Faults.AsQueryable();
        if (isResolved is { } resolved)
            faults = faults.Where(f => f.ResolvedAt != null == resolved);
        if (before is { } last)
            faults = faults.Where(f => f.Id < last);
        var page = await faults.OrderByDescending(f => f.Id).Take(limit + 1).Select(ToFault)
            .ToListAsync(cancellationToken);
        return new FaultPage([.. page.Take(limit)], page.Count > limit ? page[limit - 1].FaultId : null);
    }

    /// <summary>Resolves a fault. A fault that is already resolved stays unchanged.</summary>
    public async Task<Outcome<KeptFault>> ResolveAsync(
        long id, ResolveRequest request, Actor by, CancellationToken cancellationToken)
    {
        var errors = new FieldErrors(default);
        if (string.IsNullOrWhiteSpace(request.Reason))
            errors.Add("reason", "is required: it explains later why the fault was resolved");
        else
            errors.CheckText("reason", request.Reason);
        if (errors.Any)
            return errors.ToRefusal();
        await using (var resolve = database.Readers.CreateCommand(Resolve))
        {
            foreach (var value in (object[])[id, by.Name, request.Reason!, by.Id, AuditActions.FaultResolved])
                resolve.Parameters.Add(new() { Value = value });
            await resolve.ExecuteNonQueryAsync(cancellationToken);
        }
        await using var db = database.CreateContext();
        var fault = await db.Faults.Where(f => f.Id == id).Select(ToFault).SingleOrDefaultAsync(cancellationToken);
        return fault is null ? new Refusal.NotFound($"fault {id}") : fault;
    }

    internal static async Task<IReadOnlyList<IntegrityFault>> ReadStandingAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Standing, connection);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Stores the faults found, and returns them with their ids. New faults have IsNew set.</summary>
    internal static async Task<IReadOnlyList<IntegrityFault>> RecordAsync(
        NpgsqlConnection connection, IReadOnlyList<IntegrityFault> found, CancellationToken cancellationToken)
    {
        if (found.Count == 0)
            return found;
        await using var command = new NpgsqlCommand(Record, connection)
        {
            Parameters =
            {
                new() { Value = found.Select(f => f.Kind).ToArray() },
                new() { Value = found.Select(f => f.Id).ToArray() },
                new() { Value = found.Select(f => f.Detail).ToArray() },
                new() { Value = StandingMax },
            },
        };
        var kept = (await ReadAsync(command, cancellationToken)).ToDictionary(f => (f.Kind, f.Id));
        return [.. found.Select(f => kept.GetValueOrDefault((f.Kind, f.Id), f))];
    }

    private static async Task<IReadOnlyList<IntegrityFault>> ReadAsync(
        NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var faults = new List<IntegrityFault>();
        while (await reader.ReadAsync(cancellationToken))
            faults.Add(new IntegrityFault(reader.GetString(0), reader.GetString(1), reader.GetString(2))
            {
                FaultId = reader.GetInt64(3),
                FoundAt = reader.GetFieldValue<DateTimeOffset>(4),
                IsNew = reader.FieldCount > 5 && reader.GetBoolean(5),
            });
        return faults;
    }
}
