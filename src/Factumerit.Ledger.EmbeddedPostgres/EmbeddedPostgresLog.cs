using Microsoft.Extensions.Logging;

namespace Factumerit.Ledger.EmbeddedPostgres;

/// <summary>All messages about the embedded PostgreSQL in the service's log.</summary>
internal static partial class EmbeddedPostgresLog
{
    [LoggerMessage(LogLevel.Information, "Created a new PostgreSQL {Version} cluster in {Directory}")]
    public static partial void ClusterMade(ILogger logger, string version, string directory);

    [LoggerMessage(
        LogLevel.Information,
        "Embedded PostgreSQL {Version} listens on 127.0.0.1:{Port} with its data in {Directory}")]
    public static partial void Serving(ILogger logger, string version, int port, string directory);

    [LoggerMessage(
        LogLevel.Information,
        "Took over the embedded PostgreSQL that an earlier service left running, process {ProcessId}")]
    public static partial void TookOver(ILogger logger, int processId);

    [LoggerMessage(
        LogLevel.Warning, "Embedded PostgreSQL (process {ProcessId}) crashed: restarting it on port {Port}")]
    public static partial void Died(ILogger logger, int processId, int port);

    [LoggerMessage(
        LogLevel.Warning, "Embedded PostgreSQL is running again as process {ProcessId} after {ElapsedMs} ms")]
    public static partial void CameBack(ILogger logger, int processId, long elapsedMs);

    [LoggerMessage(LogLevel.Error, "Embedded PostgreSQL could not be restarted: {Reason}")]
    public static partial void StillDown(ILogger logger, string reason);

    [LoggerMessage(
        LogLevel.Warning,
        "Embedded PostgreSQL did not stop in time ({Reason}) and was killed: it recovers at the next start")]
    public static partial void StoppedAtOnce(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Information, "Embedded PostgreSQL stopped")]
    public static partial void Stopped(ILogger logger);
}
