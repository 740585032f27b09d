using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// Runs the migrations of one process in its own session, and logs which other session it waits for. It waits for
/// another migrating process while that works, up to one hour. It waits for a session that only holds a lock up to the
/// limit.
/// </summary>
internal sealed class MigrationLocks(
    LedgerDatabase database, NpgsqlConnection session, TimeSpan limit, ILogger logger)
{
    // An arbitrary key that no other program locks. It spells "fale", for Factumerit Ledger.
    private const long LockKey = 0x66616C65;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    // While a migration waits for a table, all later users of the table queue behind it, even readers. So it gives up
    // each attempt after this time and lets them pass.
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // The maximum time that a migration itself may take.
    private static readonly TimeSpan OthersWorkMax = TimeSpan.FromHours(1);

    private const string Session = """
        a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.usename, '?'),
        coalesce(to_char(a.query_start, 'YYYY-MM-DD HH24:MI:SS TZ'), '?')
        """;

    private static readonly string Migrating = $"""
        SELECT {Session}, coalesce(a.state = 'active' OR clock_timestamp() - a.state_change < $1, false)
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = {LockKey} AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;

    private const string Blocking =
        $"SELECT {Session}, false FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1)) LIMIT 1";

    private Holder? _told;

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await TakeTurnAsync(cancellationToken);
        var attempt = Attempt < limit ? Attempt : limit;
        var timeout = Invariant($"SELECT set_config('lock_timeout', '{attempt.TotalMilliseconds:0}', false)");
        await ExecuteAsync<string>(timeout, cancellationToken);
        await ExecuteAsync<string>("SELECT set_config('statement_timeout', '0', false)", cancellationToken);
        var processId = await ExecuteAsync<int>("SELECT pg_backend_pid()", cancellationToken);
        for (var waited = TimeSpan.Zero; !await TryMigrateAsync(processId, cancellationToken); waited += Pause)
        {
            waited += attempt;
            if (waited >= limit)
                throw GaveUp("a table of the ledger", _told);
            await Task.Delay(Pause, cancellationToken);
        }
    }

    // EF's own lock is on the history table, and two processes on a new database would both try to create that table.
    private async Task TakeTurnAsync(CancellationToken cancellationToken)
    {
        var waited = TimeSpan.Zero;
        while (!await ExecuteAsync<bool>(Invariant($"SELECT pg_try_advisory_lock({LockKey})"), cancellationToken))
        {
            var holder = await FindAsync(Migrating, limit, cancellationToken);
            if (holder is not null)
                Tell("the lock of another migration", holder);
            if (waited >= OthersWorkMax || (waited >= limit && holder is { IsWorking: false }))
                throw GaveUp("the lock of another migration", holder);
            await Task.Delay(LookEvery, cancellationToken);
            waited += LookEvery;
        }
    }

    // Returns false if a lock was not granted in time.
    private async Task<bool> TryMigrateAsync(int processId, CancellationToken cancellationToken)
    {
        await using var context = LedgerDatabase.CreateContext(session);
        context.Database.SetCommandTimeout(OthersWorkMax);
        var migrating = context.Database.MigrateAsync(cancellationToken);
        while (await Task.WhenAny(migrating, Task.Delay(LookEvery, CancellationToken.None)) != migrating)
            await TellOfBlockerAsync(processId);
        try
        {
            await migrating;
            return true;
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            return false;
        }
    }

    private async Task TellOfBlockerAsync(int processId)
    {
        try
        {
            if (await FindAsync(Blocking, processId, CancellationToken.None) is { } holder)
                Tell("a table of the ledger", holder);
        }
        catch (NpgsqlException)
        {
            // This only loses the log message. The migration continues.
        }
    }

    private void Tell(string what, Holder holder)
    {
        if (_told?.ProcessId != holder.ProcessId)
            LogWaiting(logger, what, holder);
        _told = holder;
    }

    private UnusableDatabaseException GaveUp(string what, Holder? holder) => new(
        "the schema can't be brought up to date: " +
        (holder is null
            ? $"{what} could not be locked"
            : $"{what} is held by the session {holder}") +
        Invariant($" for more than {limit.TotalSeconds:0.#} seconds. End that session, or wait longer with ") +
        "Database:MigrationLockTimeoutSeconds.");

    private async Task<Holder?> FindAsync(string sql, object value, CancellationToken cancellationToken)
    {
        await using var command = database.Readers.CreateCommand(sql);
        command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new Holder(
                reader.GetInt32(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetBoolean(4))
            : null;
    }

    private async Task<T> ExecuteAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void LogWaiting(ILogger logger, string what, Holder holder) =>
        logger.LogWarning("The migration waits for {What}, which is held by the session {Holder}", what, holder);

    private sealed record Holder(int ProcessId, string Application, string Role, string QueryStart, bool IsWorking)
    {
        // The query itself is left out: it may contain names and amounts.
        public override string ToString() =>
            Invariant($"{ProcessId} ({Application}, role {Role}, its query began at {QueryStart})");
    }
}
