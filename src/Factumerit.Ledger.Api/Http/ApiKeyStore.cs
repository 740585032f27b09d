using Factumerit.Ledger.Queries;
using Factumerit.Ledger.Storage;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Api.Http;

/// <summary>An API key with the name of its creator, and its secret if that is new.</summary>
public sealed record KeptApiKey(ApiKey Key, ActorName? MadeBy, string? Secret = null)
{
    /// <summary>Omits the secret to keep it out of logs.</summary>
    public override string ToString() => $"{nameof(KeptApiKey)} {{ Id = {Key.Id} }}";
}

/// <summary>
/// Creates, lists, rotates and revokes API keys, and writes each change to the audit log. A secret is a readable prefix
/// and 256 random bits. The table holds only its SHA-256.
/// </summary>
public sealed class ApiKeyStore(LedgerDatabase database, ApiKeyCache known, TimeProvider clock)
{
    private const int OverlapSecondsDefault = 24 * 60 * 60;

    // An advisory lock that keeps the names of keys unique. The number only has to be unused elsewhere: the letters
    // "fakn".
    private const string LockNames = "SELECT pg_advisory_xact_lock(x'66616b6e'::int)";

    /// <summary>Creates a key. Its secret is returned only here and can't be shown again.</summary>
    public async Task<Outcome<KeptApiKey>> CreateAsync(
        ApiKeyRequest request, Actor by, CancellationToken cancellationToken)
    {
        var (prefix, secret) = ApiKeyCache.MakeSecret(request.Role!);
        var now = Now();
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(),
            Name = request.Name!,
            Role = request.Role!,
            UserPrefix = request.UserPrefix,
            KeyPrefix = prefix,
            SecretHash = ApiKeyCache.Hash(secret),
            CreatedAt = now,
            MayOverdraw = request.MayOverdraw,
            MayIntake = request.MayIntake,
            MadeBy = by.Id,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
        await using var db = database.CreateContext();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlRawAsync(LockNames, cancellationToken);
        var live = await db.ApiKeys.Where(k => k.RevokedAt == null && (k.ExpiresAt == null || k.ExpiresAt > now))
            .Select(k => k.Name).ToListAsync(cancellationToken);
        if (live.Find(name => KeyNames.AreAlike(name, key.Name)) is { } taken)
            return new Refusal.ValidationFailed("name", taken == key.Name
                ? "belongs to another key that is in use: revoke that one first, or choose another name"
                : $"is too much like {taken}, a key that is in use: differ in more than case and spaces");
        db.Add(key);
        db.Add(AuditLogRow.Of(now, by, AuditActions.ApiKeyMade, $"{key.Id}", new
        {
            name = key.Name,
            role = key.Role,
            user_prefix = key.UserPrefix,
            may_overdraw = key.MayOverdraw,
            may_intake = key.MayIntake,
            expires_at = key.ExpiresAt?.UtcDateTime,
        }));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        return new KeptApiKey(key, new ActorName(by.ApiKeyId, by.Name), secret);
    }

    public async Task<IReadOnlyList<KeptApiKey>> ListAsync(CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        return await ReadAsync(db, db.ApiKeys.OrderBy(k => k.CreatedAt).ThenBy(k => k.Id), cancellationToken);
    }

    /// <summary>Revokes a key. A key that is revoked already stays as it is. Null if there is no such key.</summary>
    public async Task<KeptApiKey?> RevokeAsync(Guid id, Actor by, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = Now();
        var revoked = await db.ApiKeys.Where(k => k.Id == id && k.RevokedAt == null)
            .ExecuteUpdateAsync(k => k.SetProperty(p => p.RevokedAt, now), cancellationToken);
        if (revoked > 0)
            db.Add(AuditLogRow.Of(now, by, AuditActions.ApiKeyRevoked, $"{id}"));
        await CommitAsync(db, cancellationToken);
        return await FindAsync(db, id, cancellationToken);
    }

    /// <summary>
    /// Gives a key a new secret. The previous secret stays valid for the overlap; older ones end at once.
    /// </summary>
    public async Task<Outcome<KeptApiKey>> RotateAsync(
        Guid id, RotationRequest request, Actor by, CancellationToken cancellationToken)
    {
        await using var db = database.CreateContext();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = Now();
        // The row lock serializes concurrent rotations: the second one replaces the secret of the first.
        var locked = db.ApiKeys.FromSql($"SELECT * FROM api_keys WHERE id = {id} FOR UPDATE");
        if (await locked.SingleOrDefaultAsync(cancellationToken) is not { } key)
            return new Refusal.NotFound($"API key {id}");
        if (key.RevokedAt is not null || key.ExpiresAt <= now)
            return new Refusal.ApiKeyEnded(id);
        var (prefix, secret) = ApiKeyCache.MakeSecret(key.Role);
        var hash = ApiKeyCache.Hash(secret);
        var oldEndsAt = now.AddSeconds(request.OverlapSeconds ?? OverlapSecondsDefault);
        var expiresAt = request.ExpiresAt?.ToUniversalTime() ?? key.ExpiresAt;
        await db.ApiKeys.Where(k => k.Id == id).ExecuteUpdateAsync(k => k
            .SetProperty(p => p.OldKeyPrefix, key.KeyPrefix).SetProperty(p => p.OldSecretHash, key.SecretHash)
            .SetProperty(p => p.OldSecretEndsAt, oldEndsAt).SetProperty(p => p.ExpiresAt, expiresAt)
            .SetProperty(p => p.KeyPrefix, prefix).SetProperty(p => p.SecretHash, hash), cancellationToken);
        var detail = new { old_secret_ends_at = oldEndsAt.UtcDateTime, expires_at = expiresAt?.UtcDateTime };
        db.Add(AuditLogRow.Of(now, by, AuditActions.ApiKeyRotated, $"{id}", detail));
        await CommitAsync(db, cancellationToken);
        return (await FindAsync(db, id, cancellationToken))! with { Secret = secret };
    }

    // Makes cached keys stale even if the commit fails, because its outcome may be unknown.
    private async Task CommitAsync(LedgerDbContext db, CancellationToken cancellationToken)
    {
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            await db.Database.CommitTransactionAsync(CancellationToken.None);
        }
        finally
        {
            known.Forget();
        }
    }

    private static async Task<KeptApiKey?> FindAsync(
        LedgerDbContext db, Guid id, CancellationToken cancellationToken) =>
        (await ReadAsync(db, db.ApiKeys.Where(k => k.Id == id), cancellationToken)).SingleOrDefault();

    private static async Task<IReadOnlyList<KeptApiKey>> ReadAsync(
        LedgerDbContext db, IQueryable<ApiKey> query, CancellationToken cancellationToken)
    {
        var keys = await query.ToListAsync(cancellationToken);
        var makers = await AuditQueries.NamesAsync(db, keys.Select(k => k.MadeBy), cancellationToken);
        return keys.ConvertAll(k => new KeptApiKey(k, makers.Of(k.MadeBy)));
    }

    // Truncated to microseconds, the precision of the database.
    private DateTimeOffset Now()
    {
        var now = clock.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
