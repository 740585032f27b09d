using Factumerit.Ledger.EmbeddedPostgres;

namespace Factumerit.Ledger.Tests.Storage;

public sealed class EmbeddedPostgresCommandsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ledger-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_program_runs_in_a_session_of_its_own_under_the_id_that_is_signalled()
    {
        var binaries = await EmbeddedPostgresBinaries.FindAsync(null, null, CancellationToken.None);
        var commands = await EmbeddedPostgresCommands.ChooseAsync("/", binaries, CancellationToken.None);

        var outcome = await commands.TryRunAsync(
            TimeSpan.FromMinutes(1),
            CancellationToken.None,
            "sh", "-c", "read -r id _ _ parent group session _ </proc/$$/stat; echo $id $parent $group $session");

        outcome.Succeeded.ShouldBeTrue(outcome.Message);
        var ids = outcome.Output.Split(' ', StringSplitOptions.TrimEntries);
        ids.ShouldBe([ids[0], $"{Environment.ProcessId}", ids[0], ids[0]]);
    }

    [Fact]
    public async Task A_program_that_is_stopped_may_tidy_up_before_it_ends()
    {
        var (started, tidied) = (Path.Combine(_directory, "started"), Path.Combine(_directory, "tidied"));
        using var stop = new CancellationTokenSource();
        var program = EmbeddedPostgresCommands.TryAsync(
            ["sh", "-c", "trap 'sleep 0.3; : >\"$1\"; exit 1' INT TERM; : >\"$0\"; while :; do sleep 0.05; done",
                started, tidied],
            TimeSpan.FromMinutes(1),
            stop.Token);
        while (!File.Exists(started))
            await Task.Delay(TimeSpan.FromMilliseconds(10));

        await stop.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => program);
        File.Exists(tidied).ShouldBeTrue();
    }
}
