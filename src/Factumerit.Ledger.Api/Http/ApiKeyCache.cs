using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Finds the caller of a request by its secret, and caches the key. A cached key is used only while no change of API
/// keys is known since it was read, and the database has confirmed that within the last second
/// (<see cref="KeyWatch"/>). A revocation therefore takes effect at once in its own process, and within a second in
/// other processes.
/// </summary>
public sealed class ApiKeyCache(
    LedgerDatabase database, IOptions<AuthOptions> options, IMemoryCache cache, KeyLookups lookups, TimeProvider clock)
{
    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConfirmedFor = TimeSpan.FromSeconds(1);

    private static readonly Caller Bootstrap = new(Actor.Bootstrap, "bootstrap", Roles.Admin) { MayIntake = true };
    private readonly byte[]? _bootstrapHash = options.Value.BootstrapAdminKey is { Length: > 0 } key ? Hash(key) : null;
    private readonly ConcurrentDictionary<Guid, LastUse> _lastUses = [];

    // Counts the known changes of API keys. Keys that were read in an earlier generation are stale.
    private long _generation;
    private long _version = -1;
    private long _confirmedAt = clock.GetTimestamp();

    /// <summary>The caller that the secret belongs to; null if the secret is not valid.</summary>
    public async ValueTask<Caller?> FindCallerAsync(string secret, CancellationToken cancellationToken)
    {
        var hash = Hash(secret);
        if (_bootstrapHash is not null && CryptographicOperations.FixedTimeEquals(hash, _bootstrapHash))
            return Bootstrap;
        if (PrefixOf(secret) is not { } prefix || await FindAsync(prefix, cancellationToken) is not { } known)
            return null;
        var now = clock.GetUtcNow();
        if (known.EndsAt <= now || !CryptographicOperations.FixedTimeEquals(hash, known.SecretHash))
            return null;
        known.LastUse.Ticks = now.UtcTicks;
        return known.Caller;
    }

    /// <summary>Makes all cached keys stale, because API keys have changed.</summary>
    public void Forget() => Interlocked.Increment(ref _generation);

    /// <summary>Checks in the database whether API keys have changed.</summary>
    public async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        await using var db = database.CreateContext();
        var version = await db.ApiKeyChanges.Select(c => c.Version).SingleAsync(cancellationToken);
        if (version != _version)
        {
            _version = version;
            Forget();
        }
        Volatile.Write(ref _confirmedAt, began);
    }

    /// <summary>Saves when each key was last used.</summary>
    public async Task SaveLastUsesAsync(CancellationToken cancellationToken)
    {
        var uses = _lastUses.Select(u => (Id: u.Key, u.Value, u.Value.Ticks))
            .Where(u => u.Ticks > u.Value.SavedTicks).ToList();
        if (uses.Count == 0)
            return;
        await using var command = database.Readers.CreateCommand("""
            UPDATE api_keys k SET last_used_at = u.at FROM unnest($1, $2) AS u (id, at)
            WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)
            """);
        command.Parameters.Add(new() { Value = uses.Select(u => u.Id).ToArray() });
        command.Parameters.Add(new() { Value = uses.Select(u => new DateTime(u.Ticks, DateTimeKind.Utc)).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
        foreach (var use in uses)
            use.Value.SavedTicks = use.Ticks;
    }

    /// <summary>Makes a new secret and the readable prefix by which its key is found.</summary>
    public static (string Prefix, string Secret) MakeSecret(string role)
    {
        var prefix = $"fa_{role}_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        return (prefix, $"{prefix}_{RandomNumberGenerator.GetHexString(64, lowercase: true)}");
    }

    /// <summary>The hash of a secret, which is stored in place of the secret.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private async ValueTask<KnownKey?> FindAsync(string prefix, CancellationToken cancellationToken)
    {
        while (true)
        {
            var generation = Volatile.Read(ref _generation);
            if (cache.TryGetValue(prefix, out KnownKey? known) && known!.Generation == generation && IsCertain(known))
                return known;
            var readAt = clock.GetTimestamp();
            known = await LoadAsync(prefix, generation, readAt, cancellationToken);
            // Keys changed during the read, so the result may be stale: read again.
            if (known is not null && generation != Volatile.Read(ref _generation))
                continue;
            return known is null ? null : cache.Set(prefix, known, CachedFor);
        }
    }

    private bool IsCertain(KnownKey known) =>
        clock.GetElapsedTime(Math.Max(known.ReadAt, Volatile.Read(ref _confirmedAt))) < ConfirmedFor;

    private async Task<KnownKey?> LoadAsync(
        string prefix, long generation, long readAt, CancellationToken cancellationToken)
    {
        if (await lookups.FindAsync(prefix).AsTask().WaitAsync(cancellationToken) is not { Key: var key } found)
            return null;
        var isOld = key.KeyPrefix != prefix;
        var caller = new Caller(new Actor(found.ActorId, key.Name, key.Id), key.KeyPrefix, key.Role)
        {
            UserPrefix = key.UserPrefix,
            MayOverdraw = key.MayOverdraw,
            MayIntake = key.MayIntake || key.Role == Roles.Admin,
        };
        var hash = isOld ? key.OldSecretHash! : key.SecretHash;
        var lastUse = _lastUses.GetOrAdd(key.Id, _ => new LastUse());
        return new KnownKey(hash, EndOf(key, isOld), caller, lastUse, generation, readAt);
    }

    private static DateTimeOffset EndOf(ApiKey key, bool isOld)
    {
        if (key.RevokedAt is not null)
            return DateTimeOffset.MinValue;
        var end = key.ExpiresAt ?? DateTimeOffset.MaxValue;
        return isOld && key.OldSecretEndsAt < end ? key.OldSecretEndsAt.Value : end;
    }

    private static string? PrefixOf(string secret) =>
        secret.StartsWith("fa_", StringComparison.Ordinal) && secret.Length < 200
            && secret.LastIndexOf('_') is > 3 and var end ? secret[..end] : null;

    private sealed record KnownKey(
        byte[] SecretHash, DateTimeOffset EndsAt, Caller Caller, LastUse LastUse, long Generation, long ReadAt);

    private sealed class LastUse
    {
        public long Ticks { get; set; }
        public long SavedTicks { get; set; }
    }
}
