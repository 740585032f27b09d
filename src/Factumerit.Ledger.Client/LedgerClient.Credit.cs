namespace Factumerit.Ledger.Client;

/// <summary>Credit that an admin moves. Each method takes an idempotency key, or makes one for the call (R9).</summary>
public sealed partial class LedgerClient
{
    /// <summary>POST /grants: gives a user credit.</summary>
    public Task<GrantReceipt> GrantAsync(
        GrantRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        PostAsync<GrantRequest, GrantReceipt>("grants", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /purchases: books credit bought from a provider.</summary>
    public Task<PurchaseReceipt> BookPurchaseAsync(
        PurchaseRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        PostAsync<PurchaseRequest, PurchaseReceipt>(
            "purchases", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /write-downs: books provider credit that was consumed.</summary>
    public Task<WriteDownReceipt> BookWriteDownAsync(
        WriteDownRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        PostAsync<WriteDownRequest, WriteDownReceipt>(
            "write-downs", request, idempotencyKey ?? NewKey(), cancellationToken);
}
