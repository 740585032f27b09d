using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Tests.Storage;

public sealed class EmbeddedPostgresCommandsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ledger-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

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
