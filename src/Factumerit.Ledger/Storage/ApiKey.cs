namespace Factumerit.Ledger.Storage;

/// <summary>
/// A row of <c>api_keys</c>. The secret itself is not stored, only its SHA-256 and a readable prefix.
/// </summary>
public sealed class ApiKey
{
    public required Guid Id { get; init; }
    public required string Name { get; init; }
    public required string Role { get; init; }

    /// <summary>
    /// A bot key may be limited to users whose ids begin with this prefix. Without a * at the end, the prefix must end
    /// at a boundary of the id.
    /// </summary>
    public string? UserPrefix { get; init; }

    /// <summary>The beginning of the secret. It identifies the row and is not secret.</summary>
    public required string KeyPrefix { get; init; }
    public required byte[] SecretHash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>
    /// Whether the key may record calls that have been paid for already, even when the user's balance is used up.
    /// </summary>
    public bool MayOverdraw { get; init; }

    /// <summary>Whether the key may post the calls that the gateway reports.</summary>
    public bool MayIntake { get; init; }

    /// <summary>The actor who created the key; null for keys from before actors were stored.</summary>
    public int? MadeBy { get; init; }

    /// <summary>When the key was last used; up to one or two minutes late.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The key is refused from this time on; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The beginning of the secret before the last rotation.</summary>
    public string? OldKeyPrefix { get; init; }
    public byte[]? OldSecretHash { get; init; }

    /// <summary>The secret before the last rotation is refused from this time on.</summary>
    public DateTimeOffset? OldSecretEndsAt { get; init; }
}
