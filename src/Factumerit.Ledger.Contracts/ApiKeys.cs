using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>A new API key.</summary>
public sealed record ApiKeyRequest
{
    /// <summary>
    /// The user or purpose of the key, 1 to 200 characters, without a space at either end. Shown in logs, and recorded
    /// as the admin of grants that name none.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>bot, ops or admin.</summary>
    public string? Role { get; init; }

    /// <summary>
    /// Binds a bot key to users: <c>vikunja:</c> covers the ids that begin with it; <c>vik</c> covers vik, and ids in
    /// which vik is followed by a boundary, one of : @ . _ + = -; <c>vik*</c> covers all ids that begin with vik.
    /// </summary>
    public string? UserPrefix { get; init; }

    /// <summary>
    /// Lets a bot or admin key record calls that are already paid for when the balance is used up (enforce_balance
    /// false). Default false.
    /// </summary>
    public bool MayOverdraw { get; init; }

    /// <summary>
    /// Lets a bot key record calls that LiteLLM reports, which may take users below 0. Admin keys always may. Default
    /// false.
    /// </summary>
    public bool MayIntake { get; init; }

    /// <summary>
    /// The time from which the key is refused: in the future, at most ten years ahead; default: never.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A new secret for an API key.</summary>
public sealed record RotationRequest
{
    /// <summary>
    /// How long the previous secret still works, in seconds: 0 to 604800 (a week). Default 86400 (a day).
    /// </summary>
    public int? OverlapSeconds { get; init; }

    /// <summary>The time from which the key is refused; default: unchanged.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>
/// An API key as returned. MadeBy: the actor whose request made it; null for keys from before this was recorded.
/// LastUsedAt: at most two minutes behind; null if the key was never used. OldSecretEndsAt: the end of the secret from
/// before the last rotation. Secret: only in the answer that made it, never again.
/// </summary>
public sealed record ApiKeyAnswer(
    Guid Id, string Name, string Role, string? UserPrefix, bool MayOverdraw, bool MayIntake, string KeyPrefix,
    DateTimeOffset CreatedAt, ActorName? MadeBy, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt,
    DateTimeOffset? OldSecretEndsAt, DateTimeOffset? RevokedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret)
{
    /// <summary>Omits the secret, so that it is never logged by mistake.</summary>
    public override string ToString() => $"{nameof(ApiKeyAnswer)} {{ Id = {Id} }}";
}

/// <summary>All API keys, including revoked ones, without their secrets.</summary>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyAnswer> ApiKeys);
