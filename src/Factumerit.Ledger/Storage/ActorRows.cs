using System.Text.Json;
using System.Text.Json.Serialization;

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
    private static readonly JsonSerializerOptions WithoutNulls = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public long Id { get; init; }
    public DateTimeOffset At { get; init; }
    public int ActorId { get; init; }
    public string Action { get; init; } = "";
    public string Subject { get; init; } = "";
    public string? Detail { get; init; }

    /// <param name="at">The time of the commit.</param>
    /// <param name="by">The actor who made the request.</param>
    /// <param name="action">One of <see cref="AuditActions"/>.</param>
    /// <param name="subject">The id of the changed object.</param>
    /// <param name="detail">Further details; properties are named as in the API.</param>
    public static AuditLogRow Of(
        DateTimeOffset at, Actor by, string action, string subject, object? detail = null) => new()
        {
            At = at,
            ActorId = by.Id,
            Action = action,
            Subject = subject,
            Detail = detail is null ? null : JsonSerializer.Serialize(detail, WithoutNulls),
        };
}

/// <summary>The only row of <c>api_key_changes</c>: counts the changes of the API keys' rights.</summary>
public sealed class ApiKeyChangesRow
{
    public bool Id { get; init; }
    public long Version { get; init; }
}
