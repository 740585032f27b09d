using System.Diagnostics;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// A migration that can't get its locks says whom it waits for, lets others pass meanwhile, and gives up with a
/// sentence.
/// </summary>
public sealed class MigrationLockTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    // The letters "fale": the number is the same in every version, as processes of different ones take turns by it.
    private const long LockOfMigrations = 0x66616C65;

    [Fact]
    public Task A_table_that_stays_locked_ends_the_migration_with_the_name_of_the_session() =>
        WithOldAsync(async database =>
        {
            await using var holder = await HoldAsync(database, "LOCK TABLE user_budgets IN ACCESS SHARE MODE");
            var log = new LogLines();

            var refusal = await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(database.Ledger, Short, log, CancellationToken.None));

            refusal.Message.ShouldStartWith(
                "the schema can't be brought up to date: a table of the ledger is held by the session ");
            refusal.Message.ShouldContain($"{holder.ProcessID} (a report, role ");
            refusal.Message.ShouldContain("more than 1 seconds");
            var line = log.Lines.ShouldHaveSingleItem();
            line.ShouldStartWith(
                "Warning The migration waits for a table of the ledger, "
                + $"which is held by the session {holder.ProcessID} (a report, role ");
            line.ShouldNotContain("LOCK TABLE");
        });

    [Fact]
    public Task A_migration_goes_on_when_the_table_is_free_and_holds_up_nobody_for_long() =>
        WithOldAsync(async database =>
        {
            var log = new LogLines();
            Task migrating;
            await using (await HoldAsync(database, "LOCK TABLE user_budgets IN ACCESS SHARE MODE"))
            {
                migrating = Migrator.MigrateAsync(database.Ledger, Long, log, CancellationToken.None);
                await Chaos.ServiceProcess.UntilAsync(() => Task.FromResult(log.Lines.Count > 0));
                var watch = Stopwatch.StartNew();
                (await database.ScalarAsync<long>("SELECT count(*) FROM user_budgets")).ShouldBe(3);
                watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
                migrating.IsCompleted.ShouldBeFalse();
            }
            await migrating;
            await database.AssertIntegrityAsync();
        });

    [Fact]
    public Task A_session_that_holds_the_lock_of_migrations_and_does_nothing_is_named() =>
        WithOldAsync(async database =>
        {
            await using var holder = await HoldAsync(database, $"SELECT pg_advisory_lock({LockOfMigrations})");
            await Task.Delay(Short);
            var log = new LogLines();

            var refusal = await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(database.Ledger, Short, log, CancellationToken.None));

            refusal.Message.ShouldContain(
                $"the lock of another migration is held by the session {holder.ProcessID} (a report, role ");
            log.Lines.ShouldHaveSingleItem().ShouldContain($"held by the session {holder.ProcessID} (");
        });

    [Fact]
    public Task Another_process_that_migrates_is_waited_for_as_long_as_it_works() => WithOldAsync(async database =>
    {
        await using var other = await HoldAsync(database, $"SELECT pg_advisory_lock({LockOfMigrations})");
        await using var work = new NpgsqlCommand("SELECT pg_sleep(3)", other);
        var working = work.ExecuteNonQueryAsync();

        var migrating = Migrator.MigrateAsync(database.Ledger, Short, new LogLines(), CancellationToken.None);
        await working;
        migrating.IsCompleted.ShouldBeFalse();
        await using (var done = new NpgsqlCommand($"SELECT pg_advisory_unlock({LockOfMigrations})", other))
            await done.ExecuteNonQueryAsync();

        await migrating;
        (await Migrator.IsMigratedAsync(database.Ledger, CancellationToken.None)).ShouldBeTrue();
    });

    private static Task WithOldAsync(Func<TestDatabase, Task> test) =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows, test);

    // A session with an open transaction; its end lets go.
    private static async Task<NpgsqlConnection> HoldAsync(TestDatabase database, string sql)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                ApplicationName = "a report",
                Pooling = false
            }.ConnectionString);
        await connection.OpenAsync();
        await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }
}
