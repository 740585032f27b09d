using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using Polly;
using Polly.Retry;

namespace Factumerit.Ledger.LiteLlm;

/// <summary>
/// Calls LiteLLM's management endpoints. Every failure is a <see cref="LiteLlmException"/> that says whether the
/// request may have been carried out. Idempotent requests are tried up to three times; making a key is tried once. Used
/// outside transactions only.
/// </summary>
public sealed class LiteLlmClient(IHttpClientFactory clients, IOptions<LiteLlmOptions> options)
{
    private const int RetriesMax = 2;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryPauseMax = TimeSpan.FromSeconds(2);

    private static readonly ResiliencePipeline Repeating = new ResiliencePipelineBuilder().AddRetry(
        new RetryStrategyOptions
        {
            MaxRetryAttempts = RetriesMax,
            Delay = RetryPause,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            // After a Retry-After above the limit the retry is left to the owner of the request, such as the outbox.
            ShouldHandle = new PredicateBuilder().Handle<LiteLlmException>(
                e => e.Failure != LiteLlmFailure.Refused && !(e.RetryAfter > RetryPauseMax)),
            DelayGenerator = tried =>
                ValueTask.FromResult((tried.Outcome.Exception as LiteLlmException)?.RetryAfter),
        }).Build();

    private readonly LiteLlmOptions _options = options.Value;

    public bool IsConfigured => _options.IsConfigured;

