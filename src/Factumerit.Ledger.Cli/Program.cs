namespace Factumerit.Ledger.Cli;

/// <summary>
/// The entry point of the process. Unlike the class of top-level statements, this class is in a namespace. Tests that
/// also reference the service can therefore tell the two entry points apart.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        using var interrupted = new CancellationTokenSource();
        Console.CancelKeyPress += (_, press) =>
        {
            // The first Ctrl+C lets a command report the state of the move in flight. The second one ends the process.
            press.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        };
        return await FaApplication.RunAsync(args, FaEnvironment.OfThisProcess(), interrupted.Token);
    }
}
