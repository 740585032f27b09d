using System.Net.Http.Headers;

namespace Factumerit.Ledger.Client;

/// <summary>
/// The lower level of the client: sends a request once and returns the answer as it was received, whatever its status.
/// </summary>
public sealed class LedgerConnection : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly bool _isOwner;

    /// <param name="address">The service's address.</param>
    /// <param name="apiKey">The API key.</param>
    /// <param name="program">The name and version of the program, for the service's log; null for the client's.</param>
    /// <param name="time">The clock for dates in Retry-After.</param>
    public LedgerConnection(
        Uri address, string apiKey, ProductInfoHeaderValue? program = null, TimeProvider? time = null)
    {
        // A redirected POST would arrive as a GET, so redirects are returned instead of followed.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            // The slash at the end keeps the address's own path when requests are resolved against it.
            BaseAddress = new Uri(address.AbsoluteUri.TrimEnd('/') + "/"),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        _http.DefaultRequestHeaders.UserAgent.Add(program ?? new ProductInfoHeaderValue("factumerit-client", Version));
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        (_time, _isOwner) = (time ?? TimeProvider.System, true);
    }

    /// <param name="http">
    /// A client with the service's address, which ends in a slash, and the Authorization header. It is not disposed.
    /// </param>
    /// <param name="time">The clock for dates in Retry-After.</param>
    public LedgerConnection(HttpClient http, TimeProvider? time = null) =>
        (_http, _time) = (http, time ?? TimeProvider.System);

    /// <summary>The service's address.</summary>
    public Uri Address => _http.BaseAddress ?? throw new InvalidOperationException("The client has no BaseAddress.");

    private static string Version => typeof(LedgerConnection).Assembly.GetName().Version!.ToString(3);

    /// <summary>Sends a request and returns any answer.</summary>
    /// <exception cref="LedgerUnreachableException">There was no connection, so nothing was sent.</exception>
    /// <exception cref="LedgerOutcomeUnknownException">No answer came.</exception>
    public async Task<LedgerAnswer> SendAsync(LedgerRequest request, CancellationToken cancellationToken = default)
    {
        using var message = MessageOf(request);
        try
        {
            using var response = await _http.SendAsync(message, cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            var isReplay = response.Headers.TryGetValues("Idempotency-Replayed", out var replayed)
                && replayed.Contains("true");
            return new LedgerAnswer(response.StatusCode, body, isReplay, RetryAfterOf(response), Address);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError
            is HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError)
        {
            throw new LedgerUnreachableException($"Can't reach the ledger at {Address}: {failure.Message}.", failure);
        }
        catch (HttpRequestException failure)
        {
            throw new LedgerOutcomeUnknownException(
                $"The connection to {Address} was lost before the answer came: {failure.Message}",
                request.Key, failure);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LedgerOutcomeUnknownException(
                $"{Address} gave no answer in {_http.Timeout.TotalSeconds} seconds.", request.Key, late);
        }
    }

    public void Dispose()
    {
        if (_isOwner)
            _http.Dispose();
    }

    private static HttpRequestMessage MessageOf(LedgerRequest request)
    {
        var message = new HttpRequestMessage(request.Method, request.Path);
        if (request.IdempotencyKey is { } key)
            message.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        return message;
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        { Date: not null } => TimeSpan.Zero,
        _ => null,
    };
}
