namespace Factumerit.Ledger;

/// <summary>
/// The holds that one commit knows, and how its commands change them. Each change also changes what is held of the
/// user's credit, so that both always agree.
/// </summary>
/// <param name="now">The time of the commit.</param>
/// <param name="touch">Marks a user's row as changed.</param>
public sealed class HoldChanges(DateTimeOffset now, Action<UserAccount> touch)
{
    // As stored, with the changes of this commit. A hold that has expired may still be open here.
    private readonly Dictionary<Guid, Hold> _holds = [];
    private readonly HashSet<Guid> _new = [];
    private readonly HashSet<Guid> _changed = [];

    // The holds whose rows are open, by the ids of their callers.
    private readonly Dictionary<(string UserId, string ExternalId), Guid> _open = [];

    public IEnumerable<Hold> New => _new.Select(id => _holds[id]);
    public IEnumerable<Hold> Changed => _changed.Select(id => _holds[id]);
    public int NewCount => _new.Count;

    /// <summary>Users whose open holds all end with this commit, because they are deleted.</summary>
    public List<string> EndedUsers { get; } = [];

    public bool HaveChanges => _new.Count > 0 || _changed.Count > 0 || EndedUsers.Count > 0;

    /// <summary>The loaded holds.</summary>
    public IEnumerable<Hold> Loaded => _holds.Values;

    public void Load(Hold hold)
    {
        if (_holds.TryAdd(hold.Id, hold) && hold is { IsOpen: true, ExternalId: { } externalId })
            _open[(hold.UserId, externalId)] = hold.Id;
    }

    /// <summary>The hold at the time of the commit; null when there is none.</summary>
    public Hold? Find(Guid id) => _holds.TryGetValue(id, out var hold) ? hold.At(now) : null;

    /// <summary>The user's hold with this id of its caller, unless it has ended.</summary>
    public Hold? FindOpen(string userId, string externalId) =>
        _open.TryGetValue((userId, externalId), out var id) && Find(id) is { IsOpen: true } hold ? hold : null;

    /// <summary>Those of these holds that have expired, but whose rows are still open.</summary>
    public IReadOnlyList<Hold> FindExpired(IEnumerable<Guid> ids) =>
        [.. ids.Select(id => _holds[id]).Where(hold => hold.IsOpen && hold.ExpiresAt <= now).Select(h => h.At(now))];

    /// <summary>Sets credit of the user aside.</summary>
    public void Place(Hold hold, UserAccount user)
    {
        // No two open rows of a user have the same external id, so an expired one is ended first.
        if (hold.ExternalId is { } externalId && _open.TryGetValue((hold.UserId, externalId), out var expired))
            Change(_holds[expired].At(now), user);
        Load(hold);
        _new.Add(hold.Id);
        user.Held.Change(hold.HeldCents, hold.ExpiresAt);
        touch(user);
    }

    /// <summary>
    /// Counts a usage that the hold covers. An open hold shrinks by the price, or ends; one that has expired stays so.
    /// </summary>
    public Hold Settle(Hold hold, UserAccount user, decimal cents, bool closes, int? by)
    {
        var settled = hold with { SettledCents = hold.SettledCents + cents };
        return Change(
            !hold.IsOpen ? settled with { SettledLateAt = now }
            : closes ? settled with { State = Hold.Settled, HeldCents = 0, ClosedAt = now, ClosedBy = by }
            : settled with { HeldCents = Math.Max(0, hold.HeldCents - cents) },
            user);
    }

    /// <summary>Replaces the hold by a later state of it.</summary>
    public Hold Change(Hold changed, UserAccount user)
    {
        var stored = _holds[changed.Id];
        if (stored.IsOpen && stored.ExpiresAt <= now)
            user.Held.EndExpired(stored.HeldCents);
        else
            user.Held.Change(changed.HeldCents - stored.HeldCents, changed.IsOpen ? changed.ExpiresAt : null);
        _holds[changed.Id] = changed;
        if (!changed.IsOpen && changed.ExternalId is { } externalId
            && _open.TryGetValue((changed.UserId, externalId), out var open) && open == changed.Id)
            _open.Remove((changed.UserId, externalId));
        if (!_new.Contains(changed.Id))
            _changed.Add(changed.Id);
        touch(user);
        return changed;
    }

    /// <summary>Ends all open holds of a user who is deleted, also those that were not loaded.</summary>
    public void EndAllOf(UserAccount user)
    {
        if (user.Held.ExpireAt is null)
            return;
        foreach (var hold in _holds.Values.Where(h => h.UserId == user.UserId).ToList())
            if (hold.At(now) is { IsOpen: true } open)
                Change(open with { State = Hold.Released, HeldCents = 0, ClosedAt = now }, user);
        user.Held.EndAll();
        touch(user);
        EndedUsers.Add(user.UserId);
    }
}
