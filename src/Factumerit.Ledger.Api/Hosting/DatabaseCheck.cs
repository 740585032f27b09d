using System.Security.Cryptography;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Checks whether the ledger can be written to: the database is reachable, migrated and writable, its clock is not
/// ahead, and commits succeed.
/// </summary>
internal sealed class DatabaseCheck(
    DatabaseHost host, LedgerDatabase database, LedgerWriter writer, TimeProvider clock) : IHealthCheck
{
    // If the network drops packets silently, a query fails later than health probes time out.
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(4);

    // All requests within this time share one result, so that frequent probes don't load the database.
    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(1);

    // The service stays unready for this time after a failed commit. Then it tests the database with a write.
    private static readonly TimeSpan UnreadyAfterFailure = TimeSpan.FromSeconds(5);

    private const int ProbeBytes = 6000;

    private readonly Lock _lock = new();
    private Task<string?>? _check;
    private long _checkedAt;

    // Migrations are only ever added. Once the schema is up to date, a successful query is enough.
    private bool _migrated;

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            return await CheckOnceAsync().WaitAsync(CheckTimeout, cancellationToken) is { } problem
                ? HealthCheckResult.Unhealthy(problem)
                : HealthCheckResult.Healthy();
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy(host.IsDiskFull ? DatabaseFailure.DiskFull : "can't be reached");
        }
    }

    private Task<string?> CheckOnceAsync()
    {
        lock (_lock)
        {
            if (_check is null || (_check.IsCompleted && clock.GetElapsedTime(_checkedAt) >= CachedFor))
                (_check, _checkedAt) = (FindProblemAsync(), clock.GetTimestamp());
            return _check;
        }
    }

    // Null means that the ledger can be written to.
    private async Task<string?> FindProblemAsync()
    {
        if (!_migrated && !(_migrated = await Migrator.IsMigratedAsync(database, CancellationToken.None)))
            return "not migrated";
        var (isReadOnly, time) = await ReadStateAsync();
        if (isReadOnly)
        {
            // A session that began read-only stays read-only.
            database.RenewSessions();
            return "read-only";
        }
        // The writer makes no commit with such a time.
        if (time - clock.GetUtcNow() > database.ClockSkewMax)
            return "clock ahead";
        if (writer.LastFailure is not { } failure)
            return null;
        return clock.GetElapsedTime(failure.At) < UnreadyAfterFailure
            ? DatabaseFailure.Describe(failure.Reason)
            : await TryToWriteAsync();
    }

    private async Task<(bool IsReadOnly, DateTimeOffset Time)> ReadStateAsync()
    {
        await using var command = database.Readers.CreateCommand(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, clock_timestamp()");
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return (reader.GetBoolean(0), reader.GetFieldValue<DateTimeOffset>(1));
    }

    // An unready service may get no requests, so it must find out by itself when writes work again. The row is
    // about as large as a page, so the table has to grow. The insert is rolled back.
    private async Task<string?> TryToWriteAsync()
    {
        try
        {
            await using var db = database.CreateContext();
            await using var transaction = await db.Database.BeginTransactionAsync(CancellationToken.None);
            db.Add(new IdempotencyKeyRow
            {
                Operation = "health",
                Key = Guid.NewGuid().ToString(),
                Answer = $"\"{RandomNumberGenerator.GetHexString(ProbeBytes)}\"",
                CreatedAt = clock.GetUtcNow(),
            });
            await db.SaveChangesAsync(CancellationToken.None);
            await transaction.RollbackAsync(CancellationToken.None);
            return null;
        }
        catch (Exception exception) when (DatabaseFailure.IsUnavailable(exception))
        {
            return DatabaseFailure.Describe(exception);
        }
    }
}
