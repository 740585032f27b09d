namespace Factumerit.Ledger;

/// <summary>
/// What a user's holds set aside while commands decide, kept in the user's budget so that a call need not read the
/// holds. Only <see cref="HoldChanges"/> changes it.
/// </summary>
/// <param name="storedCents">The sum over the rows of open holds, expired or not.</param>
/// <param name="expireAt">A time before which no open hold expires.</param>
/// <param name="version">The number of commits that changed the user's holds.</param>
public sealed class HeldCredit(decimal storedCents = 0, DateTimeOffset? expireAt = null, long version = 0)
{
    // Of the holds whose rows are still open: those that have expired at the time of the commit.
    private decimal _expiredCents;
    private long _expiredCount;
    private DateTimeOffset? _nextExpiry = expireAt;
    private (decimal Cents, DateTimeOffset? ExpireAt) _loaded = (storedCents, expireAt);

    /// <summary>What the rows of open holds set aside, with those that have expired.</summary>
    public decimal StoredCents { get; private set; } = storedCents;

    /// <summary>
    /// No open hold expires before this time; null when there is none. The time may be too early, never too late.
    /// </summary>
    public DateTimeOffset? ExpireAt { get; private set; } = expireAt;

    /// <summary>Counts the commits that changed the user's holds.</summary>
    public long Version { get; private set; } = version;

    /// <summary>The version before this commit.</summary>
    public long LoadedVersion { get; private set; } = version;

    /// <summary>What is set aside now (R23).</summary>
    public decimal Cents => StoredCents - _expiredCents;

    /// <summary>The difference that this commit makes to <see cref="StoredCents"/>.</summary>
    public decimal ChangeCents => StoredCents - _loaded.Cents;

    /// <summary>Whether this commit changes anything here.</summary>
    public bool HasChanged { get; private set; }

    public void BeginCommit()
    {
        HasChanged = false;
        LoadedVersion = Version;
        _loaded = (StoredCents, ExpireAt);
        (_expiredCents, _expiredCount, _nextExpiry) = (0, 0, ExpireAt);
    }

    /// <summary>Notes which of the open holds have expired, and when the next one does.</summary>
    public void LoadExpired(decimal cents, long count, DateTimeOffset? next)
    {
        (_expiredCents, _expiredCount, _nextExpiry) = (cents, count, next);
        if (count == 0)
            ExpireAt = next;
    }

    /// <summary>A row that is written anyway takes a corrected time along.</summary>
    internal void SaveCorrection()
    {
        if (ExpireAt != _loaded.ExpireAt)
            NoteChange();
    }

    /// <summary>Changes what is set aside.</summary>
    /// <param name="cents">The difference.</param>
    /// <param name="expiresAt">When the hold expires; null when it has ended.</param>
    internal void Change(decimal cents, DateTimeOffset? expiresAt)
    {
        StoredCents += cents;
        if (expiresAt < (ExpireAt ?? DateTimeOffset.MaxValue))
            ExpireAt = expiresAt;
        if (expiresAt < (_nextExpiry ?? DateTimeOffset.MaxValue))
            _nextExpiry = expiresAt;
        NoteChange();
    }

    /// <summary>Ends a hold that has expired.</summary>
    internal void EndExpired(decimal cents)
    {
        StoredCents -= cents;
        _expiredCents -= cents;
        if (--_expiredCount == 0)
            ExpireAt = _nextExpiry;
        NoteChange();
    }

    /// <summary>Ends all holds.</summary>
    internal void EndAll()
    {
        StoredCents = _expiredCents = 0;
        _expiredCount = 0;
        ExpireAt = _nextExpiry = null;
        NoteChange();
    }

    private void NoteChange()
    {
        if (!HasChanged)
            Version++;
        HasChanged = true;
    }
}
