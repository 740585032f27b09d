using System.Collections.Concurrent;
using System.Net.Http.Json;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// Posts usages in parallel and records which were acknowledged, for the <see cref="LoadAuditor"/>. Every request must
/// get an answer or lose its connection within a bounded time: a request that hangs fails the test.
/// </summary>
internal sealed class LoadSender(string adminKey) : IDisposable
{
    // Far more than a service needs that is alive, and that gives up in time when its database is not.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);
    private readonly HttpClient _client =
        new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { Timeout = AnswerWithin };
    private readonly ConcurrentBag<SentUsage> _sent = [];

    /// <summary>Every attempt so far.</summary>
    public IReadOnlyCollection<SentUsage> Sent => _sent;

    public void Dispose() => _client.Dispose();

    public static IReadOnlyList<UsageToSend> Usages(string userId, int count, decimal cents = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => new UsageToSend(userId, $"call-{Guid.NewGuid():N}", cents))];

    /// <summary>Posts them, so many at a time.</summary>
    public Task SendAsync(Uri url, IEnumerable<UsageToSend> usages, int parallel = 32) =>
        Parallel.ForEachAsync(usages, new ParallelOptions { MaxDegreeOfParallelism = parallel }, async (usage, _) =>
            await SendAsync(url, usage));

    /// <summary>Posts new usages of a user until told to stop, or until the service is gone.</summary>
    public Task SendUntilAsync(Uri url, string userId, CancellationToken enough, int parallel = 8) => Task.WhenAll(
        Enumerable.Range(0, parallel).Select(async _ =>
        {
            while (!enough.IsCancellationRequested && (await SendAsync(url, Usages(userId, 1)[0])).Reply is not null)
            {
            }
        }));

    /// <summary>Posts one; no status means that the connection ended without an answer.</summary>
    public async Task<SentUsage> SendAsync(Uri url, UsageToSend usage)
    {
        var sent = new SentUsage(usage, null);
        try
        {
            sent = sent with
            {
                Reply = await PostAsync(
                    url, "/usage",
                    new { user_id = usage.UserId, amount_cents = usage.Cents, request_id = usage.RequestId })
            };
        }
        catch (HttpRequestException)
        {
            // The service is gone, or went before it answered.
        }
        _sent.Add(sent);
        return sent;
    }

    public Task<Reply> PostAsync(Uri url, string path, object body, string? idempotencyKey = null) =>
        SendAsync(
            new HttpRequestMessage(HttpMethod.Post, new Uri(url, path)) { Content = JsonContent.Create(body) },
            idempotencyKey);

    public Task<Reply> GetAsync(Uri url, string path) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(url, path)), null);

    private async Task<Reply> SendAsync(HttpRequestMessage request, string? idempotencyKey)
    {
        using (request)
        {
            request.Headers.Authorization = new("Bearer", adminKey);
            if (idempotencyKey is not null)
                request.Headers.Add("Idempotency-Key", idempotencyKey);
            using var response = await _client.SendAsync(request);
            return await Reply.OfAsync(response);
        }
    }
}

/// <summary>One usage to post; posted again with the same id it is the same.</summary>
internal sealed record UsageToSend(string UserId, string RequestId, decimal Cents);

/// <summary>One attempt to post it, and the answer if there was one.</summary>
internal sealed record SentUsage(UsageToSend Usage, Reply? Reply)
{
    public bool IsAcknowledged => Reply is { Status: 200 or 201 };
}
