using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Makes data sources of the operator's connection string. What is written there wins over the defaults below. The
/// sizes of the pools, the client encoding (UTF-8) and the choice of a server that can be written to are the service's
/// own.
/// </summary>
internal static class ConnectionSettings
{
    // A request waits at most for a connection and then for one answer. On a network that went silent Npgsql gives up
    // after the command timeout, asks the server over a new connection to cancel the query, and gives that up after the
    // timeout for connecting: together less than 10 seconds.
    private const int ConnectTimeoutS = 3;
    private const int CommandTimeoutS = 6;

    // A pooled connection whose other end is gone is closed by the kernel after 10 + 9 * 3 seconds, also in the middle
    // of a long report.
    private const int KeepAliveTimeS = 10;
    private const int KeepAliveIntervalS = 3;

    // A writer whose machine or network dies in the middle must not keep its turn until the server's TCP notices, which
    // takes hours: every other writer waits for it, and so does the answer to whether its commit came about (R12). Ours
    // is idle only for as long as commands decide.
    private const string BoundTurn = "-c idle_in_transaction_session_timeout=5s";

    // A reader that meets a table locked by a migration gives up before its command timeout, also where that is long.
    private const string BoundWait = "-c lock_timeout=5s";

    // The writer looks rows up by key and nothing else. A plan made while a table was still empty, which would read all
    // of it, must not outlive that.
    private const string LookUpByKey = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    // Its statements have one good plan whatever they are given. Left to itself, PostgreSQL plans those of a few rows
    // anew each time, as a plan for a few looks cheaper than one for any number; of a commit of one usage that was a
    // quarter of the server's time.
    private const string PlanOnce = "-c plan_cache_mode=force_generic_plan";

    // Compiling a query takes longer than any of ours runs.
    private const string Interpret = "-c jit=off";

    private static readonly HashSet<string> ForReadingOnly = new(StringComparer.OrdinalIgnoreCase)
    {
        "standby", "read-only", "prefer-standby",
    };

    /// <summary>For reading and for everything that is not a posting.</summary>
    public static NpgsqlDataSource ForReading(string connectionString, int poolSize) =>
        Build(connectionString, "factumerit-ledger", poolSize, $"{Interpret} {BoundWait}");

    /// <summary>For the writer.</summary>
    public static NpgsqlDataSource ForWriting(string connectionString) =>
        Build(
            connectionString, "factumerit-ledger-writer", poolSize: 4,
            $"{Interpret} {BoundTurn} {LookUpByKey} {PlanOnce}");

    /// <summary>For one process's migrations: a single session, which ends with the data source.</summary>
    public static NpgsqlDataSource ForMigrating(string connectionString) =>
        Build(connectionString, "factumerit-ledger-migrate", poolSize: 1, Interpret);

    private static NpgsqlDataSource Build(string connectionString, string applicationName, int poolSize, string options)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            RefuseWhatCannotWork(settings);
            AddDefaults(settings, applicationName);
            // Of two values for one setting the later wins: the operator's.
            var theirs = settings.Options ?? Environment.GetEnvironmentVariable("PGOPTIONS");
            settings.Options = $"{options} {theirs}".Trim();
            settings.MaxPoolSize = poolSize;
            settings.MinPoolSize = 0;
            // Otherwise PGCLIENTENCODING would decide.
            settings.ClientEncoding = "UTF8";
            // Npgsql takes the attribute for several hosts only. A single host that can't be written to is noticed at
            // the start.
            settings.TargetSessionAttributes = settings.Host!.Contains(',', StringComparison.Ordinal)
                ? settings.TargetSessionAttributes ?? "primary"
                : null;
            return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        }
        catch (Exception exception)
            when (exception is ArgumentException or NotSupportedException or InvalidOperationException
                or FormatException)
        {
            throw new UnusableDatabaseException(
                $"ConnectionStrings:Ledger can't be used: {exception.Message}", exception);
        }
    }

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
