namespace Factumerit.Ledger.Client;

/// <summary>What the books say, and whether they balance.</summary>
public sealed partial class LedgerClient
{
    /// <summary>GET /ledger/balances: accounts by name.</summary>
    /// <param name="type">user, asset, expense or equity; null for all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<AccountBalance> ListBalancesAsync(
        string? type = null, CancellationToken cancellationToken = default) =>
        ListAsync<AccountBalance>(LedgerList.Accounts, Paths.Of("ledger/balances", ("type", type)), cancellationToken);

    /// <summary>GET /ledger/transactions/{id}: a transaction with its entries.</summary>
    public Task<TransactionDetail> GetTransactionAsync(
        Guid transactionId, CancellationToken cancellationToken = default) =>
        GetAsync<TransactionDetail>($"ledger/transactions/{transactionId}", cancellationToken);

    /// <summary>GET /ledger/integrity.</summary>
    /// <param name="full">Checks all entries from the first one, not only those since the last check.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<IntegrityReport> CheckIntegrityAsync(
        bool full = false, CancellationToken cancellationToken = default) =>
        GetAsync<IntegrityReport>(
            Paths.Of("ledger/integrity", ("full", full ? true : null)), cancellationToken);

    /// <summary>GET /ledger/summary.</summary>
    public Task<LedgerSummary> GetSummaryAsync(CancellationToken cancellationToken = default) =>
        GetAsync<LedgerSummary>("ledger/summary", cancellationToken);

    /// <summary>GET /ledger/headroom.</summary>
    public Task<Headroom> GetHeadroomAsync(CancellationToken cancellationToken = default) =>
        GetAsync<Headroom>("ledger/headroom", cancellationToken);

    /// <summary>GET /ledger/faults: what background checks found, newest first.</summary>
    /// <param name="state">standing or resolved; null for both.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<KeptFault> ListFaultsAsync(
        string? state = null, CancellationToken cancellationToken = default) =>
        ListAsync<KeptFault>(LedgerList.Faults, Paths.Of("ledger/faults", ("state", state)), cancellationToken);

    /// <summary>POST /ledger/faults/{id}/resolve. Resolving it again changes nothing.</summary>
    public Task<KeptFault> ResolveFaultAsync(
        long faultId, ResolveRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<ResolveRequest, KeptFault>($"ledger/faults/{faultId}/resolve", request, null, cancellationToken);

    /// <summary>GET /reports/margin: a page of cost, price and margin of calls.</summary>
    /// <param name="groupBy">user, model, provider or day; null for model.</param>
    /// <param name="from">Only calls at this time or later.</param>
    /// <param name="to">Only calls before this time.</param>
    /// <param name="after">The next_after of the page before.</param>
    /// <param name="limit">How many groups a page has, at most 1000.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<MarginReport> GetMarginReportAsync(
        string? groupBy = null, DateTimeOffset? from = null, DateTimeOffset? to = null, string? after = null,
        int limit = LedgerList.PageSize, CancellationToken cancellationToken = default) =>
        GetAsync<MarginReport>(
            Paths.Of(
                "reports/margin", ("from", from), ("to", to), ("group_by", groupBy), ("limit", limit),
                ("after", after)),
            cancellationToken);

    /// <summary>GET /audit-log: changes that are no postings, newest first.</summary>
    /// <param name="action">Only changes of this kind, such as api_key.revoked.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<AuditEntry> ListAuditLogAsync(
        string? action = null, CancellationToken cancellationToken = default) =>
        ListAsync<AuditEntry>(LedgerList.Changes, Paths.Of("audit-log", ("action", action)), cancellationToken);
}
