using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.FakeLiteLlm;

/// <summary>
/// LiteLLM's management endpoints as its documentation and source have them, on a loopback port, with faults on
/// demand. Calls are made by telling it so: each becomes a spend log and, where a callback is set, a message of
/// generic_api.
/// </summary>
public sealed class FakeProxy : IAsyncDisposable
{
    public const string MasterKey = "sk-fake-master-key-1234";

    private readonly ConcurrentDictionary<string, int> _requests = new();
    private readonly List<FakeFault> _faults = [];
    private readonly HttpClient _callbacks = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly WebApplication _app;

    private FakeProxy(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    /// <summary>All keys by hash. Lock it to read it.</summary>
    public Dictionary<string, FakeKey> Keys { get; } = [];

    /// <summary>All calls with the key of each, in order. Lock it to read it.</summary>
    public List<(FakeCall Call, FakeKey? Key)> Calls { get; } = [];

    /// <summary>Whether /spend/logs/v2 is there, as it is not on older versions.</summary>
    public bool HasPagedLogs { get; set; } = true;

    /// <summary>What stands in the place of spend logs, by the number of the page; 0 on older versions.</summary>
    public Func<int, string>? LogsAnswer { get; set; }

    /// <summary>Where callbacks go to, and the key that they carry; none by default.</summary>
    public (Uri Url, string ApiKey)? Callback { get; set; }

    /// <summary>How many items a callback holds.</summary>
    public int BatchSize { get; set; } = 100;

    /// <summary>json_array, ndjson or single.</summary>
    public string LogFormat { get; set; } = "json_array";

    public static async Task<FakeProxy> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        var fake = new FakeProxy(app);
        app.Use(fake.GuardAsync);
        KeyEndpoints.Map(app, fake);
        SpendEndpoints.Map(app, fake);
        FakeEndpoints.Map(app, fake);
        await app.StartAsync();
        return fake;
    }

    public Task WaitAsync() => _app.WaitForShutdownAsync();

    /// <summary>How often a path was asked, whatever came of it.</summary>
    public int RequestsTo(string path) => _requests.GetValueOrDefault(path);

    public IReadOnlyDictionary<string, int> Requests => _requests;

    public void Script(FakeFault fault)
    {
        lock (_faults)
            _faults.Add(fault);
    }

    public void Script(string path, FakeTrouble trouble, int count = 1, int delayMs = 0, int retryAfterSeconds = 0) =>
        Script(new FakeFault(path, trouble, count, delayMs, retryAfterSeconds));

    /// <summary>The one key of that alias.</summary>
    public FakeKey? FindByAlias(string alias)
    {
        lock (Keys)
            return Keys.Values.FirstOrDefault(k => k.Alias == alias);
    }

    public FakeKey? Find(string? keyOrHash)
    {
        lock (Keys)
            return keyOrHash is null ? null : Keys.GetValueOrDefault(FakeKey.HashOf(keyOrHash));
    }

    /// <summary>
    /// Makes calls, and sends the callbacks; those with a key that is blocked or unknown are refused, and only counted.
    /// </summary>
    public async Task<int> MakeCallsAsync(IReadOnlyList<FakeCall> calls, CancellationToken cancellationToken = default)
    {
        var made = calls.Select(c => (Call: c, Key: Find(c.Key)))
            .Where(c => c.Call.Key is null || c.Key is { IsBlocked: false }).ToList();
        lock (Calls)
            Calls.AddRange(made);
        var batches = made.Select(c => c.Call.ToPayload(c.Key)).Chunk(LogFormat == "single" ? 1 : BatchSize).ToList();
        if (TakeFault("callback", FakeTrouble.SendBackwards) is not null)
            batches.Reverse();
        var times = TakeFault("callback", FakeTrouble.SendTwice) is null ? 1 : 2;
        foreach (var body in batches.Select(BodyOf))
            for (var time = 0; time < times; time++)
                await SendAsync(body, cancellationToken);
        return made.Count;
    }

    public async ValueTask DisposeAsync()
    {
        _callbacks.Dispose();
        await _app.DisposeAsync();
    }

    internal static IResult Refuse(int status, string message, string type, string? param = null) => Results.Json(
        new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["message"] = message,
                ["type"] = type,
                ["param"] = param,
                ["code"] = $"{status}",
            },
        },
        statusCode: status);

    internal FakeFault? TakeFault(string path, FakeTrouble? trouble = null)
    {
        lock (_faults)
        {
            var place = _faults.FindIndex(f => f.Path == path && (trouble is null || f.Trouble == trouble));
            if (place < 0)
                return null;
            var fault = _faults[place];
            if (fault.Count > 1)
                _faults[place] = fault with { Count = fault.Count - 1 };
            else
                _faults.RemoveAt(place);
            return fault;
        }
    }

    // As LiteLLM does: what a callback is answered is not looked at, and what is lost is lost.
    private async Task SendAsync(string body, CancellationToken cancellationToken)
    {
        if (Callback is not { } callback)
            return;
        using var request = new HttpRequestMessage(HttpMethod.Post, callback.Url)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", callback.ApiKey);
        try
        {
            using var answer = await _callbacks.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException)
        {
            // Logged and forgotten.
        }
    }

    private string BodyOf(JsonObject[] batch) => LogFormat switch
    {
        "json_array" => new JsonArray([.. batch]).ToJsonString(),
        "ndjson" => string.Join('\n', batch.Select(p => p.ToJsonString())),
        _ => batch[0].ToJsonString(),
    };

    /// <summary>Counts, asks for the master key, and does what was scripted.</summary>
    private async Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        var path = http.Request.Path.Value!;
        if (path.StartsWith("/fake/", StringComparison.Ordinal))
        {
            await next(http);
            return;
        }
        _requests.AddOrUpdate(path, 1, (_, count) => count + 1);
        var fault = TakeFault(path);
        if (fault is { Trouble: FakeTrouble.Slow })
            await (fault.Until ?? Task.Delay(fault.DelayMs, http.RequestAborted));
        switch (fault?.Trouble)
        {
            case FakeTrouble.Error:
                await Refuse(500, "Internal Server Error, the database is away", "internal_server_error")
                    .ExecuteAsync(http);
                return;
            case FakeTrouble.Busy:
                http.Response.Headers.RetryAfter = $"{fault.RetryAfterSeconds}";
                await Refuse(429, "Too many requests", "throttling_error").ExecuteAsync(http);
                return;
            case FakeTrouble.Cut:
                http.Abort();
                return;
        }
        if (http.Request.Headers.Authorization != $"Bearer {MasterKey}")
        {
            // LiteLLM quotes what it was sent, the end of it at least.
            await Refuse(
                401,
                "Authentication Error, Invalid proxy server token passed. "
                + $"Received API Key = {http.Request.Headers.Authorization}",
                "auth_error",
                "None").ExecuteAsync(http);
            return;
        }
        if (fault is { Trouble: FakeTrouble.LoseAnswer or FakeTrouble.CutAnswer })
            await LoseAsync(http, next, fault.Trouble);
        else
            await next(http);
    }

    // All is done as ever, into an answer that does not leave, or not whole.
    private static async Task LoseAsync(HttpContext http, RequestDelegate next, FakeTrouble trouble)
    {
        var wire = http.Response.Body;
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        await next(http);
        http.Response.Body = wire;
        if (trouble == FakeTrouble.CutAnswer)
        {
            await wire.WriteAsync(answer.GetBuffer().AsMemory(0, (int)answer.Length / 2));
            await wire.FlushAsync();
        }
        http.Abort();
    }
}
