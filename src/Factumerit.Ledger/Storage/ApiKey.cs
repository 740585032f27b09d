namespace Factumerit.Ledger.Storage;

/// <summary>A row of <c>api_keys</c>. The secret itself is nowhere: only its SHA-256 and a readable beginning.</summary>
public sealed class ApiKey
{
    public required Guid Id { get; init; }
    public required string Name { get; init; }
    public required string Role { get; init; }

    /// <summary>A bot key may be bound to the users whose ids begin so.</summary>
    public string? UserPrefix { get; init; }

    /// <summary>The beginning of the secret, by which the row is found; it can be shown.</summary>
    public required string KeyPrefix { get; init; }
    public required byte[] SecretHash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Whether it may record calls that have been paid for already even when the user's balance is used up.</summary>
    public bool MayOverdraw { get; init; }
}
