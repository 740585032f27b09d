using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Looks up API keys in the database in batches: lookups that arrive while a query runs share the next query. After a
/// query for an unknown key the next query waits, so that a flood of wrong keys causes at most ten queries a second.
/// Unknown keys are cached for ten seconds.
/// </summary>
public sealed class KeyLookups(LedgerDatabase database, TimeProvider clock) : IDisposable
{
    private const int CachedMax = 10_000;
    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseAfterUnknown = TimeSpan.FromMilliseconds(100);

    private readonly MemoryCache _unknown = new(new MemoryCacheOptions { SizeLimit = CachedMax });
    private readonly Lock _lock = new();

    // The prefixes of the next query, null when none is planned; and the result of the newest query.
    private HashSet<string>? _pending;
    private Task<Dictionary<string, FoundKey>> _next = Task.FromResult(new Dictionary<string, FoundKey>());
    private bool _someWereUnknown;

    /// <summary>The key with this readable prefix; null if there is none.</summary>
    public async ValueTask<FoundKey?> FindAsync(string prefix) =>
        _unknown.TryGetValue(prefix, out _) ? null : (await Enqueue(prefix)).GetValueOrDefault(prefix);

    public void Dispose() => _unknown.Dispose();

    private Task<Dictionary<string, FoundKey>> Enqueue(string prefix)
    {
        lock (_lock)
        {
            if (_pending is null)
            {
                _pending = [];
                _next = LookUpAsync(_next);
            }
            _pending.Add(prefix);
            return _next;
        }
    }

    private async Task<Dictionary<string, FoundKey>> LookUpAsync(Task before)
    {
        // Yield to release the lock first, so that the prefix that started this query is part of it.
        await Task.Yield();
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_someWereUnknown)
            await Task.Delay(PauseAfterUnknown, clock);
        string[] prefixes;
        lock (_lock)
            (prefixes, _pending) = ([.. _pending!], null);
        await using var db = database.CreateContext();
        var found = await QueryAsync(db, prefixes);
        var unknown = prefixes.Where(p => !found.ContainsKey(p)).ToList();
        foreach (var prefix in unknown)
            _unknown.Set(
                prefix,
                true,
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CachedFor });
        _someWereUnknown = unknown.Count > 0;
        return found;
    }

    // A rotated key is also found by the prefix of its old secret.
    private static async Task<Dictionary<string, FoundKey>> QueryAsync(LedgerDbContext db, string[] prefixes)
    {
        var keys = await (
            from k in db.ApiKeys
            join a in db.Actors on k.Id equals a.ApiKeyId
            where prefixes.Contains(k.KeyPrefix) || prefixes.Contains(k.OldKeyPrefix)
            select new FoundKey(k, a.ActorId)).ToListAsync(UncancelledQueries.Token);
        var found = new Dictionary<string, FoundKey>(StringComparer.Ordinal);
        foreach (var key in keys)
            foreach (var prefix in new[] { key.Key.KeyPrefix, key.Key.OldKeyPrefix }.OfType<string>())
                found[prefix] = key;
        return found;
    }
}

/// <summary>A stored API key, and the id of the actor of its requests.</summary>
public sealed record FoundKey(ApiKey Key, int ActorId);
