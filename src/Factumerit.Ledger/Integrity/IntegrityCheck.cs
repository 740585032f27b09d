using System.Data;
using System.Globalization;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Integrity;

/// <summary>
/// Compares all stored balances with the entries and reports each broken rule as a fault. It checks every rule that a
/// bug, a restore or a manual change of the database can break. It runs in one repeatable-read snapshot and blocks no
/// writer.
/// <para>
/// The background check stores a checkpoint: the sums of all accounts up to the last entry it read. The next check
/// reads only later entries. It compares every budget whose row has changed since with the checkpoint plus the later
/// entries. Faults are stored and reported until an admin resolves them, so the checkpoint also advances past a fault.
/// Only a full check finds changes to old rows that an earlier check has read. Triggers refuse such changes.
/// </para>
/// </summary>
public sealed class IntegrityCheck(LedgerDatabase database, TimeProvider? clock = null)
{
    /// <summary>The maximum number of faults listed per kind.</summary>
    public const int FaultsMaxPerKind = 100;

    // Only one check at a time may advance the checkpoint. The key spells "face", for Factumerit check.
    private const long AdvanceLockKey = 0x66616365;

    private const IsolationLevel Snapshot = IsolationLevel.RepeatableRead;

    /// <summary>
    /// Runs the background check on the entries after the checkpoint, every changed budget, and every total.
    /// </summary>
    public Task<IntegrityReport> RunAsync(CancellationToken cancellationToken) =>
        RunAsync(full: false, cancellationToken);

    /// <summary>
    /// Runs the background check: stores the faults it finds and advances the checkpoint. It starts at the checkpoint,
    /// or for a full check at the first entry. A full check takes time in proportion to the ledger.
    /// </summary>
    public async Task<IntegrityReport> RunAsync(bool full, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(Snapshot, cancellationToken);
        var from = await ReadCheckpointAsync(connection, cancellationToken);
        if (full || from.IsFullDue)
            from = from.Restart();
        var standing = await FaultStore.ReadStandingAsync(connection, cancellationToken);
        var found = await CheckAsync(connection, from, standing, cancellationToken);
        try
        {
            var kept = await KeepAsync(connection, from, found, cancellationToken);
            await snapshot.CommitAsync(cancellationToken);
            return kept.WithStanding(standing);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.SerializationFailure)
        {
            // A concurrent check has stored its faults or its checkpoint. The next check continues from there.
            return found.WithStanding(standing);
        }
    }

    /// <summary>Runs the same check without storing anything. The report includes the unresolved faults.</summary>
    public async Task<IntegrityReport> ReportAsync(bool full, CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(Snapshot, cancellationToken);
        var from = await ReadCheckpointAsync(connection, cancellationToken);
        var standing = await FaultStore.ReadStandingAsync(connection, cancellationToken);
        var found = await CheckAsync(connection, full ? from.Restart() : from, standing, cancellationToken);
        return found.WithStanding(standing);
    }

    private static async Task<Checkpoint> ReadCheckpointAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(IntegritySql.Checkpoint, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new Checkpoint(
            reader.GetInt64(0), reader.GetFieldValue<DateTime?>(1), reader.GetInt64(2),
            reader.GetFieldValue<DateTimeOffset?>(3), reader.GetInt64(4), reader.GetInt64(5),
            reader.GetFieldValue<int?>(6), reader.GetInt64(7), reader.GetBoolean(8),
            reader.GetFieldValue<DateTimeOffset>(9), reader.GetFieldValue<long?>(10),
            reader.GetFieldValue<DateTimeOffset?>(11));
    }

