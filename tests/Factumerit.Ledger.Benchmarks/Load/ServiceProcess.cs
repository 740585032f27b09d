using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// The service built in Release, in its own process on a loopback port, with its default configuration.
/// </summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private const string Program = "src/Factumerit.Ledger.Api/bin/Release/net10.0/Factumerit.Ledger.Api.dll";
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(60);
    private readonly Child _child;

    private ServiceProcess(Child child, string url, TimeSpan readyAfter) =>
        (_child, Url, ReadyAfter) = (child, url, readyAfter);

    public string Url { get; }

    /// <summary>From the start of the process to the first answer that says it is ready.</summary>
    public TimeSpan ReadyAfter { get; }

    /// <summary>What the service logged.</summary>
    public string Log => _child.Output;

    /// <summary>The memory that the process holds now, in MB.</summary>
    public double ResidentMegabytes => Memory("VmRSS:");

    /// <summary>The most that it ever held, in MB.</summary>
    public double PeakMegabytes => Memory("VmHWM:");

    public static Task<ServiceProcess> StartAsync(
        string root, string connectionString, string adminKey, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Auth__BootstrapAdminKey"] = adminKey,
        };
        return StartAsync(
            "dotnet", [Path.Combine(root, Program)], environment, "/health/ready", FreePort(), cancellationToken);
    }

    /// <summary>Starts a program that serves HTTP, and returns when the path answers 200.</summary>
    public static async Task<ServiceProcess> StartAsync(
        string program, IEnumerable<string> arguments, Dictionary<string, string> environment, string readyPath,
        int port, CancellationToken cancellationToken)
    {
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        environment["ASPNETCORE_URLS"] = url;
        var began = TimeProvider.System.GetTimestamp();
        var child = Child.Start(program, arguments, environment);
        try
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
            while (!await AnswersAsync(client, url + readyPath, cancellationToken))
            {
                if (child.HasExited || TimeProvider.System.GetElapsedTime(began) > ReadyTimeout)
                    throw new InvalidOperationException(
                        $"The service did not become ready: {child.Errors}{child.Output}");
                await Task.Delay(5, cancellationToken);
            }
            return new ServiceProcess(child, url, TimeProvider.System.GetElapsedTime(began));
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>An orderly stop: what waits is written first. A service that has to be killed is a fault.</summary>
    public async Task StopAsync()
    {
        if (!await _child.StopAsync())
            throw new InvalidOperationException(
                $"The service did not stop when it was asked to. The end of its log: {Tail(Log)}");
    }

    public Task KillAsync() => _child.KillAsync();

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    private static async Task<bool> AnswersAsync(HttpClient client, string url, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri(url), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException
            || (failure is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private double Memory(string field)
    {
        var line = File.ReadLines($"/proc/{_child.Id}/status")
            .First(l => l.StartsWith(field, StringComparison.Ordinal));
        return double.Parse(
            line[field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
    }

    private static string Tail(string text) => text.Length > 2000 ? text[^2000..] : text;
}
