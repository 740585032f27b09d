namespace Factumerit.Ledger.Client;

/// <summary>LLM calls, and the review of those without a price.</summary>
public sealed partial class LedgerClient
{
    /// <summary>
    /// POST /usage: records a call. Its request id is its idempotency key; without one the client makes one.
    /// </summary>
    public async Task<RecordedUsage> RecordUsageAsync(
        UsageRequest request, CancellationToken cancellationToken = default)
    {
        request = WithId(request);
        var message = new LedgerRequest(HttpMethod.Post, "usage", ToJson(request)) { RequestId = request.RequestId };
        return (await SendAsync(message, cancellationToken)).Read<RecordedUsage>();
    }

    /// <summary>
    /// POST /usage/batch: records 1 to 1000 calls, each for itself. Returns one result per call, in their order: the
    /// usage, or the problem.
    /// </summary>
    public async Task<IReadOnlyList<BatchResult>> RecordUsagesAsync(
        IEnumerable<UsageRequest> requests, CancellationToken cancellationToken = default)
    {
        UsageRequest[] usages = [.. requests.Select(WithId)];
        var message = new LedgerRequest(HttpMethod.Post, "usage/batch", ToJson(usages)) { NeedsNoKey = true };
        return (await SendAsync(message, cancellationToken)).Read<BatchAnswer>().Results;
    }

    /// <summary>GET /usage/{usage_id}.</summary>
    public Task<UsageDetail> GetUsageAsync(Guid usageId, CancellationToken cancellationToken = default) =>
        GetAsync<UsageDetail>($"usage/{usageId}", cancellationToken);

    /// <summary>GET /usage: usages, newest first.</summary>
    /// <param name="billingStatus">billed, needs_review or waived; null for all.</param>
    /// <param name="userId">Only usages of this user.</param>
    /// <param name="model">Only usages of this model.</param>
    /// <param name="from">Only calls at this time or later.</param>
    /// <param name="to">Only calls before this time.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<UsageDetail> ListUsageAsync(
        string? billingStatus = null, string? userId = null, string? model = null, DateTimeOffset? from = null,
        DateTimeOffset? to = null, CancellationToken cancellationToken = default) =>
        ListAsync<UsageDetail>(
            LedgerList.Usages,
            Paths.Of(
                "usage", ("billing_status", billingStatus), ("user_id", userId), ("model", model), ("from", from),
                ("to", to)),
            cancellationToken);

    /// <summary>POST /usage/{usage_id}/bill: charges a usage that waits for review.</summary>
    public Task<UsageDetail> BillUsageAsync(
        Guid usageId, BillRequest request, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        PostAsync<BillRequest, UsageDetail>(
            $"usage/{usageId}/bill", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /usage/{usage_id}/waive: ends the review of a usage; nobody pays for it.</summary>
    public Task<UsageDetail> WaiveUsageAsync(
        Guid usageId, WaiveRequest request, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        PostAsync<WaiveRequest, UsageDetail>(
            $"usage/{usageId}/waive", request, idempotencyKey ?? NewKey(), cancellationToken);

    /// <summary>POST /usage/reprice: bills all waiting usages that can be priced by now.</summary>
    public Task<Repricing> RepriceUsageAsync(RepriceRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<RepriceRequest, Repricing>("usage/reprice", request, null, cancellationToken);

    private static UsageRequest WithId(UsageRequest request) =>
        request.RequestId is null ? request with { RequestId = NewKey() } : request;
}
