using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Factumerit.Ledger.Api.Hosting;

/// <summary>
/// Reports in the health response how many faults of the books stand. The service stays ready with faults, because it
/// can still record what happens.
/// </summary>
public sealed class BooksCheck(IntegrityWatch watch) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(HealthCheckResult.Healthy(watch.Last switch
        {
            null => "not checked yet",
            { Faults.Count: > 0 } report => $"faults: {report.Faults.Count}, see GET /ledger/integrity",
            _ => "healthy",
        }));
}
