namespace Factumerit.Ledger;

/// <summary>
/// Credit of a user that is set aside for calls that are about to be made, as stored here. A hold moves no money: the
/// calls that settle it do (R22). It counts until it expires, by the clock of the commit, whether or not its row says
/// so already (R23), and it ends once (R24).
/// </summary>
public sealed record Hold
{
    /// <summary>The credit is set aside.</summary>
    public const string Open = "open";

    /// <summary>A usage closed it.</summary>
    public const string Settled = "settled";

    /// <summary>Its caller, or the deletion of the user, gave the credit back.</summary>
    public const string Released = "released";

    /// <summary>Its time was over before it was settled or released.</summary>
    public const string Expired = "expired";

    public static readonly string[] States = [Open, Settled, Released, Expired];

    public required Guid Id { get; init; }
    public required string UserId { get; init; }
    public required string State { get; init; }

    /// <summary>What was asked for, with all increases, in cents.</summary>
    public required decimal RequestedCents { get; init; }

    /// <summary>What is still set aside, in cents; 0 once it has ended.</summary>
    public required decimal HeldCents { get; init; }

    /// <summary>What the usages that it covered cost, in cents; it may be more than was held (R22).</summary>
    public decimal SettledCents { get; init; }

    /// <summary>Whether less was set aside than was asked for, because no more was available.</summary>
    public bool IsPartial { get; init; }

    public string? Model { get; init; }

    /// <summary>The caller's own id, unique among the open holds of the user.</summary>
    public string? ExternalId { get; init; }
    public string? Description { get; init; }

    /// <summary>The caller's own JSON object.</summary>
    public string? Metadata { get; init; }

    /// <summary>The idempotency key under which its first answer is stored (R9).</summary>
    public required string AnswerKey { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ClosedAt { get; init; }

    /// <summary>When a usage named it after it had expired: one such usage needs no credit (R23).</summary>
    public DateTimeOffset? SettledLateAt { get; init; }

    /// <summary>Why it was released, in the words of the caller.</summary>
    public string? ReleaseReason { get; init; }

    /// <summary>The actor who placed it.</summary>
    public int? PostedBy { get; init; }

    /// <summary>The actor who settled or released it.</summary>
    public int? ClosedBy { get; init; }

    public bool IsOpen => State == Open;

    /// <summary>
    /// Whether a usage that names it is recorded without asking for credit: it is open, or it has expired and this is
    /// the first usage after that (R22, R23).
    /// </summary>
    public bool CoversUsage => IsOpen || (State == Expired && SettledLateAt is null);

    /// <summary>The hold at a time: from <see cref="ExpiresAt"/> on an open hold has expired.</summary>
    public Hold At(DateTimeOffset now) => IsOpen && ExpiresAt <= now
        ? this with { State = Expired, HeldCents = 0, ClosedAt = ExpiresAt }
        : this;

    /// <summary>The hold as an answer, with the user's credit.</summary>
    public HoldAnswer ToAnswer(decimal balanceCents, decimal availableCents) => new()
    {
        HoldId = Id,
        UserId = UserId,
        State = State,
        RequestedCents = RequestedCents,
        HeldCents = HeldCents,
        SettledCents = SettledCents,
        IsPartial = IsPartial,
        BalanceCents = balanceCents,
        AvailableCents = availableCents,
        Model = Model,
        ExternalId = ExternalId,
        ExpiresAt = ExpiresAt,
        CreatedAt = CreatedAt,
        ClosedAt = ClosedAt,
    };
}
