namespace Factumerit.Ledger;

/// <summary>
/// The decisions of one commit about users' virtual keys at LiteLLM, and the keys loaded for them. Whether a key is
/// blocked is decided when the commit is saved, because only then the balances are final (R20).
/// </summary>
public sealed class VirtualKeyChanges
{
    private readonly Dictionary<Guid, VirtualKey> _keys = [];
    private readonly HashSet<Guid> _changed = [];

    public List<VirtualKey> New { get; } = [];
    public IEnumerable<VirtualKey> Changed => _changed.Select(id => _keys[id]);

    /// <summary>Keys to delete at LiteLLM. Earlier changes of them no longer matter and leave the outbox.</summary>
    public HashSet<Guid> ToDelete { get; } = [];

    /// <summary>Keys that no longer exist at LiteLLM. Their entries leave the outbox.</summary>
    public HashSet<Guid> Gone { get; } = [];

    /// <summary>
    /// Keys whose blocked flag at LiteLLM is known. The flag may have to change with the user's balance.
    /// </summary>
    public List<(VirtualKey Key, bool IsBlockedThere)> ToAlign { get; } = [];

    /// <summary>Users whose keys all end, with the actor of the request.</summary>
    public List<(string UserId, Actor By)> EndedUsers { get; } = [];

    /// <summary>Outbox entries that LiteLLM has received.</summary>
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

/// <summary>A delivered outbox entry. IsKnown: LiteLLM knew the key.</summary>
public sealed record SettledDelivery(long OutboxId, Guid VirtualKeyId, bool IsKnown);
