using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Queries;

/// <summary>A key with the next change that is not delivered to the gateway yet; null when there is none.</summary>
public sealed record VirtualKeyDetail(VirtualKey Key, PendingDelivery? Pending);

/// <summary>
/// A page of keys, in the order they were created. NextAfter: pass it as after= to get the next page; null at the end.
/// </summary>
public sealed record VirtualKeyList(IReadOnlyList<VirtualKeyDetail> Keys, Guid? NextAfter);

/// <summary>Reads users' keys at the gateway.</summary>
public sealed class VirtualKeyQueries(LedgerDatabase database)
{
    // Each key is checked about twice a day, and never more than once an hour.
    private const int RoundsPerHalfDay = 12 * 60;
    private const int RoundMin = 10;
    private static readonly TimeSpan CheckedFor = TimeSpan.FromHours(1);

    /// <summary>Lists keys of one user or of all users, starting after <paramref name="after"/>.</summary>
    public async Task<VirtualKeyList> ListAsync(
        string? userId, int limit, Guid? after, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var keys = db.VirtualKeys.AsQueryable();
        if (userId is not null)
            keys = keys.Where(k => k.UserId == userId);
        if (after is { } last)
            keys = keys.Where(k => k.Id > last);
        var page = await keys.OrderBy(k => k.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var details = await WithPendingAsync(db, [.. page.Take(limit)], cancellationToken);
        return new VirtualKeyList(details, page.Count > limit ? page[limit - 1].Id : null);
    }

    /// <summary>Finds a key by its id; null when there is none.</summary>
    public async Task<VirtualKeyDetail?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var found = await db.VirtualKeys.Where(k => k.Id == id).ToListAsync(cancellationToken);
        return (await WithPendingAsync(db, found, cancellationToken)).SingleOrDefault();
    }

    /// <summary>The hashes by which the gateway knows these keys.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> FindHashesAsync(
        IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.VirtualKeys.Where(k => ids.Contains(k.Id) && k.KeyHash != null)
            .ToDictionaryAsync(k => k.Id, k => k.KeyHash!, cancellationToken);
    }

    /// <summary>Lists keys whose creation began before a time and never finished.</summary>
    public async Task<List<VirtualKey>> ListUnfinishedAsync(
        DateTimeOffset before, int limit, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.VirtualKeys
            .Where(k => k.KeyHash == null
                && (k.Status == VirtualKey.Creating || k.Status == VirtualKey.Revoking)
                && k.CreatedAt < before)
            .OrderBy(k => k.Id).Take(limit).ToListAsync(cancellationToken);
    }

    /// <summary>
    /// Lists the next active keys to check at the gateway. Keys that were never checked come first, then those with the
    /// oldest check.
    /// </summary>
    public async Task<List<VirtualKey>> ListDueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var active = db.VirtualKeys.Where(k => k.Status == VirtualKey.Active);
        var round = Math.Max(RoundMin, await active.CountAsync(cancellationToken) / RoundsPerHalfDay);
        var before = now - CheckedFor;
        return await active.Where(k => k.CheckedAt == null || k.CheckedAt < before)
            .OrderBy(k => k.CheckedAt != null).ThenBy(k => k.CheckedAt).ThenBy(k => k.Id)
            .Take(round).ToListAsync(cancellationToken);
    }

    private static async Task<List<VirtualKeyDetail>> WithPendingAsync(
        LedgerDbContext db, List<VirtualKey> keys, CancellationToken cancellationToken)
    {
        var ids = keys.ConvertAll(k => $"{k.Id}");
        var messages = db.Outbox.Where(o => o.Kind == VirtualKeyChanges.OutboxKind);
        var pending = await messages
            .Where(o => ids.Contains(o.OrderingKey)
                && !messages.Any(earlier => earlier.OrderingKey == o.OrderingKey && earlier.Id < o.Id))
            .ToDictionaryAsync(o => o.OrderingKey, cancellationToken);
        return keys.ConvertAll(k => new VirtualKeyDetail(k, pending.GetValueOrDefault($"{k.Id}") is { } o
            ? new PendingDelivery(
                VirtualKeyChanges.ActionOf(o.Payload), o.Attempts, o.CreatedAt, o.NextAttemptAt, o.LastError)
            : null));
    }
}
