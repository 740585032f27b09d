namespace Factumerit.Ledger;

/// <summary>
/// A user's virtual key at the gateway, as stored here. It is created in two steps, because no commit waits for the
/// gateway, and blocked while its user has no credit (R20). The secret is not stored: the gateway's hash of it
/// identifies the key of a call.
/// </summary>
public sealed record VirtualKey
{
    /// <summary>Recorded here; the result at the gateway is not known yet.</summary>
    public const string Creating = "creating";

    /// <summary>The key exists at the gateway.</summary>
    public const string Active = "active";

    /// <summary>Ended here; its deletion at the gateway is pending.</summary>
    public const string Revoking = "revoking";

    /// <summary>Ended here and deleted at the gateway.</summary>
    public const string Revoked = "revoked";

    /// <summary>Never created.</summary>
    public const string Failed = "failed";

    public required Guid Id { get; init; }
    public required string UserId { get; init; }
    public required string Label { get; init; }

    /// <summary>The gateway's hash of the secret; null until the gateway has returned it.</summary>
    public string? KeyHash { get; init; }

    /// <summary>The masked secret, as the gateway shows it.</summary>
    public string? KeyName { get; init; }

    /// <summary>The models that the key may call; null for all.</summary>
    public string[]? Models { get; init; }

    /// <summary>The spending limit at the gateway, in US dollars; null for no limit.</summary>
    public decimal? MaxBudgetUsd { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }
    public required string Status { get; init; }

    /// <summary>Whether the gateway has confirmed that the key is blocked.</summary>
    public bool IsBlocked { get; init; }

    public required string CreatedBy { get; init; }

    /// <summary>The actor who requested the key; null for a key from before actors were stored.</summary>
    public int? CreatedById { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When the gateway was last asked about the key; null when it should be asked soon.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>Why the creation failed, or why the key ended by itself.</summary>
    public string? LastError { get; init; }

    /// <summary>The key's unique name at the gateway. It finds a key whose creation response was lost.</summary>
    public string Alias { get; init; } = "";

    public static string AliasOf(Guid id) => $"factumerit-{id}";
}
