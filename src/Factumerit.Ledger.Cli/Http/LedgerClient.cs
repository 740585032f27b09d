using System.Globalization;
using System.Net.Http.Headers;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Factumerit.Ledger.Cli.Http;

/// <summary>
/// Sends requests to the service. Refusals and lost connections become <see cref="FaException"/>s that tell whether the
/// request may have been carried out.
/// </summary>
internal sealed class LedgerClient : IDisposable
{
    // The service's largest page, for few round trips.
    private const int PageSize = 1000;

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    public LedgerClient(Settings settings, TimeProvider time)
    {
        _time = time;
        // A redirected POST would arrive as a GET, so report the redirect instead of following it.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = settings.Url };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", settings.ApiKey);
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("fa", Version));
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    /// <summary>True once the service has carried out a request that changes something.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>The version of the program, without the commit that the build adds.</summary>
    public static string Version =>
        typeof(LedgerClient).Assembly
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
        using var request = new HttpRequestMessage(method, path);
        if (idempotencyKey is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            HasChanged |= response.IsSuccessStatusCode && method != HttpMethod.Get;
            var isReplay = response.Headers.TryGetValues("Idempotency-Replayed", out var replayed)
                && replayed.Contains("true");
            return new LedgerAnswer(response.StatusCode, text, isReplay, RetryAfterOf(response), _http.BaseAddress!);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError
            is HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError)
        {
            throw new FaException(
                $"Can't reach the ledger at {_http.BaseAddress}: {failure.Message}. "
                + "Start it, or give its address with --url or FACTUMERIT_URL.")
            {
                IsUnreachable = true,
            };
        }
        catch (HttpRequestException failure)
        {
            throw new FaException(
                $"The connection to {_http.BaseAddress} was lost before the answer came: {failure.Message}")
            {
                IsOutcomeUnknown = true,
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FaException($"{_http.BaseAddress} gave no answer in {_http.Timeout.TotalSeconds} seconds.")
            {
                IsOutcomeUnknown = true,
            };
        }
    }

    /// <summary>
    /// The items of all pages of a list, in the service's order, at most <paramref name="itemsMax"/> of them.
    /// </summary>
    public async IAsyncEnumerable<JsonElement> ItemsAsync(
        string path, Paging paging, int itemsMax, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cursor = "";
        for (var left = itemsMax; left > 0;)
        {
            var answer = await GetAsync(PathOf(path, paging, Math.Min(left, PageSize), cursor), cancellationToken);
            var page = answer.Read(LedgerJson.Default.JsonElement);
            foreach (var item in paging.ItemsOf(page))
            {
                if (left-- > 0)
                    yield return item;
            }

            var next = paging.NextOf(page);
            // A repeated cursor would loop for ever.
            if (next.Length == 0 || next == cursor)
                yield break;
            cursor = next;
        }
    }

    /// <summary>All pages of a list, for answers with more fields than their items.</summary>
    public async IAsyncEnumerable<JsonElement> PagesAsync(
        string path, Paging paging, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? cursor = "", next; cursor is not null; cursor = next)
        {
            var answer = await GetAsync(PathOf(path, paging, PageSize, cursor), cancellationToken);
            var page = answer.Read(LedgerJson.Default.JsonElement);
            yield return page;
            // A repeated cursor would loop for ever.
            next = paging.NextOf(page);
            if (next.Length == 0 || next == cursor)
                next = null;
        }
    }

    public void Dispose() => _http.Dispose();

    private static string PathOf(string path, Paging paging, int limit, string cursor)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        var query = $"{path}{separator}limit={limit.ToString(CultureInfo.InvariantCulture)}";
        return cursor.Length == 0 ? query : $"{query}&{paging.Parameter}={Uri.EscapeDataString(cursor)}";
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        { Date: not null } => TimeSpan.Zero,
        _ => null,
    };
}
