namespace Factumerit.Ledger.Storage;

/// <summary>
/// A row of <c>virtual_keys</c>: a user's key at LiteLLM. The secret itself is not stored, only its hash, a masked name
/// and our alias.
/// </summary>
public sealed class VirtualKeyRow
{
    public Guid Id { get; init; }
    public string UserId { get; init; } = "";
    public string Label { get; init; } = "";

    /// <summary>Our name of the key at LiteLLM. It identifies orphaned keys there.</summary>
    public string Alias { get; init; } = "";
    public string? KeyHash { get; init; }
    public string? KeyName { get; init; }

    /// <summary>The models it may call; null for all.</summary>
    public string[]? Models { get; init; }
    public decimal? MaxBudgetUsd { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public string Status { get; init; } = "";
    public bool IsBlocked { get; init; }
    public string CreatedBy { get; init; } = "";
    public int? CreatedById { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public DateTimeOffset? CheckedAt { get; init; }
    public string? LastError { get; init; }
}

/// <summary>
/// A row of <c>litellm_outbox</c>: a change that is not delivered to LiteLLM yet, in order per key (R20). It is deleted
/// after delivery.
/// </summary>
public sealed class LiteLlmOutboxRow
{
    public long Id { get; init; }
    public Guid VirtualKeyId { get; init; }
    public string Action { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public int Attempts { get; init; }
    public DateTimeOffset NextAttemptAt { get; init; }
    public string? LastError { get; init; }
}
