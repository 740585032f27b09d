using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Factumerit.Ledger.EmbeddedPostgres;

namespace Factumerit.Ledger.Tests.Chaos;

/// <summary>
/// The real service in its own process, on a free port. Its database is embedded in the given directory, or a given
/// one.
/// </summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    public const string AdminKey = "an-admin-key-for-bad-days-0123456789abcdef";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly StringBuilder _log = new();

    private ServiceProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it has said so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Returns when it is ready.</summary>
    public static async Task<ServiceProcess> StartAsync(
        string dataDirectory, string? connectionString = null, params string[] configuration)
    {
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "Factumerit.Ledger.Api.dll"), $"--urls={url}",
            $"--Auth:BootstrapAdminKey={AdminKey}",
            $"--Embedded:DataDirectory={dataDirectory}", .. DatabaseOf(connectionString), .. configuration])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("ConnectionStrings__Ledger");
        var service = new ServiceProcess(new Process { StartInfo = start }, url);
        service._process.OutputDataReceived += service.Note;
        service._process.ErrorDataReceived += service.Note;
        service._process.Start();
        service._process.BeginOutputReadLine();
        service._process.BeginErrorReadLine();
        await service.UntilReadyAsync();
        return service;
    }

    /// <summary>Whether GET /health/ready says 200 now.</summary>
    public async Task<int?> ReadinessAsync()
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            using var answer = await client.GetAsync(new Uri(Url, "/health/ready"));
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public Task UntilReadyAsync() => UntilAsync(async () =>
    {
        _process.HasExited.ShouldBeFalse(Log);
        return await ReadinessAsync() == 200;
    });

    public Task UntilNotReadyAsync() => UntilAsync(async () => await ReadinessAsync() == 503);

    /// <summary>kill -9; an embedded server runs on.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: false);
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends a signal, by default SIGTERM, and waits for an orderly end; returns the exit code.</summary>
    public async Task<int> EndAsync(UnixSignal signal = UnixSignal.Terminate)
    {
        if (!HasExited)
            Signals.Send(_process.Id, signal);
        using var deadline = new CancellationTokenSource(Deadline);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await EndAsync();
        }
        finally
        {
            _process.Dispose();
        }
    }

    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(Deadline);
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>The process of the embedded server; null when there is none.</summary>
    public static int? PostmasterOf(string dataDirectory) =>
        EmbeddedPostgresPidFile.ReadRunning(Path.Combine(dataDirectory, "postgres"))?.ProcessId;

    private void Note(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            _log.AppendLine(CultureInfo.InvariantCulture, $"{line.Data}");
    }

    private static string[] DatabaseOf(string? connectionString) =>
        connectionString is null ? [] : [$"--ConnectionStrings:Ledger={connectionString}"];

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
