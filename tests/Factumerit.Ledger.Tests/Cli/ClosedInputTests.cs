using System.Diagnostics;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>Runs <c>fa</c> as a process with closed standard input.</summary>
public sealed class ClosedInputTests
{
    [Fact]
    public async Task A_dash_where_standard_input_is_closed_ends_with_one_line()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "fa.dll");
        var start = new ProcessStartInfo("bash", ["-c", "exec dotnet \"$0\" usage import - <&-", program])
        {
            RedirectStandardError = true,
        };
        using var fa = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            (await fa.StandardError.ReadToEndAsync(deadline.Token))
                .ShouldBe("Standard input is closed: pass the name of a file, or pipe one in.\n");
            await fa.WaitForExitAsync(deadline.Token);
            fa.ExitCode.ShouldBe(1);
        }
        finally
        {
            fa.Kill();
        }
    }
}
