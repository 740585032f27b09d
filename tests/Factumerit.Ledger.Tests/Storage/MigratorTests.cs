using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.EntityFrameworkCore;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>Migrating again does nothing, and processes that start together queue instead of colliding.</summary>
public sealed class MigratorTests
{
    private const string Schema = """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) AS line
                FROM pg_attribute
            WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND attnum > 0
            UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace) s
        """;

    [Fact]
    public Task Migrating_twice_changes_nothing() =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows, async database =>
        {
            (await Migrator.IsMigratedAsync(database.Ledger, CancellationToken.None)).ShouldBeFalse();
            await database.MigrateAsync();
            var schema = await database.ScalarAsync<string>(Schema);
            await database.PostAsync(service => service.GrantAsync(
                new() { UserId = "carol", AmountCents = 1 }, "root", "g", CancellationToken.None));

            await database.MigrateAsync();
            (await Migrator.IsMigratedAsync(database.Ledger, CancellationToken.None)).ShouldBeTrue();
            (await database.ScalarAsync<string>(Schema)).ShouldBe(schema);
            (await database.ScalarAsync<decimal>("SELECT opening_cents FROM user_budgets WHERE user_id = 'carol'"))
                .ShouldBe(100);
            await database.AssertIntegrityAsync();
        });

    [Fact]
    public Task Processes_that_migrate_at_once_take_turns() =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows, async database =>
        {
            // A data source of its own is what each process would have.
            await using var second = new LedgerDatabase(database.ConnectionString);
            await using var third = new LedgerDatabase(database.ConnectionString);
            await Task.WhenAll(new[] { database.Ledger, second, third }.Select(
                ledger => Task.Run(() => Migrator.MigrateAsync(ledger, CancellationToken.None))));
            await using var context = database.Ledger.CreateContext();
            (await database.ScalarAsync<long>("""SELECT count(*) FROM "__EFMigrationsHistory" """))
                .ShouldBe(context.Database.GetMigrations().Count());
            await database.AssertIntegrityAsync();
        });

    [Fact]
    public Task A_migration_that_fails_leaves_the_old_database_as_it_was() =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows, async database =>
        {
            await database.ExecuteAsync("CREATE TABLE llm_usage (mine int)");
            var schema = await database.ScalarAsync<string>(
                "SELECT string_agg(attname || format_type(atttypid, atttypmod), ' ' ORDER BY attnum) "
                + "FROM pg_attribute WHERE attrelid = 'user_budgets'::regclass");
            await Should.ThrowAsync<Npgsql.PostgresException>(() => database.MigrateAsync());
            (await database.ScalarAsync<string>(
                "SELECT string_agg(attname || format_type(atttypid, atttypmod), ' ' ORDER BY attnum) "
                + "FROM pg_attribute WHERE attrelid = 'user_budgets'::regclass"))
                .ShouldBe(schema);

            await database.ExecuteAsync("DROP TABLE llm_usage");
            await database.MigrateAsync();
            await database.AssertIntegrityAsync();
        });
}
