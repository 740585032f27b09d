using System.Text.Json;

namespace Factumerit.Ledger.Contracts;

/// <summary>
/// The actor of a request. ApiKeyId: the API key; null for the bootstrap key and for the service's own work. Name: the
/// key's name, or bootstrap, or service.
/// </summary>
public sealed record ActorName(Guid? ApiKeyId, string Name);

/// <summary>An audited change that is not a posting.</summary>
/// <param name="Id">The id; of two changes with the same time, the later one has the greater id.</param>
/// <param name="At">When it was committed.</param>
/// <param name="By">The actor who requested it.</param>
/// <param name="Action">The action, such as api_key.made.</param>
/// <param name="Subject">The id of the changed object.</param>
/// <param name="Detail">Further details; null without any.</param>
public sealed record AuditEntry(
    long Id, DateTimeOffset At, ActorName By, string Action, string Subject, JsonElement? Detail);

/// <summary>
/// A page of changes, newest first. NextBefore: pass it as before= to get the next page; null at the end.
/// </summary>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Changes, long? NextBefore);
