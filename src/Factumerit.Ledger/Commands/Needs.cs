namespace Factumerit.Ledger.Commands;

/// <summary>
/// What the commands of a batch must know before they can decide. Each command declares its needs here, and the tables
/// load them in one round trip.
/// </summary>
public sealed class Needs
{
    private readonly HashSet<string> _users = new(StringComparer.Ordinal);
    private readonly HashSet<(string UserId, string RequestId)> _usages = [];
    private readonly HashSet<Guid> _usageIds = [];
    private readonly HashSet<(string SourceSystem, string ExternalId)> _aliases = [];
    private readonly HashSet<(string Operation, string Key)> _answers = [];
    private readonly HashSet<Guid> _holds = [];
    private readonly HashSet<(string UserId, string ExternalId)> _openHolds = [];
    private readonly HashSet<(string UserId, DateTimeOffset Now)> _expiredHolds = [];
    private readonly HashSet<Guid> _virtualKeys = [];
    private readonly HashSet<string> _virtualKeysOf = new(StringComparer.Ordinal);
    private readonly HashSet<long> _outbox = [];
    private readonly HashSet<string> _unwrittenCosts = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Users => _users;
    public IReadOnlyCollection<(string UserId, string RequestId)> Usages => _usages;
    public IReadOnlyCollection<Guid> UsageIds => _usageIds;
    public IReadOnlyCollection<(string SourceSystem, string ExternalId)> Aliases => _aliases;
    public IReadOnlyCollection<(string Operation, string Key)> Answers => _answers;
    public IReadOnlyCollection<Guid> Holds => _holds;
    public IReadOnlyCollection<(string UserId, string ExternalId)> OpenHolds => _openHolds;
    public IReadOnlyCollection<(string UserId, DateTimeOffset Now)> ExpiredHolds => _expiredHolds;
    public IReadOnlyCollection<Guid> VirtualKeys => _virtualKeys;
    public IReadOnlyCollection<string> VirtualKeysOf => _virtualKeysOf;
    public IReadOnlyCollection<long> Outbox => _outbox;
    public IReadOnlyCollection<string> UnwrittenCosts => _unwrittenCosts;
    public bool Totals { get; private set; }

    /// <summary>The user's budget, loaded and locked.</summary>
    public void User(string? userId)
    {
        if (userId is not null)
            _users.Add(userId);
    }

    /// <summary>The usage that the user has under a request id (R9).</summary>
    public void Usage(string? userId, string requestId)
    {
        if (userId is not null)
            _usages.Add((userId, requestId));
    }

    /// <summary>A usage by its own id.</summary>
    public void Usage(Guid usageId) => _usageIds.Add(usageId);

    /// <summary>The usage that is known under an id of another system (R17).</summary>
    public void Alias(string sourceSystem, string externalId) => _aliases.Add((sourceSystem, externalId));

    /// <summary>The first answer to an idempotency key (R9).</summary>
    public void Answer(string operation, string key) => _answers.Add((operation, key));

    /// <summary>A hold.</summary>
    public void Hold(Guid id) => _holds.Add(id);

    /// <summary>The open hold that the user has under an id of its caller.</summary>
    public void OpenHold(string userId, string externalId) => _openHolds.Add((userId, externalId));

    /// <summary>What the user's holds set aside that have expired by now, and when the next one does.</summary>
    public void ExpiredHoldsOf(string userId, DateTimeOffset now) => _expiredHolds.Add((userId, now));

    /// <summary>A virtual key.</summary>
    public void VirtualKey(Guid id) => _virtualKeys.Add(id);

    /// <summary>All virtual keys of a user.</summary>
    public void KeysOf(string userId) => _virtualKeysOf.Add(userId);

    /// <summary>A row of the outbox.</summary>
    public void OutboxRow(long id) => _outbox.Add(id);

    /// <summary>The provider's usage cost that is not written down yet, locked (R19).</summary>
    public void UnwrittenCost(string provider) => _unwrittenCosts.Add(provider);

    /// <summary>The totals of the system accounts.</summary>
    public void AllTotals() => Totals = true;
}
