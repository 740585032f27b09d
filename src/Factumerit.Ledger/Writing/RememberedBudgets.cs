namespace Factumerit.Ledger.Writing;

/// <summary>
/// A cache of the budgets in this writer's last commits, so that a batch of plain usages need not read them again. A
/// cached budget is a guess that saving verifies: the stored budget must still have the balance and the holds that were
/// decided on.
/// Only the writer's loop uses the cache.
/// </summary>
internal sealed class RememberedBudgets(int usersMax)
{
    private readonly Dictionary<string, UserAccount> _users = new(StringComparer.Ordinal);

    /// <summary>
    /// Loads the cached budgets of these users into the set; returns false if one of them must be read, because it is
    /// not cached or because one of its holds has expired. The cache and the set share the budgets. If the decisions
    /// are discarded, call <see cref="Forget"/>.
    /// </summary>
    public bool TryLend(IReadOnlyCollection<string> userIds, WorkingSet set)
    {
        foreach (var userId in userIds)
            if (_users.TryGetValue(userId, out var user) && !(user.Held.ExpireAt <= set.Now))
                set.Load(user);
            else
                return false;
        return true;
    }

    /// <summary>Caches the budgets of a set that was decided on loaded rows, as they are after its commit.</summary>
    public void Keep(WorkingSet set)
    {
        if (_users.Count + set.Users.Count > usersMax)
            _users.Clear();
        if (set.Users.Count > usersMax)
            return;
        foreach (var user in set.Users)
            if (user.IsDeleted)
                _users.Remove(user.UserId);
            else
                _users[user.UserId] = user;
    }

    /// <summary>Removes the set's budgets from the cache, because the decisions on them are discarded.</summary>
    public void Forget(WorkingSet set)
    {
        foreach (var user in set.Users)
            _users.Remove(user.UserId);
    }
}
