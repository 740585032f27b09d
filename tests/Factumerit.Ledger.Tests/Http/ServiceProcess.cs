using System.Collections.Concurrent;
using System.Diagnostics;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>The real program in its own process, as an operator starts it, with its output and its exit code.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _stdout = new();
    private readonly ConcurrentQueue<string> _stderr = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(string[] args, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Factumerit.Ledger.Api.dll"));
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        foreach (var name in (string[])["ConnectionStrings__Ledger", "DATABASE_URL", "PGHOST"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => _stderr.Enqueue(line.Data ?? "");
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException(Stderr));
        _process.EnableRaisingEvents = true;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Stdout => string.Join('\n', _stdout).Trim();

    public string Stderr => string.Join('\n', _stderr).Trim();

    /// <summary>Starts it; for what should serve, wait for <see cref="UrlAsync"/>.</summary>
    public static ServiceProcess Start(params string[] args) => new(args);

    /// <summary>The same, with more in its environment.</summary>
    public static ServiceProcess Start(IReadOnlyDictionary<string, string> environment, params string[] args) =>
        new(args, environment);

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Stdout, string Stderr)> RunAsync(params string[] args)
    {
        await using var process = Start(args);
        return (await process.EndAsync(), process.Stdout, process.Stderr);
    }

    public Task<Uri> UrlAsync() => _listening.Task.WaitAsync(Deadline);

    /// <summary>Waits until the condition holds, at most a minute.</summary>
    public static async Task UntilAsync(Func<bool> isSo)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!isSo())
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
    }

    /// <summary>Asks it to stop, as an operator or a container engine does.</summary>
    public async Task<int> StopAsync()
    {
        Signals.Send(_process.Id, UnixSignal.Terminate);
        return await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    /// <summary>Waits for its end; returns its exit code.</summary>
    public async Task<int> EndAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    private void Read(string? line)
    {
        const string Listening = "The ledger listens on ";
        _stdout.Enqueue(line ?? "");
        if (line?.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at)
            _listening.TrySetResult(new Uri(line[(at + Listening.Length)..].Split(';')[0]));
    }
}
