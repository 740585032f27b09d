using System.Text;
using Factumerit.Ledger.Cli;

namespace Factumerit.Ledger.Tests.Cli;

/// <summary>If the output can't be written (full disk, closed stream), fa prints one line and exits with 1.</summary>
public sealed class OutputFailureTests : IAsyncLifetime
{
    private const string Headroom =
        """{"asset_cents":2495,"liability_cents":595,"available_cents":1900,"providers":[]}""";
    private const string Line = "Can't write the output: No space left on device.";

    private FakeLedger _ledger = null!;

    public async Task InitializeAsync() => _ledger = await FakeLedger.StartAsync();

    public async Task DisposeAsync() => await _ledger.DisposeAsync();

    [Fact]
    public async Task A_full_output_is_one_line()
    {
        _ledger.Answers(200, Headroom).Answers(200, Headroom);

        (await RunAsync("ledger", "headroom")).ShouldBe((1, Line + "\n"));
        (await RunAsync("ledger", "headroom", "--json"))
            .ShouldBe((1, $$"""{"code":"failed","detail":"{{Line}}"}""" + "\n"));
        (await RunAsync("--help")).ShouldBe((1, Line + "\n"));
    }

    [Fact]
    public async Task After_a_move_it_says_that_the_move_was_made()
    {
        _ledger.Answers(201,
            """{"transaction_id":"0190a1b2-0000-7000-8000-000000000001","total_cents":2759,"headroom":"""
            + $$"""{{Headroom}}}""");

        (await RunAsync("purchase", "--credits-cents", "5"))
            .ShouldBe((1, Line + " The service has carried out the request.\n"));
    }

    [Fact]
    public async Task A_closed_output_says_why()
    {
        _ledger.Answers(200, Headroom);
        var closed = FaRun.Beside(_ledger) with
        {
            Stdout = new Unwritable(new UnauthorizedAccessException(
                "Access to the path is denied.", new IOException("Bad file descriptor"))),
        };

        (await FaApplication.RunAsync(["ledger", "headroom"], closed)).ShouldBe(1);
        closed.Stderr.ToString().ShouldBe("Can't write the output: Bad file descriptor.\n");
    }

    [Theory]
    [InlineData(1, "user", "show", "bob")]
    [InlineData(2, "user", "show")]
    [InlineData(2, "user")]
    public async Task Where_errors_can_not_be_written_the_exit_code_still_says_it(int exitCode, params string[] args)
    {
        _ledger.Answers(404, """{"code":"user-not-found","detail":"There is no user bob."}""");
        var deaf = FaRun.Beside(_ledger) with { Stderr = new Unwritable(new IOException("No space left on device")) };

        (await FaApplication.RunAsync(args, deaf)).ShouldBe(exitCode);
    }

    private async Task<(int ExitCode, string Stderr)> RunAsync(params string[] args)
    {
        var full = FaRun.Beside(_ledger) with { Stdout = new Unwritable(new IOException("No space left on device")) };
        return (await FaApplication.RunAsync(args, full), full.Stderr.ToString()!);
    }

    private sealed class Unwritable(Exception failure) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw failure;
    }
}
