using System.Text.Json;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Queries;

/// <summary>Reads the audit log, and the names of actors.</summary>
public sealed class AuditQueries(LedgerDatabase database)
{
    /// <summary>
    /// Lists changes, newest first, that are older than <paramref name="before"/>; of one action or of all.
    /// </summary>
    public async Task<AuditPage> ListAsync(string? action, int limit, long? before, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var changes = db.AuditLog.AsQueryable();
        if (action is not null)
            changes = changes.Where(c => c.Action == action);
        if (before is { } id)
            changes = changes.Where(c => c.Id < id);
        var page = await changes.OrderByDescending(c => c.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var actors = await NamesAsync(db, page.Select(c => (int?)c.ActorId), cancellationToken);
        return new AuditPage(
            [.. page.Take(limit).Select(c => ToEntry(c, actors[c.ActorId]))],
            page.Count > limit ? page[limit - 1].Id : null);
    }

    /// <summary>Reads the names of actors by their ids.</summary>
    public static async Task<IReadOnlyDictionary<int, ActorName>> NamesAsync(
        LedgerDbContext db, IEnumerable<int?> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.OfType<int>().Distinct().ToList();
        if (wanted.Count == 0)
            return new Dictionary<int, ActorName>();
        return await db.Actors.Where(a => wanted.Contains(a.ActorId))
            .ToDictionaryAsync(a => a.ActorId, a => new ActorName(a.ApiKeyId, a.Name), cancellationToken);
    }

    private static AuditEntry ToEntry(AuditLogRow row, ActorName by) =>
        new(row.Id, row.At, by, row.Action, row.Subject, row.Detail is null ? null : JsonElement.Parse(row.Detail));
}

/// <summary>Looks up actors by id.</summary>
public static class ActorNames
{
    /// <summary>The actor's name; null without an actor.</summary>
    public static ActorName? Of(this IReadOnlyDictionary<int, ActorName> actors, int? id) =>
        id is { } known ? actors.GetValueOrDefault(known) : null;
}
