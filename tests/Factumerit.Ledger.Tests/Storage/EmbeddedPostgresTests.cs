using Factumerit.Ledger.EmbeddedPostgres;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>What the embedded PostgreSQL is: durable, private, one service at a time, one major version.</summary>
public sealed class EmbeddedPostgresTests : EmbeddedPostgresTest
{
    [Fact]
    public async Task A_fresh_start_serves_a_durable_database_on_the_loopback_only()
    {
        var postgres = await StartAsync();

        var connection = new NpgsqlConnectionStringBuilder(postgres.ConnectionString);
        connection.Host.ShouldBe("127.0.0.1");
        connection.Database.ShouldBe("ledger");
        foreach (var (setting, expected) in new (string, string)[]
        {
            ("data_checksums", "on"), ("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"),
            ("listen_addresses", "127.0.0.1"), ("unix_socket_directories", ""), ("server_encoding", "UTF8"),
            ("max_connections", "100"), ("shared_buffers", "256MB"), ("TimeZone", "UTC"),
        })
            (await QueryAsync(postgres.ConnectionString, $"SHOW {setting}")).ShouldBe(expected, setting);
        (await QueryAsync(postgres.ConnectionString, "SHOW server_version"))!.ShouldStartWith(postgres.Version);
    }

    [Fact]
    public async Task Only_the_password_opens_it_and_nobody_else_can_read_that()
    {
        var postgres = await StartAsync();

        var wrong =
            new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Password = "wrong" }.ConnectionString;
        (await Should.ThrowAsync<PostgresException>(() => QueryAsync(wrong, "SELECT 1"))).SqlState.ShouldBe(
            PostgresErrorCodes.InvalidPassword);
        foreach (var file in (string[])["password", "lock", "postgres.log"])
            Mode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        Mode("postgres").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        (Mode(".") & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)).ShouldBe(UnixFileMode.None);
    }

    [Fact]
    public async Task It_works_below_a_directory_that_only_its_owner_may_enter()
    {
        var parent = new DirectoryInfo(Path.GetFullPath(Path.Combine(DataDirectory, "../..")));
        parent.UnixFileMode.ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var postgres = await StartAsync();

        (await QueryAsync(postgres.ConnectionString, "SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_restart_keeps_the_rows()
    {
        var first = await StartAsync();
        await QueryAsync(first.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS answer");
        await first.DisposeAsync();
        EmbeddedPostgresPidFile.IsPostgres(first.ProcessId).ShouldBeFalse();
        await first.DisposeAsync();

        var second = await StartAsync();

        (await QueryAsync(second.ConnectionString, "SELECT answer FROM kept")).ShouldBe("42");
    }

    [Fact]
    public async Task A_second_service_on_the_directory_is_refused()
    {
        await StartAsync();

        var refusal = await Should.ThrowAsync<EmbeddedPostgresException>(() => StartAsync());

        refusal.Message.ShouldContain(DataDirectory);
        refusal.Message.ShouldContain("in use by another service");
    }

    [Fact]
    public async Task A_cluster_of_another_major_version_is_refused_and_left_alone()
    {
        await (await StartAsync()).DisposeAsync();
        var version = Path.Combine(Cluster, "PG_VERSION");
        var major = (await File.ReadAllTextAsync(version)).Trim();
        await File.WriteAllTextAsync(version, "9\n");

        var refusal = await Should.ThrowAsync<EmbeddedPostgresException>(() => StartAsync());

        refusal.Message.ShouldContain("made by PostgreSQL 9,");
        refusal.Message.ShouldContain($"are version {major}.");
        refusal.Message.ShouldContain("pg_dump");
        await File.WriteAllTextAsync(version, $"{major}\n");
        (await QueryAsync((await StartAsync()).ConnectionString, "SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_directory_without_the_programs_is_refused_by_name()
    {
        var refusal = await Should.ThrowAsync<EmbeddedPostgresException>(() => StartAsync(binDirectory: "/etc"));

        refusal.Message.ShouldContain("'/etc'");
        refusal.Message.ShouldContain("Embedded__BinDirectory");
    }

    [Fact]
    public async Task A_cluster_whose_password_is_lost_is_refused()
    {
        await (await StartAsync()).DisposeAsync();
        File.Delete(Path.Combine(DataDirectory, "password"));

        (await Should.ThrowAsync<EmbeddedPostgresException>(() => StartAsync())).Message.ShouldContain(
            "restore the file from a backup");
    }

    private UnixFileMode Mode(string name) => new FileInfo(Path.Combine(DataDirectory, name)).UnixFileMode;
}
