using Testcontainers.PostgreSql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>
/// PostgreSQL in a container, if there is a Docker engine. The library's reaper removes it after the run.
/// </summary>
internal static class ContainerPostgres
{
    private const string Image =
        "postgres:17.11-alpine@sha256:b0f9560a2de083e2cc7382e75f808c7381a32852a7ec49117deedb300e552b24";

    // The Docker client on a machine without an engine has no socket. The variable names one elsewhere.
    public static bool IsPossible =>
        File.Exists("/var/run/docker.sock") || Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 };

    public static async Task<string> StartAsync()
    {
        var container = new PostgreSqlBuilder(Image).Build();
        await container.StartAsync();
        return container.GetConnectionString();
    }
}
