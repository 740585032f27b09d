namespace Factumerit.Ledger.Client;

/// <summary>Holds: credit set aside before calls.</summary>
public sealed partial class LedgerClient
{
    /// <summary>
    /// POST /holds: sets credit aside. The usage that names the hold settles it: see
    /// <see cref="UsageRequest.HoldId"/>.
    /// </summary>
    public Task<HoldAnswer> PlaceHoldAsync(
        HoldRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        PostAsync<HoldRequest, HoldAnswer>("holds", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /holds/{id}/increase: adds credit or time.</summary>
    public Task<HoldAnswer> IncreaseHoldAsync(
        Guid holdId, HoldIncreaseRequest request, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        PostAsync<HoldIncreaseRequest, HoldAnswer>(
            $"holds/{holdId}/increase", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /holds/{id}/release: gives the credit back. Releasing twice changes nothing.</summary>
    public async Task<HoldAnswer> ReleaseHoldAsync(
        Guid holdId, string? reason = null, CancellationToken cancellationToken = default)
    {
        var body = ToJson(new HoldReleaseRequest { Reason = reason });
        var message = new LedgerRequest(HttpMethod.Post, $"holds/{holdId}/release", body) { NeedsNoKey = true };
        return (await SendAsync(message, cancellationToken)).Read<HoldAnswer>();
    }

    /// <summary>GET /holds/{id}.</summary>
    public Task<HoldAnswer> GetHoldAsync(Guid holdId, CancellationToken cancellationToken = default) =>
        GetAsync<HoldAnswer>($"holds/{holdId}", cancellationToken);

    /// <summary>GET /holds: holds in the order in which they were placed.</summary>
    /// <param name="userId">Only holds of this user.</param>
    /// <param name="state">open, settled, released or expired; null for all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<HoldAnswer> ListHoldsAsync(
        string? userId = null, string? state = null, CancellationToken cancellationToken = default) =>
        ListAsync<HoldAnswer>(
            LedgerList.Holds, Paths.Of("holds", ("user_id", userId), ("state", state)), cancellationToken);
}
