using System.Security.Cryptography;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Http;

/// <summary>Live: the process answers. Ready: the database is reachable, migrated and writable.</summary>
public static class Health
{
    private const string ReadyTag = "ready";

    public static void AddHealth(this IServiceCollection services)
    {
        services.AddSingleton<DatabaseCheck>();
        services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database", tags: [ReadyTag], timeout: TimeSpan.FromSeconds(5))
            .AddCheck<BooksCheck>("books", tags: [ReadyTag]);
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        Map(
            routes, "/health/live", _ => false,
            "Tell whether the service runs", "For anyone. The process answers; the database is not asked.");
        Map(
            routes, "/health/ready", check => check.Tags.Contains(ReadyTag),
            "Tell whether the service can work",
            "For anyone. 503 while the database can't be reached, is not migrated, is read-only or full, "
            + "or commits fail; checks says which.");
    }

    private static void Map(
        IEndpointRouteBuilder routes, string path, Func<HealthCheckRegistration, bool> which,
        string summary, string description)
    {
        routes.MapGet(path, AnswerAsync).AllowAnonymous().TakesAnyQuery()
            .WithTags("Health").WithSummary(summary).WithDescription(description).Answers<HealthAnswer>(200, 503);

        // Name the check that failed, but give no exception text, because the route is public.
        async Task<IResult> AnswerAsync(HttpContext http, HealthCheckService checks)
        {
            var report = await checks.CheckHealthAsync(which, UncancelledQueries.Token);
            http.Response.Headers.CacheControl = "no-store";
            return TypedResults.Json(
                new HealthAnswer(
                    Word(report.Status),
                    report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? Word(e.Value.Status))),
                LedgerJson.Default.HealthAnswer,
                statusCode: report.Status == HealthStatus.Healthy
                    ? StatusCodes.Status200OK
                    : StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static string Word(HealthStatus status) => status == HealthStatus.Healthy ? "healthy" : "unhealthy";

    private sealed class DatabaseCheck(DatabaseHost host, LedgerDatabase database, LedgerWriter writer, TimeProvider clock) : IHealthCheck
    {
        // If the network drops packets silently, a query fails later than health probes time out.
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

        // All requests within this time share one result, so that frequent probes don't load the database.
        private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

        // The service stays unready for this time after a failed commit. Then it tests the database with a write.
        private static readonly TimeSpan DistrustedFor = TimeSpan.FromSeconds(5);

        private const int ProbeBytes = 6000;

        private readonly Lock _turn = new();
        private Task<string?>? _looking;
        private long _lookedAt;

        // Migrations are only ever added. Once the schema is up to date, a successful query is enough.
        private bool _migrated;

        public async Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return await Look().WaitAsync(Patience, cancellationToken) is { } trouble
                    ? HealthCheckResult.Unhealthy(trouble)
                    : HealthCheckResult.Healthy();
            }
            catch (Exception exception)
                when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                return HealthCheckResult.Unhealthy(host.IsDiskFull ? DatabaseFailure.DiskFull : "can't be reached");
            }
        }

        private Task<string?> Look()
        {
            lock (_turn)
            {
                if (_looking is null || (_looking.IsCompleted && clock.GetElapsedTime(_lookedAt) >= GoodFor))
                    (_looking, _lookedAt) = (FindTroubleAsync(), clock.GetTimestamp());
                return _looking;
            }
        }

        // Null means that the ledger can be written to.
        private async Task<string?> FindTroubleAsync()
        {
            if (!_migrated && !(_migrated = await Migrator.IsMigratedAsync(database, CancellationToken.None)))
                return "not migrated";
            var (isReadOnly, time) = await AskAsync();
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
            return clock.GetElapsedTime(failure.At) < DistrustedFor
                ? DatabaseFailure.Describe(failure.Reason)
                : await TryToWriteAsync();
        }

        private async Task<(bool IsReadOnly, DateTimeOffset Time)> AskAsync()
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
