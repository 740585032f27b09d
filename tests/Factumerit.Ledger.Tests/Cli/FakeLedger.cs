using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>
/// A fake service on a loopback port. It returns the queued answers in order and records the requests.
/// </summary>
public sealed class FakeLedger : IAsyncDisposable
{
    public const string ApiKey = "key-of-the-tests";

    private readonly ConcurrentQueue<Func<HttpContext, Task>> _answers = new();
    private readonly ConcurrentQueue<Received> _requests = new();
    private readonly WebApplication _app;
    private string? _result;

    private FakeLedger(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    public IReadOnlyList<Received> Requests => [.. _requests];

    public Received Request => _requests.Single();

    public static async Task<FakeLedger> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var ledger = new FakeLedger(builder.Build());
        ledger._app.Run(ledger.ReplyAsync);
        await ledger._app.StartAsync();
        return ledger;
    }

    /// <summary>Queues an answer.</summary>
    public FakeLedger Answers(int status, string body, params (string Name, string Value)[] headers)
    {
        _answers.Enqueue(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = status < 400 ? "application/json" : "application/problem+json";
            foreach (var (name, value) in headers)
                context.Response.Headers[name] = value;
            await context.Response.WriteAsync(body);
        });
        return this;
    }

    /// <summary>Returns this result for each item of a batch when no answer is queued.</summary>
    public void AnswersEachItem(string result) => _result = result;

    /// <summary>Queues a cut of the connection in place of an answer.</summary>
    public FakeLedger HangsUp()
    {
        _answers.Enqueue(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        return this;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReplyAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        _requests.Enqueue(new Received(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.Authorization.ToString(),
            context.Request.Headers["Idempotency-Key"].FirstOrDefault(),
            body));
        if (_answers.TryDequeue(out var answer))
            await answer(context);
        else if (_result is not null)
            await context.Response.WriteAsync("""{"results":["""
                + string.Join(',', Enumerable.Repeat(_result, JsonElement.Parse(body).GetArrayLength())) + "]}");
        else
            context.Response.StatusCode = 599;
    }
}

/// <summary>A request as received. The path keeps its escapes and its query.</summary>
public sealed record Received(string Method, string Path, string Authorization, string? IdempotencyKey, string Body);
