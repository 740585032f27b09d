using Factumerit.Ledger.Storage;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The state of the service, and of each check by name.</summary>
public sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);

/// <summary>Live: the process answers. Ready: the database can be reached and is migrated.</summary>
public static class Health
{
    private const string ReadyTag = "ready";

    public static void AddHealth(this IServiceCollection services) =>
        services.AddHealthChecks().AddCheck<DatabaseCheck>("database", tags: [ReadyTag], timeout: TimeSpan.FromSeconds(5));

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapHealthChecks("/health/live", Options(_ => false)).AllowAnonymous();
        routes.MapHealthChecks("/health/ready", Options(check => check.Tags.Contains(ReadyTag))).AllowAnonymous();
    }

    private static HealthCheckOptions Options(Func<HealthCheckRegistration, bool> which) => new()
    {
        Predicate = which,
        // What failed is said, but no exception text: anyone may ask.
        ResponseWriter = (http, report) => http.Response.WriteAsJsonAsync(
            new HealthAnswer(Word(report.Status), report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? Word(e.Value.Status))),
            LedgerJson.Default.HealthAnswer),
    };

    private static string Word(HealthStatus status) => status == HealthStatus.Healthy ? "healthy" : "unhealthy";

    private sealed class DatabaseCheck(LedgerDatabase database) : IHealthCheck
    {
        // Migrations are only ever added, so once the schema was up to date a sign of life is enough.
        private static bool _migrated;

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                if (_migrated)
                {
                    await using var ping = database.Readers.CreateCommand("SELECT 1");
                    await ping.ExecuteScalarAsync(cancellationToken);
                }
                else if (!(_migrated = await Migrator.IsMigratedAsync(database, cancellationToken)))
                    return HealthCheckResult.Unhealthy("not migrated");
                return HealthCheckResult.Healthy();
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                return HealthCheckResult.Unhealthy("can't be reached");
            }
        }
    }
}
