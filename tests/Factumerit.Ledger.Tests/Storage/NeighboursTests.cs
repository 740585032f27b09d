using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// A ledger that shares its database with other programs changes its own tables only, in its own schema.
/// </summary>
public sealed class NeighboursTests
{
    [Fact]
    public Task Constraints_of_others_are_not_validated() =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows, async database =>
        {
            await database.ExecuteAsync("""
                CREATE TABLE theirs (n int); INSERT INTO theirs VALUES (-1);
                ALTER TABLE theirs ADD CONSTRAINT ck_theirs CHECK (n > 0) NOT VALID;
                CREATE SCHEMA other; CREATE TABLE other.ledger_entries (n int);
                ALTER TABLE other.ledger_entries ADD CONSTRAINT ck_right CHECK (n > 0) NOT VALID
                """);

            await database.MigrateAsync();

            (await database.RowsAsync("SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1"))
                .ShouldBe(["ck_right", "ck_theirs"]);
        });

    [Fact]
    public Task A_view_of_our_name_that_reads_other_tables_is_not_dropped() =>
        OldDatabase.WithAsync(OldDatabase.Ledger, async database =>
        {
            await database.ExecuteAsync(
                "DROP VIEW ledger_integrity; CREATE TABLE theirs (n int); "
                + "CREATE VIEW ledger_integrity AS SELECT n FROM theirs");

            (await Should.ThrowAsync<PostgresException>(() => database.MigrateAsync())).SqlState.ShouldBe(
                PostgresErrorCodes.DuplicateTable);

            (await database.ScalarAsync<string>("SELECT pg_get_viewdef('ledger_integrity'::regclass)"))
                .ShouldContain("theirs");
            (await database.ScalarAsync<bool>("SELECT to_regclass('account_balances') IS NOT NULL")).ShouldBeTrue();
        });

    [Fact]
    public Task A_ledger_in_a_schema_of_its_own_leaves_tables_of_the_same_names_alone() =>
        OldDatabase.WithAsync(OldDatabase.Ledger, async database =>
        {
            await database.ExecuteAsync("CREATE SCHEMA books");
            var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString) { SearchPath = "books,public" };
            await using var ledger = new LedgerDatabase(settings.ConnectionString);

            for (var start = 0; start < 2; start++)
                await Migrator.MigrateAsync(ledger, CancellationToken.None);

            (await database.RowsAsync("SELECT count(*), max(schemaname) FROM pg_tables "
                + "WHERE tablename = '__EFMigrationsHistory'")).ShouldBe(["1|books"]);
            (await database.ScalarAsync<string>("""
                SELECT format_type(atttypid, atttypmod) FROM pg_attribute
                WHERE attrelid = 'public.ledger_entries'::regclass AND attname = 'debit_cents'
                """)).ShouldBe("integer");
            (await database.RowsAsync("SELECT schemaname FROM pg_views WHERE viewname = 'account_balances' ORDER BY 1"))
                .ShouldBe(["books", "public"]);
            (await database.RowsAsync("""
                SELECT DISTINCT proconfig::text FROM pg_proc WHERE pronamespace = 'books'::regnamespace
                """)).ShouldBe(["""{"search_path=books, pg_temp"}"""]);
        });
}
