using System.Security.Cryptography;
using System.Text;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Makes, finds and revokes API keys. A secret is a readable prefix and 256 random bits; the table holds its SHA-256 only. Keys that were found
/// are remembered for ten seconds, so a revocation reaches other processes within that time; in its own process it holds at once.
/// </summary>
public sealed class ApiKeys(LedgerDatabase database, IOptions<AuthOptions> options, IMemoryCache cache, KeyLookups lookups, TimeProvider clock)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(10);

    private static readonly Caller Bootstrap = new("bootstrap", "bootstrap", Roles.Admin, null, MayOverdraw: false);
    private readonly byte[]? _bootstrapHash = options.Value.BootstrapAdminKey is { Length: > 0 } key ? Hash(key) : null;

    /// <summary>The caller whose secret this is; null when it is nobody's.</summary>
    public async ValueTask<Caller?> FindCallerAsync(string secret, CancellationToken cancellationToken)
    {
        var hash = Hash(secret);
        if (_bootstrapHash is not null && CryptographicOperations.FixedTimeEquals(hash, _bootstrapHash))
            return Bootstrap;
        if (PrefixOf(secret) is not { } prefix)
            return null;
        if (!cache.TryGetValue(prefix, out KnownKey? known) && await lookups.FindAsync(prefix).AsTask().WaitAsync(cancellationToken) is { } key)
            known = Remember(key);
        return known is { IsRevoked: false } && CryptographicOperations.FixedTimeEquals(hash, known.SecretHash) ? known.Caller : null;
    }

    /// <summary>Makes a key. Its secret is returned here and can't be shown again.</summary>
    public async Task<(ApiKey Key, string Secret)> CreateAsync(
        string name, string role, string? userPrefix, bool mayOverdraw, CancellationToken cancellationToken)
    {
        var prefix = $"fa_{role}_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var secret = $"{prefix}_{RandomNumberGenerator.GetHexString(64, lowercase: true)}";
        var now = clock.GetUtcNow();
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(),
            Name = name,
            Role = role,
            UserPrefix = userPrefix,
            KeyPrefix = prefix,
            SecretHash = Hash(secret),
            CreatedAt = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)),
            MayOverdraw = mayOverdraw,
        };
        await using var db = database.CreateContext();
        db.Add(key);
        await db.SaveChangesAsync(cancellationToken);
        return (key, secret);
    }

    public async Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await db.ApiKeys.OrderBy(k => k.CreatedAt).ThenBy(k => k.Id).ToListAsync(cancellationToken);
    }

    /// <summary>Revokes a key; one that was revoked before stays as it is. Null when there is none.</summary>
    public async Task<ApiKey?> RevokeAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        var now = clock.GetUtcNow();
        await db.ApiKeys.Where(k => k.Id == id && k.RevokedAt == null).ExecuteUpdateAsync(k => k.SetProperty(p => p.RevokedAt, now), cancellationToken);
        var key = await db.ApiKeys.SingleOrDefaultAsync(k => k.Id == id, cancellationToken);
        if (key is not null)
            Remember(key);
        return key;
    }

    private KnownKey Remember(ApiKey key) => cache.Set(
        key.KeyPrefix,
        new KnownKey(key.SecretHash, key.RevokedAt is not null, new Caller(key.KeyPrefix, key.Name, key.Role, key.UserPrefix, key.MayOverdraw)),
        RememberedFor);

    private static string? PrefixOf(string secret) =>
        secret.StartsWith("fa_", StringComparison.Ordinal) && secret.Length < 200 && secret.LastIndexOf('_') is > 3 and var end ? secret[..end] : null;

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private sealed record KnownKey(byte[] SecretHash, bool IsRevoked, Caller Caller);
}
