using System.Diagnostics;
using System.Text;
using Factumerit.Ledger.Tests;

namespace Factumerit.Ledger.Benchmarks.Load;

/// <summary>
/// A program that the benchmark starts. Keeps its output, and ends it by its id on disposal, whatever happened before.
/// </summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private Child(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;
    public int ExitCode => _process.ExitCode;
    public string Output => Read(_output);
    public string Errors => Read(_errors);

    public static Child Start(string program, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? AppContext.BaseDirectory,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new Child(start);
    }

    /// <summary>
    /// Runs a program to its end and returns its output. A failure throws an exception with the program's output.
    /// </summary>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment,
        CancellationToken cancellationToken)
    {
        await using var child = Start(program, arguments, environment);
        await child.WaitAsync(cancellationToken);
        return child.ExitCode == 0
            ? child.Output
            : throw new InvalidOperationException(
                $"{Path.GetFileName(program)} ended with {child.ExitCode}: {child.Errors}{child.Output}");
    }

    public Task WaitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>What kill -9 does: no goodbye.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>
    /// Asks the program to end, and kills it after 30 seconds if it has not. Returns true if it ended by itself.
    /// </summary>
    public async Task<bool> StopAsync()
    {
        if (!_process.HasExited)
            Signals.Send(_process.Id, UnixSignal.Terminate);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static void Keep(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }
}