    // By R13 every later commit has at least the time of the newest entry.
    private IEnumerable<IntegrityFault> FindClockFaults(Checkpoint from)
    {
        const string kind = "clock-ahead";
        var latest = (clock ?? TimeProvider.System).GetUtcNow() + database.ClockSkewMax;
        var bound = string.Create(CultureInfo.InvariantCulture, $"which is after {latest:u}");
        if (from.ReadAt > latest)
            yield return new(kind, "database", string.Create(
                CultureInfo.InvariantCulture, $"its clock says {from.ReadAt:u}, {bound}: writes are refused"));
        if (from.NewestEntryId is { } id && from.NewestEntryAt is { } at && at > latest)
            yield return new(kind, string.Create(CultureInfo.InvariantCulture, $"entry {id}"), string.Create(
                CultureInfo.InvariantCulture, $"it was recorded at {at:u}, {bound}"));
    }

    // The changed budgets are enough to detect a new fault. Finding out what exactly is wrong takes all budgets.
    private async Task<IntegrityReport> CheckAsync(
        NpgsqlConnection connection, Checkpoint from, IReadOnlyList<IntegrityFault> standing,
        CancellationToken cancellationToken)
    {
        var report = await CheckAsync(connection, from, cancellationToken);
        var isNew = report.Faults.Any(f => !standing.Any(s => (s.Kind, s.Id) == (f.Kind, f.Id)));
        return isNew && from.ChangedWithin is not null
            ? await CheckAsync(connection, from.WithAllBudgets(), cancellationToken)
            : report;
    }

    private async Task<IntegrityReport> CheckAsync(
        NpgsqlConnection connection, Checkpoint from, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 3600 };
        // The best plan depends on the number of rows after the checkpoint, so each check is planned anew. Statistics
        // lag behind recent postings: the planner would expect almost no rows and choose nested loops or sorts.
        // Parallel workers would take CPU time from the writers.
        List<string> settings =
        [
            "plan_cache_mode = force_custom_plan", "enable_nestloop = off", "enable_mergejoin = off",
            "enable_sort = off", "max_parallel_workers_per_gather = 0",
        ];
        // Few rows come after a checkpoint, so they fit into memory.
        if (from.EntryId > 0)
            settings.Add("work_mem = '64MB'");
        foreach (var setting in settings)
            batch.BatchCommands.Add(new($"SET LOCAL {setting}"));
        Add(batch, IntegritySql.Transactions, from);
        Add(batch, IntegritySql.First(IntegritySql.Entries), from);
        Add(batch, IntegritySql.Accounts, from);
        var damaged = from.EntryId > 0 ? [] : await FindDamagedViewsAsync(connection, cancellationToken);
        var checks = from.EntryId > 0
            ? IntegritySql.Checks
            : [.. IntegritySql.Checks, .. IntegritySql.FullChecks, .. damaged.Count > 0 ? [] : ViewSql.Checks];
        foreach (var sql in checks)
            Add(batch, IntegritySql.First(sql), from);

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        List<IntegrityFault> faults = [.. FindClockFaults(from), .. damaged];
        var transactionCount = await ReadFaultsAsync(reader, faults, row => row.GetInt64(3), cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await ReadFaultsAsync(reader, faults, _ => 0, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var (debits, credits, entryCount) = await ReadFaultsAsync(
            reader, faults, row => (row.GetDecimal(3), row.GetDecimal(4), row.GetInt64(5)), cancellationToken);
        while (await reader.NextResultAsync(cancellationToken))
            await ReadFaultsAsync(reader, faults, _ => 0, cancellationToken);
        // A wrong total of one account explains that the sum of all totals is wrong.
        if (faults.Exists(f => f.Kind == "total-mismatch" && f.Id != ViewSql.AllTotals))
            faults.RemoveAll(f => f.Kind == "total-mismatch" && f.Id == ViewSql.AllTotals);
        return new IntegrityReport(
            credits == debits && faults.Count == 0, debits, credits, credits - debits, entryCount, transactionCount,
            [.. faults.DistinctBy(f => (f.Kind, f.Id))], from.EntryId == 0 ? from.ReadAt : from.FullyCheckedAt);
    }

    private static async Task<List<IntegrityFault>> FindDamagedViewsAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ViewSql.Damaged, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var faults = new List<IntegrityFault>();
        await ReadFaultsAsync(reader, faults, _ => 0, cancellationToken);
        return faults;
    }

