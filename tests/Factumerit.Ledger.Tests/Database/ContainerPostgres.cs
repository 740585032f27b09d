using System.Net.Sockets;
using Testcontainers.PostgreSql;

namespace Factumerit.Ledger.Tests.Database;

/// <summary>
/// PostgreSQL in a container, if there is a Docker engine. The library's reaper removes it after the run.
/// </summary>
internal static class ContainerPostgres
{
    private const string Image =
        "postgres:17.11-alpine@sha256:b0f9560a2de083e2cc7382e75f808c7381a32852a7ec49117deedb300e552b24";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Whether a Docker engine answers here, or the environment names one.</summary>
    public static async Task<bool> IsPossibleAsync()
    {
        if (Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 })
            return true;
        try
        {
            // The socket is missing, refuses, or denies access if there is no engine, it is stopped, or not for us.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("/var/run/docker.sock")).WaitAsync(Patience);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException)
        {
            return false;
        }
    }

    public static async Task<string> StartAsync()
    {
        var container = new PostgreSqlBuilder(Image).Build();
        await container.StartAsync();
        return container.GetConnectionString();
    }
}
