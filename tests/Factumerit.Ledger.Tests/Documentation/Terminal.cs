using System.Diagnostics;
using System.Globalization;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// One bash for many commands, as at a terminal: exports and definitions stay. No question gets an answer.
/// </summary>
internal sealed class Terminal : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private readonly string _scratch = Directory.CreateTempSubdirectory("factumerit-terminal-").FullName;
    private readonly Stack<int> _background = [];
    private readonly Process _bash;

    public Terminal(string directory, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo("bash", ["--noprofile", "--norc"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = directory,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _bash = Process.Start(start)!;
    }

    /// <summary>What the one that was started last has written so far.</summary>
    public string OutputOfLast => File.ReadAllText(Path.Combine(_scratch, $"output{_background.Count - 1}"));

    public async Task<(int ExitCode, string Output)> RunAsync(string command)
    {
        var (script, output) = (Path.Combine(_scratch, "command"), Path.Combine(_scratch, "output"));
        await File.WriteAllTextAsync(script, command);
        var exitCode = await AskAsync($"source {script} >{output} 2>&1 </dev/null; echo $?");
        return (exitCode, await File.ReadAllTextAsync(output));
    }

    /// <summary>
    /// Starts a command that runs until it is stopped, and waits until its output contains the text. It ends with the
    /// terminal at the latest.
    /// </summary>
    public async Task StartAsync(string command, string untilText)
    {
        var (script, output) = (
            Path.Combine(_scratch, $"command{_background.Count}"),
            Path.Combine(_scratch, $"output{_background.Count}"));
        // One process, whose id is known: what scripts/run starts takes its place.
        await File.WriteAllTextAsync(script, $"exec env {command}");
        await File.WriteAllTextAsync(output, "");
        var id = await AskAsync($"(source {script}) >>{output} 2>&1 </dev/null & echo $!");
        _background.Push(id);
        using var deadline = new CancellationTokenSource(Deadline);
        while (!(await File.ReadAllTextAsync(output, deadline.Token)).Contains(untilText, StringComparison.Ordinal))
        {
            if (!Directory.Exists($"/proc/{id}"))
                throw new InvalidOperationException(
                    $"{command} ended: {await File.ReadAllTextAsync(output, deadline.Token)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }

    /// <summary>Ends what was started last in order, as Ctrl-C does; the exit code.</summary>
    public Task<int> StopLastAsync()
    {
        var id = _background.Pop();
        return AskAsync($"kill -TERM {id}; wait {id}; echo $?");
    }

    public async ValueTask DisposeAsync()
    {
        while (_background.Count > 0)
            await StopLastAsync();
        _bash.StandardInput.Close();
        using (var deadline = new CancellationTokenSource(Deadline))
            await _bash.WaitForExitAsync(deadline.Token);
        _bash.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }

    private async Task<int> AskAsync(string line)
    {
        await _bash.StandardInput.WriteLineAsync(line);
        await _bash.StandardInput.FlushAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        return int.Parse((await _bash.StandardOutput.ReadLineAsync(deadline.Token))!, CultureInfo.InvariantCulture);
    }
}
