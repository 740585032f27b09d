using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;

namespace Factumerit.Ledger.Api.LiteLlm;

/// <summary>A virtual key of ours and the user it was made for.</summary>
public sealed record KeyOwner(Guid VirtualKeyId, string UserId);

/// <summary>
/// Whose virtual keys are, by their hashes. A key stays its user's for ever, revoked or not, so what was found is remembered; a key that is not
/// known may be made in the next moment, and is asked for again.
/// </summary>
public sealed class KeyOwners(LedgerDatabase database) : IDisposable
{
    private const int RememberedMax = 10_000;
    private readonly MemoryCache _remembered = new(new MemoryCacheOptions { SizeLimit = RememberedMax });

    /// <summary>The owners of those keys that are known, with at most one query.</summary>
    public async Task<IReadOnlyDictionary<string, KeyOwner>> FindAsync(IEnumerable<string> keyHashes, CancellationToken cancellationToken)
    {
        var (owners, unknown) = (new Dictionary<string, KeyOwner>(StringComparer.Ordinal), new List<string>());
        foreach (var keyHash in keyHashes.Distinct(StringComparer.Ordinal))
            if (_remembered.TryGetValue(keyHash, out KeyOwner? owner))
                owners.Add(keyHash, owner!);
            else
                unknown.Add(keyHash);
        if (unknown.Count == 0)
            return owners;
        await using var db = database.CreateContext();
        var found = await db.VirtualKeys.Where(k => unknown.Contains(k.KeyHash!)).Select(k => new { k.KeyHash, k.Id, k.UserId }).ToListAsync(cancellationToken);
        foreach (var key in found)
            owners.Add(key.KeyHash!, _remembered.Set(key.KeyHash!, new KeyOwner(key.Id, key.UserId), new MemoryCacheEntryOptions { Size = 1 }));
        return owners;
    }

    public void Dispose() => _remembered.Dispose();
}
