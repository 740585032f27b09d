using Factumerit.Ledger.Cli;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>One run of <c>fa</c> in this process: its exit code and its output.</summary>
public sealed record FaRun(int ExitCode, string Stdout, string Stderr)
{
    public static Task<FaRun> OfAsync(FakeLedger ledger, params string[] args) => OfAsync(Beside(ledger), args);

    public static async Task<FaRun> OfAsync(FaEnvironment environment, params string[] args)
    {
        var exitCode = await FaApplication.RunAsync(args, environment);
        return new FaRun(exitCode, environment.Stdout.ToString()!, environment.Stderr.ToString()!);
    }

    /// <summary>An environment without terminals, with the address and key of the ledger.</summary>
    public static FaEnvironment Beside(FakeLedger ledger) => Alone() with
    {
        Variables = new Dictionary<string, string>
        {
            ["FACTUMERIT_URL"] = ledger.Url,
            ["FACTUMERIT_API_KEY"] = FakeLedger.ApiKey,
        },
    };

    /// <summary>An environment without terminals, with the address and admin key of the real service.</summary>
    public static FaEnvironment Beside(LedgerService service) => Alone() with
    {
        Variables = new Dictionary<string, string>
        {
            ["FACTUMERIT_URL"] = service.Url.ToString(),
            ["FACTUMERIT_API_KEY"] = LedgerService.AdminKey,
        },
    };

    /// <summary>An environment without terminals, address and key.</summary>
    public static FaEnvironment Alone() => new()
    {
        Stdout = new StringWriter { NewLine = "\n" },
        Stderr = new StringWriter { NewLine = "\n" },
        Stdin = new StringReader(""),
        Variables = new Dictionary<string, string>(),
        // The root has no parent directory that could contain an embedded ledger's key.
        WorkingDirectory = "/",
        Time = new InstantTime(),
    };
}

/// <summary>A clock whose timers fire at once. It records the delays that were asked for.</summary>
public sealed class InstantTime : TimeProvider
{
    public List<TimeSpan> Waits { get; } = [];

    /// <summary>The current time; default: the time of the system.</summary>
    public DateTimeOffset? Now { get; init; }

    public override DateTimeOffset GetUtcNow() => Now ?? base.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Add(dueTime);
        ThreadPool.QueueUserWorkItem(_ => callback(state));
        return new OverTimer();
    }

    private sealed class OverTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>Piped input: it can be read only once, and its length is unknown.</summary>
public sealed class PipedInput(string text) : MemoryStream(System.Text.Encoding.UTF8.GetBytes(text))
{
    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();
}

/// <summary>A temporary directory that is deleted with the test.</summary>
public sealed class ScratchDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fa-").FullName;

    public string Write(string name, string text)
    {
        var file = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
