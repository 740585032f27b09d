namespace Factumerit.Ledger.Client;

/// <summary>API keys, and users' keys at LiteLLM. A secret is returned once, by the method that makes it.</summary>
public sealed partial class LedgerClient
{
    /// <summary>POST /api-keys.</summary>
    public Task<ApiKeyAnswer> CreateApiKeyAsync(
        ApiKeyRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<ApiKeyRequest, ApiKeyAnswer>("api-keys", request, null, cancellationToken);

    /// <summary>GET /api-keys: all keys, including revoked ones.</summary>
    public async Task<IReadOnlyList<ApiKeyAnswer>> ListApiKeysAsync(CancellationToken cancellationToken = default) =>
        (await GetAsync<ApiKeyList>("api-keys", cancellationToken)).ApiKeys;

    /// <summary>POST /api-keys/{id}/rotate: gives a key a new secret.</summary>
    public Task<ApiKeyAnswer> RotateApiKeyAsync(
        Guid id, RotationRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<RotationRequest, ApiKeyAnswer>($"api-keys/{id}/rotate", request, null, cancellationToken);

    /// <summary>DELETE /api-keys/{id}. Revoking twice changes nothing.</summary>
    public Task<ApiKeyAnswer> RevokeApiKeyAsync(Guid id, CancellationToken cancellationToken = default) =>
        DeleteAsync<ApiKeyAnswer>($"api-keys/{id}", cancellationToken);

    /// <summary>POST /virtual-keys: makes a user's key at LiteLLM.</summary>
    public Task<VirtualKeyAnswer> CreateVirtualKeyAsync(
        VirtualKeyRequest request, CancellationToken cancellationToken = default) =>
        PostAsync<VirtualKeyRequest, VirtualKeyAnswer>("virtual-keys", request, null, cancellationToken);

    /// <summary>GET /virtual-keys: keys in the order they were made.</summary>
    /// <param name="userId">Only keys of this user.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<VirtualKeyAnswer> ListVirtualKeysAsync(
        string? userId = null, CancellationToken cancellationToken = default) =>
        ListAsync<VirtualKeyAnswer>(
            LedgerList.VirtualKeys, Paths.Of("virtual-keys", ("user_id", userId)), cancellationToken);

    /// <summary>DELETE /virtual-keys/{id}. Revoking twice changes nothing.</summary>
    public Task<VirtualKeyAnswer> RevokeVirtualKeyAsync(Guid id, CancellationToken cancellationToken = default) =>
        DeleteAsync<VirtualKeyAnswer>($"virtual-keys/{id}", cancellationToken);
}
