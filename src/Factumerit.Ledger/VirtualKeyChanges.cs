namespace Factumerit.Ledger;

/// <summary>
/// What the commands of one commit decided about users' keys at LiteLLM, and the keys that were loaded for them. Whether a key is blocked is settled when
/// the commit is saved, as only then the balances are those that count (R20).
/// </summary>
public sealed class VirtualKeyChanges
{
    private readonly Dictionary<Guid, VirtualKey> _keys = [];
    private readonly HashSet<Guid> _changed = [];

    public List<VirtualKey> New { get; } = [];
    public IEnumerable<VirtualKey> Changed => _changed.Select(id => _keys[id]);

    /// <summary>Keys that LiteLLM has to delete; earlier changes of them no longer matter.</summary>
    public HashSet<Guid> ToDelete { get; } = [];

    /// <summary>Keys that are gone at LiteLLM: nothing is left to deliver.</summary>
    public HashSet<Guid> Gone { get; } = [];

    /// <summary>Keys whose blocked flag at LiteLLM is known, and may have to change with the user's balance.</summary>
    public List<(VirtualKey Key, bool IsBlockedThere)> ToAlign { get; } = [];

    /// <summary>Users all of whose keys end, and whose request that is.</summary>
    public List<(string UserId, Actor By)> EndedUsers { get; } = [];

    /// <summary>Changes that LiteLLM has received.</summary>
    public List<SettledDelivery> Settled { get; } = [];

    public bool Any => New.Count > 0 || _changed.Count > 0 || EndedUsers.Count > 0 || Settled.Count > 0;

    public void Load(VirtualKey key) => _keys.Add(key.Id, key);

    public VirtualKey? Find(Guid id) => _keys.GetValueOrDefault(id);

    public void Add(VirtualKey key)
    {
        Load(key);
        New.Add(key);
    }

    public VirtualKey Change(VirtualKey key)
    {
        _keys[key.Id] = key;
        _changed.Add(key.Id);
        return key;
    }
}

/// <summary>A row of the outbox that is done. IsKnown: LiteLLM knew the key.</summary>
public sealed record SettledDelivery(long OutboxId, Guid VirtualKeyId, bool IsKnown);
