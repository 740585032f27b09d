using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Looks API keys up in the database, many in one query: those that are asked for while a query runs share the next. After
/// a query for a key that does not exist the next one waits a moment, so that floods of wrong keys cost the database ten
/// queries a second. Keys that do not exist are remembered for ten seconds.
/// </summary>
public sealed class KeyLookups(LedgerDatabase database, TimeProvider clock) : IDisposable
{
    private const int RememberedMax = 10_000;
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseAfterUnknown = TimeSpan.FromMilliseconds(100);

    private readonly MemoryCache _unknown = new(new MemoryCacheOptions { SizeLimit = RememberedMax });
    private readonly Lock _lock = new();

    // The keys of the next query, and its result; null when none is to be made.
    private HashSet<string>? _asked;
    private Task<Dictionary<string, FoundKey>> _next = Task.FromResult(new Dictionary<string, FoundKey>());
    private bool _someWereUnknown;

    /// <summary>The key with that readable beginning; null when there is none.</summary>
    public async ValueTask<FoundKey?> FindAsync(string prefix) =>
        _unknown.TryGetValue(prefix, out _) ? null : (await Ask(prefix)).GetValueOrDefault(prefix);

    public void Dispose() => _unknown.Dispose();

    private Task<Dictionary<string, FoundKey>> Ask(string prefix)
    {
        lock (_lock)
        {
            if (_asked is null)
            {
                _asked = [];
                _next = LookUpAsync(_next);
            }
            _asked.Add(prefix);
            return _next;
        }
    }

    private async Task<Dictionary<string, FoundKey>> LookUpAsync(Task before)
    {
        // Leaves the lock first, so that the key that began this is among those asked for.
        await Task.Yield();
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_someWereUnknown)
            await Task.Delay(PauseAfterUnknown, clock);
        string[] prefixes;
        lock (_lock)
            (prefixes, _asked) = ([.. _asked!], null);
        await using var db = database.CreateContext();
        var found = await QueryAsync(db, prefixes);
        var unknown = prefixes.Where(p => !found.ContainsKey(p)).ToList();
        foreach (var prefix in unknown)
            _unknown.Set(prefix, true, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = RememberedFor });
        _someWereUnknown = unknown.Count > 0;
        return found;
    }

    // A key that was rotated is found by the beginning of its old secret as well.
    private static async Task<Dictionary<string, FoundKey>> QueryAsync(LedgerDbContext db, string[] prefixes)
    {
        var keys = await (
            from k in db.ApiKeys
            join a in db.Actors on k.Id equals a.ApiKeyId
            where prefixes.Contains(k.KeyPrefix) || prefixes.Contains(k.OldKeyPrefix)
            select new FoundKey(k, a.ActorId)).ToListAsync(Queries.ToTheirEnd);
        var found = new Dictionary<string, FoundKey>(StringComparer.Ordinal);
        foreach (var key in keys)
            foreach (var prefix in new[] { key.Key.KeyPrefix, key.Key.OldKeyPrefix }.OfType<string>())
                found[prefix] = key;
        return found;
    }
}

/// <summary>An API key as it is stored, and the actor that its requests are.</summary>
public sealed record FoundKey(ApiKey Key, int ActorId);
