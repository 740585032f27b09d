using System.Net.Http.Headers;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// Sends each request once, and returns answers as they were received. Refusals and lost connections become
/// <see cref="FaException"/>s that tell whether the request may have been carried out.
/// </summary>
internal sealed class FaClient(Settings settings, TimeProvider time) : IDisposable
{
    private readonly LedgerConnection _connection =
        new(settings.Url, settings.ApiKey, new ProductInfoHeaderValue("fa", Version), time);

    /// <summary>True once the service has carried out a request that changes something.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>The version of the program, without the commit that the build adds.</summary>
    public static string Version =>
        typeof(FaClient).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Sends a request and returns the answer if it is a success. Throws a refusal.</summary>
    public async Task<LedgerAnswer> SendAsync(
        HttpMethod method, string path, byte[]? body, string? idempotencyKey, CancellationToken cancellationToken)
    {
        var answer = await TrySendAsync(method, path, body, idempotencyKey, cancellationToken);
        return answer.IsSuccess ? answer : throw answer.ToFailure();
    }

    public Task<LedgerAnswer> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, null, null, cancellationToken);

    /// <summary>Sends a request and returns any answer. Throws if none arrived.</summary>
    public async Task<LedgerAnswer> TrySendAsync(
        HttpMethod method, string path, byte[]? body, string? idempotencyKey, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await _connection.SendAsync(
                new LedgerRequest(method, path, body, idempotencyKey), cancellationToken);
            HasChanged |= answer.IsSuccess && method != HttpMethod.Get;
            return answer;
        }
        catch (LedgerException failure)
        {
            throw failure.ToFailure();
        }
    }

    /// <summary>
    /// The items of all pages of a list, in the service's order, at most <paramref name="itemsMax"/> of them.
    /// </summary>
    public async IAsyncEnumerable<JsonElement> ItemsAsync(
        string path, LedgerList list, int itemsMax, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = itemsMax;
        await foreach (var page in PagesAsync(path, list, itemsMax, cancellationToken))
            foreach (var item in page.Items)
                if (left-- > 0)
                    yield return item;
    }

    /// <summary>All pages of a list, for answers with more fields than their items.</summary>
    public async IAsyncEnumerable<LedgerPage> PagesAsync(
        string path, LedgerList list, int itemsMax, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var pages = list.PagesAsync(path, GetAsync, itemsMax, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (await MoveAsync())
            yield return pages.Current;

        async Task<bool> MoveAsync()
        {
            try
            {
                return await pages.MoveNextAsync();
            }
            catch (LedgerException failure)
            {
                throw failure.ToFailure();
            }
        }
    }

    public void Dispose() => _connection.Dispose();
}
