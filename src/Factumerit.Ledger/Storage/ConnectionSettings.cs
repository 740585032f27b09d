using System.Diagnostics;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Builds data sources from the operator's connection string. Settings in that string override the defaults below. Only
/// the service sets the pool sizes and the client encoding (UTF-8). With several hosts it uses the primary by default
/// and refuses attributes that ask for a standby.
/// </summary>
internal static class ConnectionSettings
{
    // Limits how long a request waits for a connection and then for one response. When the network stops responding,
    // Npgsql gives up after the command timeout. It then opens a new connection to cancel the query, and gives up on
    // that after the connect timeout. Together this takes less than 10 seconds.
    private const int ConnectTimeoutS = 3;
    private const int CommandTimeoutS = 6;

    // The kernel closes a pooled connection whose peer is gone after 10 + 9 * 3 seconds, even during a long report.
    private const int KeepAliveTimeS = 10;
    private const int KeepAliveIntervalS = 3;

    // If a writer's machine or network dies during a transaction, PostgreSQL ends that transaction after 5 seconds.
    // Without this it would hold its lock until TCP detects the failure, which takes hours. All other writers wait for
    // that lock, and so does the look-up of an unknown commit outcome (R12). A healthy writer is idle in a transaction
    // only while commands decide.
    private const string BoundTurn = "-c idle_in_transaction_session_timeout=5s";

    // A reader that waits for a table locked by a migration gives up before its command timeout, even a long one.
    private const string BoundWait = "-c lock_timeout=5s";

    // The writer only looks up rows by key. Without these settings, a plan made while a table was empty would keep
    // scanning the whole table after it has grown.
    private const string LookUpByKey = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    // One generic plan is good for all parameters of the writer's statements. By default PostgreSQL would plan
    // statements with few rows anew each time, because a plan for few rows looks cheaper than a generic one. Planning
    // took a quarter of the server's time for a commit of one usage.
    private const string PlanOnce = "-c plan_cache_mode=force_generic_plan";

    // JIT compilation takes longer than any of our queries.
    private const string Interpret = "-c jit=off";

    private static readonly HashSet<string> ForReadingOnly = new(StringComparer.OrdinalIgnoreCase)
    {
        "standby", "read-only", "prefer-standby",
    };

    /// <summary>Builds the pool for reads and for everything that is not a posting.</summary>
    public static NpgsqlDataSource ForReading(string connectionString, int poolSize) =>
        Build(connectionString, "factumerit-ledger", poolSize, $"{Interpret} {BoundWait}");

    /// <summary>Builds the writer's pool.</summary>
    public static NpgsqlDataSource ForWriting(string connectionString) =>
        Build(
            connectionString, "factumerit-ledger-writer", poolSize: 4,
            $"{Interpret} {BoundTurn} {LookUpByKey} {PlanOnce}");

    /// <summary>Builds a single session for one process's migrations. It ends with the data source.</summary>
    public static NpgsqlDataSource ForMigrating(string connectionString) =>
        Build(connectionString, "factumerit-ledger-migrate", poolSize: 1, Interpret);

    private static NpgsqlDataSource Build(string connectionString, string applicationName, int poolSize, string options)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            RefuseWhatCannotWork(settings);
            AddDefaults(settings, applicationName);
            // Of two values for one setting the later one applies, so the operator's options come last.
            var theirs = settings.Options ?? Environment.GetEnvironmentVariable("PGOPTIONS");
            settings.Options = $"{options} {theirs}".Trim();
            settings.MaxPoolSize = poolSize;
            settings.MinPoolSize = 0;
            // Overrides PGCLIENTENCODING.
            settings.ClientEncoding = "UTF8";
            // Npgsql accepts the attribute only with several hosts. The start detects a single host that is read-only.
            settings.TargetSessionAttributes = settings.Host!.Contains(',', StringComparison.Ordinal)
                ? settings.TargetSessionAttributes ?? "primary"
                : null;
            // Metrics and traces show the name. Without one they would show the connection string.
            return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = applicationName }
                .ConfigureTracing(OfRequestsOnly).Build();
        }
        catch (Exception exception)
            when (exception is ArgumentException or NotSupportedException or InvalidOperationException
                or FormatException)
        {
            throw new UnusableDatabaseException(
                $"ConnectionStrings:Ledger can't be used: {exception.Message}", exception);
        }
    }

    // Background work polls every second, and would fill the traces.
    private static void OfRequestsOnly(NpgsqlTracingOptionsBuilder traces) => traces
        .ConfigureCommandFilter(_ => Activity.Current is not null)
        .ConfigureBatchFilter(_ => Activity.Current is not null);

    private static void AddDefaults(NpgsqlConnectionStringBuilder settings, string applicationName)
    {
        var defaults = new NpgsqlConnectionStringBuilder
        {
            ApplicationName = applicationName,
            // No code changes session state, so resetting connections would be wasted work.
            NoResetOnClose = true,
            Timeout = ConnectTimeoutS,
            CommandTimeout = CommandTimeoutS,
            TcpKeepAlive = true,
            TcpKeepAliveTime = KeepAliveTimeS,
            TcpKeepAliveInterval = KeepAliveIntervalS,
            MaxAutoPrepare = 40,
            AutoPrepareMinUsages = 2,
        };
        foreach (var key in defaults.Keys.Cast<string>())
            if (!settings.ShouldSerialize(key))
                settings[key] = defaults[key];
    }

    private static void RefuseWhatCannotWork(NpgsqlConnectionStringBuilder settings)
    {
        if (string.IsNullOrWhiteSpace(settings.Host))
            throw new UnusableDatabaseException("ConnectionStrings:Ledger names no Host.");
        if (settings.ClientEncoding is { } encoding && !IsUtf8(encoding))
            throw Refuse($"Client Encoding={encoding}", "speaks UTF8 only");
        if (!IsUtf8(settings.Encoding))
            throw Refuse($"Encoding={settings.Encoding}", "speaks UTF8 only");
        if (settings.Multiplexing)
            throw Refuse("Multiplexing", "needs a session for each connection");
        if (settings.TargetSessionAttributes is { } attributes && ForReadingOnly.Contains(attributes))
            throw Refuse($"Target Session Attributes={attributes}", "needs a server that takes writes");

        static UnusableDatabaseException Refuse(string setting, string reason) =>
            new($"ConnectionStrings:Ledger asks for {setting}, but the ledger {reason}: leave it out.");
    }

    private static bool IsUtf8(string encoding) => encoding.ToUpperInvariant() is "UTF8" or "UTF-8" or "UNICODE";
}
