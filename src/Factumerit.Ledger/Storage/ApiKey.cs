namespace Factumerit.Ledger.Storage;

/// <summary>A row of <c>api_keys</c>. The secret itself is nowhere: only its SHA-256 and a readable beginning.</summary>
public sealed class ApiKey
{
    public required Guid Id { get; init; }
    public required string Name { get; init; }
    public required string Role { get; init; }

    /// <summary>A bot key may be bound to users whose ids begin so; without a * at the end, up to a boundary.</summary>
    public string? UserPrefix { get; init; }

    /// <summary>The beginning of the secret, by which the row is found; it can be shown.</summary>
    public required string KeyPrefix { get; init; }
    public required byte[] SecretHash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Whether it may record calls that have been paid for already even when the user's balance is used up.</summary>
    public bool MayOverdraw { get; init; }

    /// <summary>Whether it may take in calls that LiteLLM reports.</summary>
    public bool MayIntake { get; init; }

    /// <summary>The actor who made it; null for keys from before actors were kept.</summary>
    public int? MadeBy { get; init; }

    /// <summary>When it was last used, at most a minute or two behind.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>From then on it is refused; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The beginning of the secret before the last rotation.</summary>
    public string? OldKeyPrefix { get; init; }
    public byte[]? OldSecretHash { get; init; }

    /// <summary>From then on the secret before the last rotation is refused.</summary>
    public DateTimeOffset? OldSecretEndsAt { get; init; }
}
