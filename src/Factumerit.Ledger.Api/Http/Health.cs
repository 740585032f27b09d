using Factumerit.Ledger.Api.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Http;

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
}