    private static async Task<T?> ReadFaultsAsync<T>(
        NpgsqlDataReader reader, List<IntegrityFault> faults, Func<NpgsqlDataReader, T> readFigures,
        CancellationToken cancellationToken)
    {
        T? figures = default;
        while (await reader.ReadAsync(cancellationToken))
        {
            figures = readFigures(reader);
            if (!await reader.IsDBNullAsync(0, cancellationToken))
                faults.Add(new IntegrityFault(reader.GetString(0), TextOf(reader, 1), TextOf(reader, 2)));
        }
        return figures;
    }

    // A damaged view may name no account.
    private static string TextOf(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? "(none)" : reader.GetString(column);

    // Stores the faults and advances the checkpoint past them. If another check is storing its own, this one stores
    // nothing and returns the report unchanged.
    private static async Task<IntegrityReport> KeepAsync(
        NpgsqlConnection connection, Checkpoint from, IntegrityReport report, CancellationToken cancellationToken)
    {
        await using var lockCommand = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock($1)", connection)
        {
            Parameters = { new() { Value = AdvanceLockKey } },
        };
        if (!(bool)(await lockCommand.ExecuteScalarAsync(cancellationToken))!)
            return report;
        var faults = await FaultStore.RecordAsync(connection, report.Faults, cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { Timeout = 3600 };
        // If a crash loses this commit, the next check only starts further back. So don't wait for the disk, which the
        // writers need.
        batch.BatchCommands.Add(new("SET LOCAL synchronous_commit = off"));
        Add(batch, IntegritySql.ForgetAccounts, from);
        Add(batch, faults.Count == 0 ? IntegritySql.AdvanceAccounts : IntegritySql.AdvanceAccountsByEntries, from);
        Add(batch, TamperingSql.AdvanceDigests, from);
        Add(batch, IntegritySql.AdvanceCheckpoint, from);
        var advance = batch.BatchCommands[^1];
        advance.Parameters.Add(new() { Value = report.TotalDebits });
        advance.Parameters.Add(new() { Value = report.TotalCredits });
        advance.Parameters.Add(new() { Value = report.EntryCount });
        advance.Parameters.Add(new() { Value = report.TransactionCount });
        DateTimeOffset checkedAt = (DateTime)(await batch.ExecuteScalarAsync(cancellationToken))!;
        return report with { Faults = faults, FullyCheckedAt = from.EntryId == 0 ? checkedAt : from.FullyCheckedAt };
    }

    private static void Add(NpgsqlBatch batch, string sql, Checkpoint from) => batch.BatchCommands.Add(new(sql)
    {
        Parameters =
        {
            new() { Value = from.EntryId },
            new()
            {
                Value = (object?)from.EntryCreatedAt ?? DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz,
            },
            new() { Value = from.BudgetTransactionId },
            new() { Value = Math.Max(from.EntryId, from.OriginEntryId) },
            new() { Value = Math.Max(from.BudgetTransactionId, from.OriginBudgetTransactionId) },
            new() { Value = from.UsageId },
            new()
            {
                Value = (object?)from.ChangedWithin ?? DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer,
            },
            new() { Value = from.DigestedEntryId },
        },
    });

    private sealed record Checkpoint(
        long EntryId, DateTime? EntryCreatedAt, long BudgetTransactionId, DateTimeOffset? FullyCheckedAt,
        long OriginEntryId, long OriginBudgetTransactionId, int? ChangedWithin, long DigestedEntryId, bool IsFullDue,
        DateTimeOffset ReadAt, long? NewestEntryId, DateTimeOffset? NewestEntryAt)
    {
        // Usage ids begin with their commit time in milliseconds, so later commits never have a smaller prefix.
        public Guid UsageId => EntryCreatedAt is { } time ? UuidV7.First(time) : Guid.Empty;

        public Checkpoint Restart() =>
            WithAllBudgets() with { EntryId = 0, EntryCreatedAt = null, BudgetTransactionId = 0 };

        public Checkpoint WithAllBudgets() => this with { ChangedWithin = null };
    }
}
