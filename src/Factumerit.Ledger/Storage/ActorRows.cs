namespace Factumerit.Ledger.Storage;

/// <summary>A row of <c>actors</c>: an API key, or the service itself, that changes the ledger. Immutable.</summary>
public sealed class ActorRow
{
    public int ActorId { get; init; }

    /// <summary>Null for the bootstrap key and for the service's own work.</summary>
    public Guid? ApiKeyId { get; init; }
    public string Name { get; init; } = "";
}

/// <summary>A row of <c>audit_log</c>: a change that is not a posting. Immutable.</summary>
public sealed class AuditLogRow
{
    public long Id { get; init; }
    public DateTimeOffset At { get; init; }
    public int ActorId { get; init; }
    public string Action { get; init; } = "";
    public string Subject { get; init; } = "";
    public string? Detail { get; init; }
}

/// <summary>The only row of <c>api_key_changes</c>: counts the changes of the API keys' rights.</summary>
public sealed class ApiKeyChangesRow
{
    public bool Id { get; init; }
    public long Version { get; init; }
}
