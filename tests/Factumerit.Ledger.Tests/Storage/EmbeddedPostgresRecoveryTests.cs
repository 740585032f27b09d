using System.Globalization;
using Factumerit.Ledger.EmbeddedPostgres;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// The embedded PostgreSQL survives the death of the server, the service or both, and a kill while it is made.
/// </summary>
public sealed class EmbeddedPostgresRecoveryTests : EmbeddedPostgresTest
{
    private const string Commit = "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer";
    private const string Committed = "SELECT answer FROM kept";

    [Fact]
    public async Task A_killed_server_comes_back_on_the_same_connection_string_with_all_that_was_committed()
    {
        var postgres = await StartAsync();
        await QueryAsync(postgres.ConnectionString, Commit);
        var (connectionString, killed) = (postgres.ConnectionString, postgres.ProcessId);

        await KillAsync(killed);

        (await QueryOnceBackAsync(connectionString, Committed)).ShouldBe("42");
        postgres.ConnectionString.ShouldBe(connectionString);
        (await QueryAsync(connectionString, "SHOW fsync")).ShouldBe("on");
    }

    [Fact]
    public void The_end_of_the_log_is_why_the_server_ended_where_it_says_so()
    {
        using var directory = EmbeddedPostgresDirectory.Open(Directory.CreateDirectory(DataDirectory).FullName);
        File.WriteAllLines(directory.LogFile, ["1 LOG:  a", "2 LOG:  b", "3 LOG:  c", "4 LOG:  d"]);
        directory.LogTail().ShouldBe("2 LOG:  b 3 LOG:  c 4 LOG:  d");
        File.AppendAllLines(directory.LogFile, ["5 FATAL:  could not write: No space left on device",
            .. Enumerable.Range(6, 5).Select(n => $"{n} LOG:  going down")]);
        directory.LogTail().ShouldBe("5 FATAL:  could not write: No space left on device");
    }

    [Fact]
    public async Task A_server_that_a_killed_service_left_running_is_taken_over()
    {
        var abandoned = await StartAsync();
        await QueryAsync(abandoned.ConnectionString, Commit);
        await abandoned.AbandonAsync();
        EmbeddedPostgresPidFile.IsPostgres(abandoned.ProcessId).ShouldBeTrue();

        var next = await StartAsync();

        next.ProcessId.ShouldBe(abandoned.ProcessId);
        next.ConnectionString.ShouldBe(abandoned.ConnectionString);
        (await QueryAsync(next.ConnectionString, Committed)).ShouldBe("42");
        await KillAsync(next.ProcessId);
        (await QueryOnceBackAsync(next.ConnectionString, Committed)).ShouldBe("42");
    }

    [Fact]
    public async Task Killing_both_the_service_and_the_server_loses_nothing()
    {
        var killed = await StartAsync();
        await QueryAsync(killed.ConnectionString, Commit);
        await killed.AbandonAsync();
        await KillAsync(killed.ProcessId);

        var next = await StartAsync();

        (await QueryAsync(next.ConnectionString, Committed)).ShouldBe("42");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stale_process_id_that_a_stranger_has_now_does_not_keep_it_from_starting(
        bool strangerIsAnotherServer)
    {
        var killed = await StartAsync();
        await killed.AbandonAsync();
        await KillAsync(killed.ProcessId);
        var stranger = strangerIsAnotherServer
            ? (await StartAsync(dataDirectory: DataDirectory + "-other")).ProcessId
            : Environment.ProcessId;
        var file = Path.Combine(Cluster, "postmaster.pid");
        var lines = await File.ReadAllLinesAsync(file);
        lines[0] = stranger.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllLinesAsync(file, lines);

        (await QueryAsync((await StartAsync()).ConnectionString, "SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task Stopping_right_after_the_server_died_does_not_start_it_again()
    {
        var postgres = await StartAsync();
        await KillAsync(postgres.ProcessId);

        await postgres.DisposeAsync();

        EmbeddedPostgresPidFile.ReadRunning(Cluster).ShouldBeNull();
        (await QueryAsync((await StartAsync()).ConnectionString, "SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_cluster_left_half_made_by_a_kill_is_made_anew()
    {
        var unfinished = Directory.CreateDirectory(Path.Combine(DataDirectory, "postgres.new-killed"));
        await File.WriteAllTextAsync(Path.Combine(unfinished.FullName, "PG_VERSION"), "15\n");
        await File.WriteAllTextAsync(unfinished.FullName + ".password", "half");

        var postgres = await StartAsync();

        (await QueryAsync(postgres.ConnectionString, "SELECT 1")).ShouldBe("1");
        Directory.GetFileSystemEntries(DataDirectory, "postgres.new-*").ShouldBeEmpty();
    }
}
