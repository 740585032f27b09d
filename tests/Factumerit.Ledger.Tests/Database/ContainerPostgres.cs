using Testcontainers.PostgreSql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>PostgreSQL in a container, where a Docker engine is. Ended by the library's own reaper when the run is over.</summary>
internal static class ContainerPostgres
{
    public static async Task<string> StartAsync()
    {
        var container = new PostgreSqlBuilder("postgres:17-alpine").Build();
        await container.StartAsync();
        return container.GetConnectionString();
    }
}
