using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>A virtual key that the ledger made, and its user.</summary>
public sealed record KeyOwner(Guid VirtualKeyId, string UserId);

/// <summary>
/// Finds the owners of virtual keys by key hash. A key belongs to its user forever, revoked or not, so a found owner
/// is cached. An unknown key may be made at any moment, so a miss is not cached. Look-ups that arrive while a query
/// runs share the next query, so that many single calls with unknown keys need few queries.
/// </summary>
public sealed class KeyOwners(LedgerDatabase database) : IDisposable
{
    private const int RememberedMax = 10_000;
    private const string Known = "SELECT key_hash, id, user_id FROM virtual_keys WHERE key_hash = ANY ($1)";

    private readonly MemoryCache _remembered = new(new MemoryCacheOptions { SizeLimit = RememberedMax });
    private readonly Lock _lock = new();
    private LookUp _next = new();
    private bool _isLookingUp;

    /// <summary>Returns the owners of those keys that are known.</summary>
    public async Task<IReadOnlyDictionary<string, KeyOwner>> FindAsync(IEnumerable<string> keyHashes)
    {
        var (owners, unknown) = (new Dictionary<string, KeyOwner>(StringComparer.Ordinal), new List<string>());
        foreach (var keyHash in keyHashes.Distinct(StringComparer.Ordinal))
            if (_remembered.TryGetValue(keyHash, out KeyOwner? owner))
                owners.Add(keyHash, owner!);
            else
                unknown.Add(keyHash);
        if (unknown.Count == 0)
            return owners;
        var found = await Ask(unknown);
        foreach (var keyHash in unknown)
            if (found.TryGetValue(keyHash, out var owner))
                owners.Add(keyHash, owner);
        return owners;
    }

    public void Dispose() => _remembered.Dispose();

    private Task<Dictionary<string, KeyOwner>> Ask(List<string> keyHashes)
    {
        using var _ = _lock.EnterScope();
        _next.KeyHashes.UnionWith(keyHashes);
        var answer = _next.Answer.Task;
        if (!_isLookingUp)
        {
            _isLookingUp = true;
            // The look-up serves all callers and must not log under the trace of the request that began it.
            using (ExecutionContext.SuppressFlow())
                Task.Run(LookUpAsync);
        }
        return answer;
    }

    private async Task LookUpAsync()
    {
        while (TakeNext() is { } lookUp)
        {
            try
            {
                lookUp.Answer.SetResult(await QueryAsync([.. lookUp.KeyHashes]));
            }
            catch (Exception exception)
            {
                lookUp.Answer.SetException(exception);
            }
        }
    }

    private LookUp? TakeNext()
    {
        using var _ = _lock.EnterScope();
        if (_next.KeyHashes.Count == 0)
        {
            _isLookingUp = false;
            return null;
        }
        var taken = _next;
        _next = new LookUp();
        return taken;
    }

    private async Task<Dictionary<string, KeyOwner>> QueryAsync(string[] keyHashes)
    {
        await using var command = database.Readers.CreateCommand(Known);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = keyHashes });
        await using var reader = await command.ExecuteReaderAsync();
        var found = new Dictionary<string, KeyOwner>(StringComparer.Ordinal);
        while (await reader.ReadAsync())
        {
            var owner = new KeyOwner(reader.GetGuid(1), reader.GetString(2));
            found.Add(
                reader.GetString(0),
                _remembered.Set(reader.GetString(0), owner, new MemoryCacheEntryOptions { Size = 1 }));
        }
        return found;
    }

    private sealed class LookUp
    {
        public HashSet<string> KeyHashes { get; } = new(StringComparer.Ordinal);
        public TaskCompletionSource<Dictionary<string, KeyOwner>> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
