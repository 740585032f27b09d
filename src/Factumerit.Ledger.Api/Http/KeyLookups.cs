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
    private Task<Dictionary<string, ApiKey>> _next = Task.FromResult(new Dictionary<string, ApiKey>());
    private bool _someWereUnknown;

    /// <summary>The key with that readable beginning; null when there is none.</summary>
    public async ValueTask<ApiKey?> FindAsync(string prefix) =>
        _unknown.TryGetValue(prefix, out _) ? null : (await Ask(prefix)).GetValueOrDefault(prefix);

    public void Dispose() => _unknown.Dispose();

    private Task<Dictionary<string, ApiKey>> Ask(string prefix)
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

    private async Task<Dictionary<string, ApiKey>> LookUpAsync(Task before)
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
        var found = await db.ApiKeys.Where(k => prefixes.Contains(k.KeyPrefix))
            .ToDictionaryAsync(k => k.KeyPrefix, StringComparer.Ordinal, Queries.ToTheirEnd);
        foreach (var prefix in prefixes.Where(p => !found.ContainsKey(p)))
            _unknown.Set(prefix, true, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = RememberedFor });
        _someWereUnknown = found.Count < prefixes.Length;
        return found;
    }
}
