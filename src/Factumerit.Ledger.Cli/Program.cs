namespace Factumerit.Ledger.Cli;

/// <summary>
/// Where the process begins. The class stands in a namespace, unlike that of top-level statements, so that tests which see the
/// service's own entry point as well can tell the two apart.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        using var interrupted = new CancellationTokenSource();
        Console.CancelKeyPress += (_, press) =>
        {
            // The first Ctrl+C lets a command say what became of the move in flight; the second one kills.
            press.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        };
        return await FaApplication.RunAsync(args, FaEnvironment.OfThisProcess(), interrupted.Token);
    }
}
