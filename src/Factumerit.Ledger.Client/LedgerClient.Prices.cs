namespace Factumerit.Ledger.Client;

/// <summary>The price book.</summary>
public sealed partial class LedgerClient
{
    /// <summary>GET /prices: the prices in force, by model.</summary>
    /// <param name="prefix">Only models whose name begins with it.</param>
    /// <param name="provider">Only models of this provider.</param>
    /// <param name="at">The time; null for now.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<ModelPrice> ListPricesAsync(
        string? prefix = null, string? provider = null, DateTimeOffset? at = null,
        CancellationToken cancellationToken = default) =>
        ListAsync<ModelPrice>(
            LedgerList.Prices,
            Paths.Of("prices", ("prefix", prefix), ("provider", provider), ("at", at)),
            cancellationToken);

    /// <summary>GET /prices/{model}: all prices that a model ever had, newest first.</summary>
    public Task<PriceHistory> GetModelPricesAsync(string model, CancellationToken cancellationToken = default) =>
        // A slash in the name stays a separator of path segments.
        GetAsync<PriceHistory>(
            $"prices/{string.Join('/', model.Split('/').Select(Uri.EscapeDataString))}", cancellationToken);

    /// <summary>POST /prices/import. The same map again changes nothing.</summary>
    /// <param name="map">LiteLLM's price map, as JSON.</param>
    /// <param name="validFrom">When the prices begin; null for now.</param>
    /// <param name="isDryRun">Only returns what would change.</param>
    /// <param name="allowGone">Allows that more than a tenth of the models lose their price.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<PriceImport> ImportPricesAsync(
        ReadOnlyMemory<byte> map, DateTimeOffset? validFrom = null, bool isDryRun = false, bool allowGone = false,
        CancellationToken cancellationToken = default)
    {
        var path = Paths.Of(
            "prices/import", ("valid_from", validFrom), ("dry_run", isDryRun ? true : null),
            ("allow_gone", allowGone ? true : null));
        return (await SendAsync(new LedgerRequest(HttpMethod.Post, path, map), cancellationToken)).Read<PriceImport>();
    }

    /// <summary>
    /// DELETE /prices/versions/{version}: cancels a version that has not begun. Cancelling it again changes nothing.
    /// </summary>
    public Task<PriceCancellation> CancelPriceVersionAsync(
        long version, CancellationToken cancellationToken = default) =>
        DeleteAsync<PriceCancellation>($"prices/versions/{version}", cancellationToken);
}
