namespace Factumerit.Ledger.Storage;

/// <summary>A row of <c>actors</c>: whose requests change the ledger. It is never changed.</summary>
public sealed class ActorRow
{
    public int ActorId { get; init; }

    /// <summary>Null for the bootstrap key and for the service's own work.</summary>
    public Guid? ApiKeyId { get; init; }
    public string Name { get; init; } = "";
}

/// <summary>A row of <c>audit_log</c>: a change that is no posting. It is never changed.</summary>
public sealed class AuditLogRow
{
    public long Id { get; init; }
    public DateTimeOffset At { get; init; }
    public int ActorId { get; init; }
    public string Action { get; init; } = "";
    public string Subject { get; init; } = "";
    public string? Detail { get; init; }
}

/// <summary>The one row of <c>api_key_changes</c>: counts the changes of what API keys may do.</summary>
public sealed class ApiKeyChangesRow
{
    public bool Id { get; init; }
    public long Version { get; init; }
}
