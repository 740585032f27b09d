namespace Factumerit.Ledger;

/// <summary>
/// A user's key at LiteLLM, as it is kept here: made in two steps, since no commit waits for LiteLLM, and blocked while its user has no credit
/// (R20). The secret is nowhere: LiteLLM's hash of it tells whose a call is.
/// </summary>
public sealed record VirtualKey
{
    /// <summary>Recorded here; what LiteLLM made of it is not known yet.</summary>
    public const string Creating = "creating";

    /// <summary>LiteLLM has it.</summary>
    public const string Active = "active";

    /// <summary>Ended here; LiteLLM has still to delete it.</summary>
    public const string Revoking = "revoking";

    /// <summary>Ended, and gone at LiteLLM.</summary>
    public const string Revoked = "revoked";

    /// <summary>Never came about.</summary>
    public const string Failed = "failed";

    public required Guid Id { get; init; }
    public required string UserId { get; init; }
    public required string Label { get; init; }

    /// <summary>LiteLLM's hash of the secret; null until LiteLLM has told it.</summary>
    public string? KeyHash { get; init; }

    /// <summary>The masked secret, as LiteLLM shows it.</summary>
    public string? KeyName { get; init; }

    /// <summary>The models it may call; null for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>What LiteLLM lets it spend, in US dollars; null for no limit.</summary>
    public decimal? MaxBudgetUsd { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }
    public required string Status { get; init; }

    /// <summary>Whether LiteLLM has confirmed that it is blocked.</summary>
    public bool IsBlocked { get; init; }

    public required string CreatedBy { get; init; }

    /// <summary>The actor who asked for it; null for a key made before actors were kept.</summary>
    public int? CreatedById { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When LiteLLM was last asked about it; null when it should be asked soon.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>Why it failed, or ended by itself.</summary>
    public string? LastError { get; init; }

    /// <summary>Its name at LiteLLM, which no other key has: by it a key is found whose answer was lost.</summary>
    public string Alias => $"factumerit-{Id}";
}
