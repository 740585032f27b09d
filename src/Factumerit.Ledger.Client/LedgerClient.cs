using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Factumerit.Ledger.Client;

/// <summary>
/// The ledger's HTTP API with one method for each route. Requests that are safe to send again are retried; see
/// <see cref="LedgerClientOptions"/>. A method whose request did not succeed throws a <see cref="LedgerException"/>.
/// </summary>
public sealed partial class LedgerClient : IDisposable
{
    private readonly LedgerConnection _connection;
    private readonly Retries _retries;

    /// <param name="address">The service's address.</param>
    /// <param name="apiKey">The API key.</param>
    /// <param name="options">How to retry.</param>
    public LedgerClient(Uri address, string apiKey, LedgerClientOptions? options = null)
        : this(new LedgerConnection(address, apiKey, time: options?.Time), options)
    {
    }

    /// <param name="http">
    /// A client with the service's address, which ends in a slash, and the Authorization header. It is not disposed.
    /// </param>
    /// <param name="options">How to retry.</param>
    public LedgerClient(HttpClient http, LedgerClientOptions? options = null)
        : this(new LedgerConnection(http, options?.Time), options)
    {
    }

    /// <param name="connection">The connection, which the client disposes.</param>
    /// <param name="options">How to retry.</param>
    public LedgerClient(LedgerConnection connection, LedgerClientOptions? options = null)
    {
        _connection = connection;
        _retries = new Retries(connection, options ?? new LedgerClientOptions());
    }

    /// <summary>A new, unique idempotency key.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");

    public void Dispose() => _connection.Dispose();

    private static byte[] ToJson<T>(T request) =>
        JsonSerializer.SerializeToUtf8Bytes(request, LedgerJson.LenientOf<T>());

    private async Task<LedgerAnswer> SendAsync(LedgerRequest request, CancellationToken cancellationToken)
    {
        var answer = await _retries.SendAsync(request, cancellationToken);
        return answer.IsSuccess ? answer : throw answer.ToException(request.Key);
    }

    private Task<LedgerAnswer> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(LedgerRequest.Get(path), cancellationToken);

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        (await GetAsync(path, cancellationToken)).Read<T>();

    private async Task<TAnswer> PostAsync<TRequest, TAnswer>(
        string path, TRequest request, string? key, CancellationToken cancellationToken)
    {
        var message = new LedgerRequest(HttpMethod.Post, path, ToJson(request), key);
        return (await SendAsync(message, cancellationToken)).Read<TAnswer>();
    }

    private async Task<T> DeleteAsync<T>(string path, CancellationToken cancellationToken) =>
        (await SendAsync(new LedgerRequest(HttpMethod.Delete, path), cancellationToken)).Read<T>();

    private async IAsyncEnumerable<T> ListAsync<T>(
        LedgerList list, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var page in list.PagesAsync(path, GetAsync, cancellationToken: cancellationToken))
            foreach (var item in page.Items)
                yield return LedgerAnswer.Read<T>(item, page.Answer);
    }
}
