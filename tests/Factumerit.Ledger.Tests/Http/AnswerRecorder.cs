using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text.Json;
using Factumerit.Ledger.Api.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>An answer of a route: the status of a success, or the code of a problem.</summary>
public sealed record RouteAnswer(string Route, string Answer)
{
    public override string ToString() => $"{Route}: {Answer}";
}

/// <summary>
/// Records what the routes of a service answer, beside what they declare on the API page. Every service in the process
/// of the tests has one: a test fails at the first answer that its route does not declare. Answers to a test's own
/// client are checked when the service stops.
/// </summary>
public sealed class AnswerRecorder : IStartupFilter
{
    private readonly ConcurrentDictionary<RouteAnswer, bool> _seen = new();
    private readonly ConcurrentDictionary<RouteAnswer, bool> _undeclared = new();

    /// <summary>All answers so far.</summary>
    public IEnumerable<RouteAnswer> Seen => _seen.Keys;

    public void Install(WebApplicationBuilder builder) => builder.Services.AddSingleton<IStartupFilter>(this);

    public void ShouldHaveSeenOnlyDeclaredAnswers()
    {
        if (!_undeclared.IsEmpty)
            _undeclared.Keys.Select(answer => $"{answer}").Order()
                .ShouldBeEmpty("A route answered what it does not declare.");
    }

    /// <summary>
    /// The answers that a route declares: the statuses by the types of its handler, the codes by its metadata.
    /// </summary>
    public static IEnumerable<RouteAnswer> DeclaredBy(RouteEndpoint route) =>
        route.Metadata.OfType<IProducesResponseTypeMetadata>().Select(produced => $"{produced.StatusCode}")
            .Concat(route.Metadata.OfType<ProblemCodes>().SelectMany(problems => problems.Codes))
            .Distinct().Select(answer => new RouteAnswer(NameOf(route), answer));

    /// <summary>The routes of the API page; not those that a test adds.</summary>
    public static bool IsDescribed(RouteEndpoint route) =>
        route.Metadata.GetMetadata<ITagsMetadata>() is not null
        && route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true };

    public static string NameOf(RouteEndpoint route) =>
        $"{route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]} /{route.RoutePattern.RawText!.Trim('/')}";

    // Before everything else, so that refusals of every middleware are seen.
    Action<IApplicationBuilder> IStartupFilter.Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(RecordAsync);
        next(app);
    };

    private async Task RecordAsync(HttpContext http, RequestDelegate next)
    {
        var sent = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var copy = new CopiedBody(sent);
        http.Features.Set<IHttpResponseBodyFeature>(copy);
        await next(http);
        http.Features.Set(sent);
        // The exception handler takes the endpoint off the request.
        var endpoint = http.GetEndpoint() ?? http.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        if (endpoint is not RouteEndpoint route || !IsDescribed(route) || http.RequestAborted.IsCancellationRequested)
            return;
        var isProblem = http.Response.ContentType == "application/problem+json";
        var answer = new RouteAnswer(NameOf(route), isProblem ? copy.Code : $"{http.Response.StatusCode}");
        _seen[answer] = true;
        if (!DeclaredBy(route).Contains(answer))
            _undeclared[answer] = true;
    }

    private sealed class CopiedBody(IHttpResponseBodyFeature inner) : IHttpResponseBodyFeature
    {
        private readonly CopyingWriter _writer = new(inner.Writer);

        public string Code => JsonElement.Parse(_writer.Copy.Span).GetProperty("code").GetString()!;

        public Stream Stream => inner.Stream;

        public PipeWriter Writer => _writer;

        public Task CompleteAsync() => inner.CompleteAsync();

        public void DisableBuffering() => inner.DisableBuffering();

        public Task SendFileAsync(
            string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            inner.SendFileAsync(path, offset, count, cancellationToken);

        public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);
    }

    private sealed class CopyingWriter(PipeWriter inner) : PipeWriter
    {
        private readonly ArrayBufferWriter<byte> _copy = new();
        private Memory<byte> _next;

        public ReadOnlyMemory<byte> Copy => _copy.WrittenMemory;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _next = inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void Advance(int bytes)
        {
            _copy.Write(_next.Span[..bytes]);
            inner.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(
            CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
