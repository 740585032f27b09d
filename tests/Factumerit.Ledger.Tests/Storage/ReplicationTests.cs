using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// The rules of the database hold in sessions whose search path is empty, as those of logical replication and of
/// restores are.
/// </summary>
public sealed class ReplicationTests
{
    private const string AsReplication = "SET LOCAL search_path = ''; SET LOCAL session_replication_role = replica";

    [Fact]
    public Task Every_function_says_where_it_looks() => DatabaseQueries.WithDatabaseAsync(async database =>
        (await database.RowsAsync("""
            SELECT proname, proconfig::text FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
                AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))
            """)).ShouldBeEmpty());

    [Fact]
    public Task Entries_balance_at_commit_whatever_the_search_path_is_R1() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            string Leg(string account, string debit, string credit) => $"""
                INSERT INTO public.ledger_entries (transaction_id, account, debit_cents, credit_cents)
                VALUES ('00000000-0000-7000-8000-000000000001', '{account}', {debit}, {credit})
                """;
            var (debit, credit) = (Leg("equity:capital", "5", "0"), Leg("asset:anthropic", "0", "5"));

            (await database.RefusalOfAsync(LedgerSql.Commit(AsReplication, debit)))
                .ShouldBe(PostgresErrorCodes.CheckViolation);
            await database.ExecuteAsync(LedgerSql.Commit(AsReplication, debit, credit));

            (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_entries")).ShouldBe(2);
            (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_open_transactions")).ShouldBe(0);
        });

    [Fact]
    public async Task Logical_replication_copies_a_ledger_whole()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"factumerit-replication-{Guid.NewGuid():N}");
        try
        {
            await ReplicateAsync(new EmbeddedPostgresOptions { DataDirectory = directory });
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task ReplicateAsync(EmbeddedPostgresOptions options)
    {
        await using (var first = await PrivatePostgres.StartAsync(
            options, NullLogger.Instance, CancellationToken.None))
        {
            await ExecuteAsync(first.ConnectionString, "ALTER SYSTEM SET wal_level = logical");
            await ExecuteAsync(first.ConnectionString, "CREATE DATABASE copy");
        }
        await using var server = await PrivatePostgres.StartAsync(
            options, NullLogger.Instance, CancellationToken.None);
        await using var source = new TestDatabaseOf(server.ConnectionString);
        var settings = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "copy" };
        await using var copy = new TestDatabaseOf(settings.ConnectionString);
        await source.MigrateAsync();
        await copy.MigrateAsync();
        // The copy gets these rows like all others.
        await copy.ExecuteAsync(
            "DELETE FROM ledger_origin; DELETE FROM actors; DELETE FROM api_key_changes; "
            + "DELETE FROM \"__EFMigrationsHistory\"");
        await source.PostAsync("before");

        await source.ExecuteAsync("CREATE PUBLICATION books FOR ALL TABLES");
        await source.ExecuteAsync("SELECT pg_create_logical_replication_slot('books', 'pgoutput')");
        await copy.ExecuteAsync($"""
            CREATE SUBSCRIPTION books
            CONNECTION 'host=127.0.0.1 port={source.Port} dbname=ledger user={source.User} password={source.Password}'
            PUBLICATION books WITH (create_slot = false, slot_name = books)
            """);
        await source.PostAsync("after");

        await Chaos.ServiceProcess.UntilAsync(
            async () => await copy.CountAsync("pg_subscription_rel WHERE srsubstate <> 'r'") == 0
            && await copy.CountAsync("ledger_entries") == 4);
        var report = await new Factumerit.Ledger.Integrity.IntegrityCheck(copy.Ledger)
            .RunAsync(full: true, CancellationToken.None);
        report.Faults.ShouldBeEmpty();
        await copy.ExecuteAsync("ALTER SUBSCRIPTION books DISABLE");
        await copy.ExecuteAsync("ALTER SUBSCRIPTION books SET (slot_name = NONE)");
        await copy.ExecuteAsync("DROP SUBSCRIPTION books");
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A ledger on a server of the test's own.</summary>
    private sealed class TestDatabaseOf(string connectionString) : IAsyncDisposable
    {
        private readonly NpgsqlConnectionStringBuilder _settings = new(connectionString);

        public LedgerDatabase Ledger { get; } = new(connectionString);

        public int Port => _settings.Port;

        public string User => _settings.Username!;

        public string Password => _settings.Password!;

        public Task MigrateAsync() => Migrator.MigrateAsync(Ledger, CancellationToken.None);

        public Task ExecuteAsync(string sql) => ReplicationTests.ExecuteAsync(connectionString, sql);

        public async Task PostAsync(string key)
        {
            await using var ledger = new Writing.WriterUnderTest(connectionString);
            (await ledger.GrantAsync($"user-{key}", 5)).Answer.ShouldNotBeNull();
        }

        public async Task<long> CountAsync(string rows)
        {
            await using var command = Ledger.Readers.CreateCommand($"SELECT count(*) FROM {rows}");
            return (long)(await command.ExecuteScalarAsync())!;
        }

        public ValueTask DisposeAsync() => Ledger.DisposeAsync();
    }
}
