using System.Buffers;
using System.Text;
using System.Text.Json;
using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Refuses routine calls early while the writer is full for their key. The body is not read, single refusals are not
/// logged, and the response is a copy of a prepared one, so that refused calls take no time from other calls.
/// </summary>
public static class LoadShedding
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(10);

    public static void UseLoadShedding(this WebApplication app)
    {
        var clock = app.Services.GetRequiredService<TimeProvider>();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Factumerit.Ledger.Overload");
        var (refused, reportedAt) = (0, 0L);
        app.Use((http, next) =>
        {
            // Uses the application's services, because a refused request needs no services of its own.
            if (http.GetEndpoint()?.Metadata.GetMetadata<HighVolume>() is null
                || !app.Services.GetRequiredService<LedgerWriter>().IsFullFor(Caller.Of(http).Actor))
                return next(http);
            Interlocked.Increment(ref refused);
            Report();
            LedgerMetrics.Refused(LedgerWriter.TooMany);
            TooMany.Write(http);
            return Task.CompletedTask;
        });

        void Report()
        {
            var (now, last) = (clock.GetTimestamp(), Volatile.Read(ref reportedAt));
            if ((last == 0 || clock.GetElapsedTime(last, now) >= ReportInterval)
                && Interlocked.CompareExchange(ref reportedAt, now, last) == last)
                LogRefusals(logger, Interlocked.Exchange(ref refused, 0));
        }
    }

    private static void LogRefusals(ILogger logger, int refused) =>
        logger.LogWarning(
            "The queue is full: {Refused} calls refused with 503 since the last such line",
            refused);

    // The same problem as everywhere else, split where the path base and the trace_id go. Only these two parts differ
    // between requests.
    private static class TooMany
    {
        private const string PathBase = "THE-PATH-BASE";
        private const string TraceId = "THE-TRACE-ID";
        private static readonly byte[][] Parts =
        [
            .. JsonSerializer
                .Serialize(Problems.Of(PathBase, TraceId, LedgerWriter.TooMany), LedgerJson.Default.Problem)
                .Split([PathBase, TraceId], StringSplitOptions.None).Select(Encoding.UTF8.GetBytes),
        ];

        private static readonly int PartBytes = Parts.Sum(part => part.Length);

        public static void Write(HttpContext http)
        {
            var pathBase = JsonEncodedText.Encode(Problems.BaseOf(http)).EncodedUtf8Bytes;
            var traceId = JsonEncodedText.Encode(Problems.TraceIdOf(http)).EncodedUtf8Bytes;
            Problems.WriteHead(http.Response, StatusCodes.Status503ServiceUnavailable);
            http.Response.ContentLength = PartBytes + pathBase.Length + traceId.Length;
            var body = http.Response.BodyWriter;
            body.Write(Parts[0]);
            body.Write(pathBase);
            body.Write(Parts[1]);
            body.Write(traceId);
            body.Write(Parts[2]);
        }
    }
}