    /// <summary>
    /// Makes a virtual key. If the outcome is unknown, <see cref="DeleteByAliasAsync"/> removes a key that may have
    /// been made.
    /// </summary>
    public async Task<MadeLiteLlmKey> MakeKeyAsync(NewLiteLlmKey key, CancellationToken cancellationToken)
    {
        var made = await AskAsync(
            Post("/key/generate", key, LiteLlmJson.Default.NewLiteLlmKey),
            ReadJson(LiteLlmJson.Default.MadeKeyAnswer),
            cancellationToken);
        if (string.IsNullOrEmpty(made.Key))
            throw LiteLlmErrors.NotUnderstood();
        return new MadeLiteLlmKey(
            made.Key,
            made.Token ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(made.Key))),
            made.KeyName ?? $"sk-...{made.Key[^Math.Min(4, made.Key.Length)..]}");
    }

    /// <summary>Deletes a virtual key. A missing key counts as deleted.</summary>
    public Task DeleteAsync(string keyHash, CancellationToken cancellationToken) =>
        DeleteAsync(new DeleteKeysRequest([keyHash], null), cancellationToken);

    /// <summary>Deletes a virtual key by its alias, for a key whose hash was never received.</summary>
    public Task DeleteByAliasAsync(string keyAlias, CancellationToken cancellationToken) =>
        DeleteAsync(new DeleteKeysRequest(null, [keyAlias]), cancellationToken);

    public Task BlockAsync(string keyHash, CancellationToken cancellationToken) => RepeatAsync(
        Post("/key/block", new KeyRequest(keyHash), LiteLlmJson.Default.KeyRequest), ReadNothing, cancellationToken);

    public Task UnblockAsync(string keyHash, CancellationToken cancellationToken) => RepeatAsync(
        Post("/key/unblock", new KeyRequest(keyHash), LiteLlmJson.Default.KeyRequest), ReadNothing, cancellationToken);

    /// <summary>Returns LiteLLM's data of a key; null if LiteLLM doesn't know the key.</summary>
    public async Task<LiteLlmKey?> FindKeyAsync(string keyHash, CancellationToken cancellationToken)
    {
        // Without a key LiteLLM would return the data of the master key.
        ArgumentException.ThrowIfNullOrEmpty(keyHash);
        try
        {
            var answer = await RepeatAsync(
                Get($"/key/info?key={Uri.EscapeDataString(keyHash)}"),
                ReadJson(LiteLlmJson.Default.KeyInfoAnswer),
                cancellationToken);
            return answer.Info ?? throw LiteLlmErrors.NotUnderstood();
        }
        catch (LiteLlmException exception) when (exception.IsKeyUnknown)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads a list of spend logs: a page (an object with an array in it) or an array. Any other answer is a failure.
    /// </summary>
    internal Task<SpendLogPage> ReadPageAsync(string path, bool isWrapped, CancellationToken cancellationToken) =>
        RepeatAsync(Get(path), async (content, attemptEnd) =>
        {
            var body = PipeReader.Create(await content.ReadAsStreamAsync(attemptEnd));
            return await IntakeReader.ReadPageAsync(body, attemptEnd) is { } page && page.IsWrapped == isWrapped
                ? page
                : throw LiteLlmErrors.NoList(isWrapped);
        }, cancellationToken);

    private async Task DeleteAsync(DeleteKeysRequest keys, CancellationToken cancellationToken)
    {
        try
        {
            await RepeatAsync(
                Post("/key/delete", keys, LiteLlmJson.Default.DeleteKeysRequest), ReadNothing, cancellationToken);
        }
        catch (LiteLlmException exception) when (exception.IsKeyUnknown)
        {
            // The key is already gone, so the deletion has succeeded.
        }
    }

    private async Task<T> RepeatAsync<T>(
        Func<HttpRequestMessage> request, Func<HttpContent, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken) =>
        await Repeating.ExecuteAsync(async stop => await AskAsync(request, read, stop), cancellationToken);

    private async Task<T> AskAsync<T>(
        Func<HttpRequestMessage> newRequest, Func<HttpContent, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken)
    {
        using var attemptEnd = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        attemptEnd.CancelAfter(_options.TimeoutMs);
        try
        {
            using var request = newRequest();
            using var client = clients.CreateClient(nameof(LiteLlmClient));
            using var response = await client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, attemptEnd.Token);
            return response.IsSuccessStatusCode
                ? await read(response.Content, attemptEnd.Token)
                : throw await LiteLlmErrors.OfAsync(response, _options.MasterKey!, attemptEnd.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw LiteLlmErrors.TimedOut(_options.TimeoutMs);
        }
        catch (HttpRequestException exception)
        {
            throw LiteLlmErrors.Of(exception);
        }
        catch (IOException exception)
        {
            throw LiteLlmErrors.CutOff(exception);
        }
        catch (JsonException exception)
        {
            throw LiteLlmErrors.NotUnderstood(exception);
        }
    }

    private Func<HttpRequestMessage> Get(string path) => () => NewRequest(HttpMethod.Get, path);

    private Func<HttpRequestMessage> Post<T>(string path, T body, JsonTypeInfo<T> type) => () =>
    {
        var request = NewRequest(HttpMethod.Post, path);
        request.Content = new StringContent(JsonSerializer.Serialize(body, type), Encoding.UTF8, "application/json");
        return request;
    };

    private HttpRequestMessage NewRequest(HttpMethod method, string path)
    {
        if (!IsConfigured)
            throw new InvalidOperationException("LiteLlm:BaseUrl and LiteLlm:MasterKey are not set.");
        var request = new HttpRequestMessage(method, _options.BaseUrl!.Trim().TrimEnd('/') + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _options.MasterKey);
        return request;
    }

    private static Func<HttpContent, CancellationToken, Task<T>> ReadJson<T>(JsonTypeInfo<T> type) =>
        async (content, cancellationToken) =>
            await JsonSerializer.DeserializeAsync(
                await content.ReadAsStreamAsync(cancellationToken), type, cancellationToken)
            ?? throw LiteLlmErrors.NotUnderstood();

    // Reads the answer to its end, so that a truncated answer doesn't count as success.
    private static async Task<bool> ReadNothing(HttpContent content, CancellationToken cancellationToken)
    {
        await content.CopyToAsync(Stream.Null, cancellationToken);
        return true;
    }
}
