using System.Security.Cryptography;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The state of the service, and of each check by name.</summary>
public sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);

/// <summary>Live: the process answers. Ready: the database is reachable, migrated and writable.</summary>
public static class Health
{
    public static void AddHealth(this IServiceCollection services)
    {
        services.AddSingleton<DatabaseCheck>();
        services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database", timeout: TimeSpan.FromSeconds(5))
            .AddCheck<BooksCheck>("books");
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("Health");
        health.MapGet("/live", CheckLiveness).AllowAnonymous().TakesAnyQuery()
            .WithSummary("Check liveness")
            .WithDescription("For anyone. The process answers; the database is not checked.");
        health.MapGet("/ready", CheckReadinessAsync).AllowAnonymous().TakesAnyQuery()
            .WithSummary("Check readiness")
            .WithDescription(
                "For anyone. 503 while the database can't be reached, is not migrated, is read-only or full, or "
                + "commits fail; checks names the cause.");
    }

    private static JsonOk<HealthAnswer> CheckLiveness() =>
        new(new HealthAnswer("healthy", new Dictionary<string, string>()), LedgerJson.Default.HealthAnswer);

    // Name the check that failed, but give no exception text, because the route is public.
    private static async Task<Results<JsonOk<HealthAnswer>, JsonUnavailable<HealthAnswer>>> CheckReadinessAsync(
        HealthCheckService checks)
    {
        var report = await checks.CheckHealthAsync(UncancelledQueries.Token);
        var answer = new HealthAnswer(
            Word(report.Status),
            report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? Word(e.Value.Status)));
        return report.Status == HealthStatus.Healthy
            ? new JsonOk<HealthAnswer>(answer, LedgerJson.Default.HealthAnswer)
            : new JsonUnavailable<HealthAnswer>(answer, LedgerJson.Default.HealthAnswer);
    }

    private static string Word(HealthStatus status) => status == HealthStatus.Healthy ? "healthy" : "unhealthy";

    private sealed class DatabaseCheck(
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
}
