using Factumerit.Ledger.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Http;

/// <summary>The state of the service, and of each check by name.</summary>
public sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);

/// <summary>Live: the process answers. Ready: the database can be reached and is migrated.</summary>
public static class Health
{
    private const string ReadyTag = "ready";

    public static void AddHealth(this IServiceCollection services)
    {
        services.AddSingleton<DatabaseCheck>();
        services.AddHealthChecks().AddCheck<DatabaseCheck>("database", tags: [ReadyTag], timeout: TimeSpan.FromSeconds(5))
            .AddCheck<BooksCheck>("books", tags: [ReadyTag]);
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        Map(routes, "/health/live", _ => false, "Tell whether the service runs", "For anyone. The process answers; the database is not asked.");
        Map(routes, "/health/ready", check => check.Tags.Contains(ReadyTag),
            "Tell whether the service can work", "For anyone. 503 while the database can't be reached or is not migrated.");
    }

    private static void Map(IEndpointRouteBuilder routes, string path, Func<HealthCheckRegistration, bool> which, string summary, string description)
    {
        routes.MapGet(path, AnswerAsync).AllowAnonymous().WithTags("Health").WithSummary(summary).WithDescription(description).Answers<HealthAnswer>(200, 503);
        routes.MapMethods(path, ["HEAD"], AnswerAsync).AllowAnonymous().ExcludeFromDescription();

        // What failed is said, but no exception text: anyone may ask.
        async Task<IResult> AnswerAsync(HttpContext http, HealthCheckService checks)
        {
            var report = await checks.CheckHealthAsync(which, Queries.ToTheirEnd);
            http.Response.Headers.CacheControl = "no-store";
            return TypedResults.Json(
                new HealthAnswer(Word(report.Status), report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? Word(e.Value.Status))),
                LedgerJson.Default.HealthAnswer,
                statusCode: report.Status == HealthStatus.Healthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static string Word(HealthStatus status) => status == HealthStatus.Healthy ? "healthy" : "unhealthy";

    private sealed class DatabaseCheck(LedgerDatabase database) : IHealthCheck
    {
        // On a network that went silent a query ends later than those who ask for health wait.
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

        private readonly Lock _turn = new();

        // Whoever asks meanwhile shares the answer, so that no crowd of questions can take all connections.
        private Task<bool> _looking = Task.FromResult(false);

        // Migrations are only ever added, so once the schema was up to date a sign of life is enough.
        private bool _migrated;

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return await Look().WaitAsync(Patience, cancellationToken)
                    ? HealthCheckResult.Healthy()
                    : HealthCheckResult.Unhealthy("not migrated");
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                return HealthCheckResult.Unhealthy("can't be reached");
            }
        }

        private Task<bool> Look()
        {
            lock (_turn)
            {
                if (_looking.IsCompleted)
                    _looking = LookAsync();
                return _looking;
            }
        }

        private async Task<bool> LookAsync()
        {
            if (!_migrated)
                return _migrated = await Migrator.IsMigratedAsync(database, CancellationToken.None);
            await using var ping = database.Readers.CreateCommand("SELECT 1");
            await ping.ExecuteScalarAsync(CancellationToken.None);
            return true;
        }
    }
}
