using Factumerit.Ledger.Writing;

namespace Factumerit.Ledger.Api.Http;

/// <summary>
/// Refuses routine calls at the door while the writer is full: nothing of them is read, looked up or logged singly, so that what can't be done
/// takes no time from what can.
/// </summary>
public static partial class Overload
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);

    public static void UseOverloadRefusals(this WebApplication app)
    {
        var clock = app.Services.GetRequiredService<TimeProvider>();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Factumerit.Ledger.Overload");
        var (refused, told) = (0, 0L);
        app.Use((http, next) =>
        {
            if (http.GetEndpoint()?.Metadata.GetMetadata<RoutineCall>() is null || !http.RequestServices.GetRequiredService<LedgerWriter>().IsFull)
                return next(http);
            Interlocked.Increment(ref refused);
            Tell();
            LedgerMetrics.Refused(LedgerWriter.TooMany);
            return Problems.Of(http, LedgerWriter.TooMany).ToResult().ExecuteAsync(http);
        });

        void Tell()
        {
            var (now, last) = (clock.GetTimestamp(), Volatile.Read(ref told));
            if ((last == 0 || clock.GetElapsedTime(last, now) >= Between) && Interlocked.CompareExchange(ref told, now, last) == last)
                LogRefusals(logger, Interlocked.Exchange(ref refused, 0));
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "More comes in than can be written in good time: {Refused} calls refused since the last such line")]
    private static partial void LogRefusals(ILogger logger, int refused);
}
