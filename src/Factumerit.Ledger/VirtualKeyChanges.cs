using System.Text.Json;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger;

/// <summary>
/// The decisions of one commit about users' virtual keys at the gateway, and the keys and outbox rows loaded for them.
/// Whether a key is blocked is decided when the commit is saved, because only then the balances are final (R20).
/// </summary>
public sealed class VirtualKeyChanges
{
    /// <summary>The kind of the outbox rows that change keys; their ordering key is the key's id.</summary>
    public const string OutboxKind = "virtual_key";

    private readonly Dictionary<Guid, VirtualKey> _keys = [];
    private readonly Dictionary<long, OutboxRow> _outbox = [];
    private readonly HashSet<Guid> _new = [];
    private readonly HashSet<Guid> _changed = [];

    public IEnumerable<VirtualKey> New => _new.Select(id => _keys[id]);
    public IEnumerable<VirtualKey> Changed => _changed.Select(id => _keys[id]);

    /// <summary>Keys to delete at the gateway.</summary>
    public HashSet<Guid> ToDelete { get; } = [];

    /// <summary>Keys whose earlier changes no longer matter. Their rows leave the outbox.</summary>
    public HashSet<Guid> TakenBack { get; } = [];

    /// <summary>
    /// Keys whose blocked flag at the gateway is known. The flag may have to change with the user's balance.
    /// </summary>
    public List<(VirtualKey Key, bool IsBlockedThere)> ToAlign { get; } = [];

    /// <summary>Outbox rows that were delivered.</summary>
    public HashSet<long> Delivered { get; } = [];

    public bool HasKeyChanges => _new.Count > 0 || _changed.Count > 0;

    /// <summary>What an outbox row asks for: block, unblock or delete.</summary>
    public static string ActionOf(string payload) => JsonElement.Parse(payload).GetProperty("action").GetString()!;

    public void Load(VirtualKey key) => _keys.TryAdd(key.Id, key);

    public void Load(OutboxRow row) => _outbox.Add(row.Id, row);

    public VirtualKey? Find(Guid id) => _keys.GetValueOrDefault(id);

    /// <summary>The loaded keys of a user that have not ended.</summary>
    public IReadOnlyList<VirtualKey> OpenKeysOf(string userId) =>
        [.. _keys.Values.Where(k => k.UserId == userId && k.Status is VirtualKey.Creating or VirtualKey.Active)];

    /// <summary>An outbox row that waits for its delivery to be recorded; null when it left the outbox.</summary>
    public OutboxRow? FindOutbox(long id) =>
        Delivered.Contains(id) || !_outbox.TryGetValue(id, out var row)
        || TakenBack.Contains(Guid.Parse(row.OrderingKey))
            ? null
            : row;

    public void Add(VirtualKey key)
    {
        _keys.Add(key.Id, key);
        _new.Add(key.Id);
    }

    public VirtualKey Change(VirtualKey key, DateTimeOffset now)
    {
        var changed = key with { UpdatedAt = now };
        _keys[key.Id] = changed;
        if (!_new.Contains(key.Id))
            _changed.Add(key.Id);
        return changed;
    }

    /// <summary>Queues the deletion of a key. Its earlier changes leave the outbox.</summary>
    public void Delete(Guid id)
    {
        TakenBack.Add(id);
        ToDelete.Add(id);
    }
}

/// <summary>A delivered outbox row of a key. IsKnown: the gateway knew the key.</summary>
public sealed record SettledDelivery(long OutboxId, Guid VirtualKeyId, bool IsKnown);
