namespace Factumerit.Ledger;

/// <summary>
/// The identity behind a change: an API key, the bootstrap key, or the service itself. A row of <c>actors</c>; rows
/// never change.
/// </summary>
/// <param name="Id">Stored with every row that the actor caused.</param>
/// <param name="Name">The name of the key.</param>
/// <param name="ApiKeyId">The id of the API key; null for the bootstrap key and the service, which have no key in the
/// database.</param>
public sealed record Actor(int Id, string Name, Guid? ApiKeyId = null)
{
    /// <summary>The service's own background work.</summary>
    public static readonly Actor Service = new(1, "service");

    /// <summary>The admin key from the configuration.</summary>
    public static readonly Actor Bootstrap = new(2, "bootstrap");
}

/// <summary>All actions of the audit log.</summary>
public static class AuditActions
{
    public const string ApiKeyMade = "api_key.made";
    public const string ApiKeyRevoked = "api_key.revoked";
    public const string ApiKeyRotated = "api_key.rotated";
    public const string FaultResolved = "fault.resolved";
    public const string PricesCancelled = "prices.cancelled";
    public const string PricesImported = "prices.imported";
    public const string UsageBilled = "usage.billed";
    public const string UsageCompleted = "usage.completed";
    public const string UsageWaived = "usage.waived";
    public const string UserDeleted = "user.deleted";
    public const string UserSignedUp = "user.signed_up";
    public const string VirtualKeyFailed = "virtual_key.failed";
    public const string VirtualKeyMade = "virtual_key.made";
    public const string VirtualKeyRevoked = "virtual_key.revoked";

    public static readonly IReadOnlyList<string> All =
    [
        ApiKeyMade, ApiKeyRevoked, ApiKeyRotated, FaultResolved, PricesCancelled, PricesImported,
        UsageBilled, UsageCompleted, UsageWaived, UserDeleted, UserSignedUp,
        VirtualKeyFailed, VirtualKeyMade, VirtualKeyRevoked,
    ];
}
