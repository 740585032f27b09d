using System.Text.Json;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// Credit to set aside for calls that are about to be made: an amount, or the price of a model's tokens by the price
/// book and the markup. Request body of POST /holds.
/// </summary>
public sealed record HoldRequest
{
    /// <summary>The user whose credit is set aside: 1 to 200 characters of letters, digits and @ . _ : + = -.</summary>
    public string? UserId { get; init; }

    /// <summary>
    /// The amount in cents: greater than 0, at most 10^12, with at most 7 decimals. Omitted: the price of the tokens.
    /// </summary>
    public decimal? AmountCents { get; init; }

    /// <summary>
    /// The model that will be called, at most 200 characters. Together with amount_cents it is only noted.
    /// </summary>
    public string? Model { get; init; }

    /// <summary>The tokens that will be sent, 0 to 2147483647; not together with amount_cents.</summary>
    public long? PromptTokens { get; init; }

    /// <summary>The most tokens that may be generated, 0 to 2147483647; not together with amount_cents.</summary>
    public long? MaxCompletionTokens { get; init; }

    /// <summary>Seconds until the hold expires, 10 to 86400; default: 600.</summary>
    public long? ExpiresInSeconds { get; init; }

    /// <summary>
    /// true: if less credit is available than asked for, set aside what there is. Default: refuse with
    /// insufficient-credit.
    /// </summary>
    public bool? Partial { get; init; }

    /// <summary>
    /// Your own id of the hold, 1 to 255 characters, unique among the user's open holds. It stands in for the header
    /// Idempotency-Key: while the hold is open, the same id is the same request.
    /// </summary>
    public string? ExternalId { get; init; }

    /// <summary>A text for people, at most 1000 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Your own JSON object, at most 16 KiB, stored as sent.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>Credit or time to add to an open hold, at least one. Request body of POST /holds/{id}/increase.</summary>
public sealed record HoldIncreaseRequest
{
    /// <summary>The amount to add, in cents: greater than 0, at most 10^12, with at most 7 decimals.</summary>
    public decimal? AmountCents { get; init; }

    /// <summary>
    /// Seconds from now until the hold expires, 10 to 86400. A hold that already lasts longer is not shortened.
    /// </summary>
    public long? ExpiresInSeconds { get; init; }
}

/// <summary>The end of a hold. Request body of POST /holds/{id}/release; it may be empty.</summary>
public sealed record HoldReleaseRequest
{
    /// <summary>The reason, for people; at most 1000 characters.</summary>
    public string? Reason { get; init; }
}

/// <summary>A hold: credit set aside. It moves no money; the usages that name it do. Amounts are cents.</summary>
public sealed record HoldAnswer
{
    public required Guid HoldId { get; init; }
    public required string UserId { get; init; }

    /// <summary>open, settled, released or expired; from expires_at on an open hold is expired.</summary>
    public required string State { get; init; }

    /// <summary>What was asked for, with all increases, in cents.</summary>
    public required decimal RequestedCents { get; init; }

    /// <summary>What is set aside now, in cents; 0 once the hold has ended.</summary>
    public required decimal HeldCents { get; init; }

    /// <summary>What the usages that it covered cost, in cents; it may be more than was held.</summary>
    public required decimal SettledCents { get; init; }

    /// <summary>Whether less was set aside than was asked for.</summary>
    public required bool IsPartial { get; init; }

    /// <summary>The user's balance, in cents. A hold does not change it.</summary>
    public required decimal BalanceCents { get; init; }

    /// <summary>What the user's calls and new holds may use, in cents: the balance less all open holds.</summary>
    public required decimal AvailableCents { get; init; }

    /// <summary>The model, if one was named.</summary>
    public string? Model { get; init; }

    /// <summary>The caller's own id of the hold.</summary>
    public string? ExternalId { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it ended; null while it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
}

/// <summary>
/// A page of holds in the order in which they were placed. NextAfter: pass it as after= to get the next page; null at
/// the end.
/// </summary>
public sealed record HoldPage(IReadOnlyList<HoldAnswer> Holds, Guid? NextAfter);
