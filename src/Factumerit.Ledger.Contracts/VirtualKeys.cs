using System.Text.Json.Serialization;

namespace Factumerit.Ledger.Contracts;

/// <summary>A virtual key at LiteLLM for a user. Request body of POST /virtual-keys.</summary>
public sealed record VirtualKeyRequest
{
    /// <summary>
    /// The user whose calls are made with the key: 1 to 200 characters of letters, digits and @ . _ : + = -.
    /// </summary>
    public string? UserId { get; init; }

    /// <summary>The purpose of the key, 1 to 200 characters.</summary>
    public string? Label { get; init; }

    /// <summary>The models that the key may call, 1 to 100 names of 1 to 200 characters; default: all.</summary>
    public IReadOnlyList<string?>? Models { get; init; }

    /// <summary>
    /// The spending limit at LiteLLM, in US dollars: greater than 0, at most 10^10; default: no limit but the user's
    /// credit.
    /// </summary>
    [JsonConverter(typeof(UsdConverter))]
    public decimal? MaxBudgetUsd { get; init; }

    /// <summary>When the key expires: in the future, at most ten years ahead; default: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>
/// A user's key at LiteLLM as returned. Status: creating, active, revoking, revoked or failed. IsBlocked: as LiteLLM
/// has confirmed. Pending: the change that LiteLLM has not received yet; null if there is none. Secret: only in the
/// answer that made the key, never again.
/// </summary>
public sealed record VirtualKeyAnswer(
    Guid VirtualKeyId, string UserId, string Label, string Alias, string? KeyName, IReadOnlyList<string>? Models,
    [property: JsonConverter(typeof(UsdConverter))] decimal? MaxBudgetUsd, DateTimeOffset? ExpiresAt, string Status,
    bool IsBlocked, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt, string? LastError, PendingDelivery? Pending,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret)
{
    /// <summary>Omits the secret, so that it is never logged by mistake.</summary>
    public override string ToString() =>
        $"{nameof(VirtualKeyAnswer)} {{ VirtualKeyId = {VirtualKeyId}, Status = {Status} }}";
}

/// <summary>
/// A change of a key that is not delivered to LiteLLM yet. It stays pending for longer than a moment only while LiteLLM
/// is unavailable.
/// </summary>
/// <param name="Action">block, unblock or delete.</param>
/// <param name="Attempts">The number of attempts so far.</param>
/// <param name="Since">When the change was recorded.</param>
/// <param name="NextAttemptAt">When delivery is tried again.</param>
/// <param name="LastError">The error of the last attempt; null without one.</param>
public sealed record PendingDelivery(
    string Action, int Attempts, DateTimeOffset Since, DateTimeOffset NextAttemptAt, string? LastError);

/// <summary>
/// A page of keys, in the order they were made, without their secrets. NextAfter: pass it as after= to get the next
/// page; null at the end.
/// </summary>
public sealed record VirtualKeyPage(IReadOnlyList<VirtualKeyAnswer> VirtualKeys, Guid? NextAfter);
