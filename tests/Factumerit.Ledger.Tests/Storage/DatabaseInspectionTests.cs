using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// A database that a ledger can't live in, or a pooler that it can't work through, is refused by name before anything
/// is changed.
/// </summary>
public sealed class DatabaseInspectionTests
{
    [Theory]
    [InlineData("LATIN1")]
    [InlineData("SQL_ASCII")]
    public async Task Another_encoding_than_UTF8_is_named_and_nothing_is_made(string encoding)
    {
        var connectionString = await TestServer.CreateDatabaseOfEncodingAsync(encoding);
        await using (var ledger = new LedgerDatabase(connectionString))
        {
            var refusal = await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(ledger, CancellationToken.None));

            refusal.Message.ShouldContain($"has the encoding {encoding}");
            refusal.Message.ShouldContain("createdb -E UTF8 -T template0 NAME");
            await using var tables = ledger.Readers.CreateCommand(
                "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace");
            (await tables.ExecuteScalarAsync()).ShouldBe(0L);
        }
        await TestServer.DropDatabaseAsync(connectionString);
    }

    [Theory]
    [InlineData("migrate")]
    [InlineData("--Database:MigrateAtStart=false")]
    public async Task The_start_and_the_verb_migrate_end_with_the_sentence(string argument)
    {
        var connectionString = await TestServer.CreateDatabaseOfEncodingAsync("LATIN1");

        var (exitCode, _, stderr) = await ServiceProcess.RunAsync(
            argument, $"--ConnectionStrings:Ledger={connectionString}", "--urls=http://127.0.0.1:0");

        exitCode.ShouldBe(1);
        stderr.ShouldStartWith("Factumerit.Ledger can't start: the database test_");
        stderr.ShouldContain("LATIN1");
        stderr.ShouldNotContain("\n");
        await TestServer.DropDatabaseAsync(connectionString);
    }

    [Fact]
    public Task The_encoding_of_the_environment_changes_no_text() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        const string Text = "Grüße aus München, 5 €, 你好";
        await using var service = ServiceProcess.Start(
            new Dictionary<string, string> { ["PGCLIENTENCODING"] = "LATIN1" }, "--urls=http://127.0.0.1:0",
            $"--ConnectionStrings:Ledger={database.ConnectionString}",
            $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}");
        using var client = new HttpClient { BaseAddress = await service.UrlAsync() };
        using var grant = new HttpRequestMessage(HttpMethod.Post, "/grants")
        {
            Headers = { Authorization = new("Bearer", LedgerService.AdminKey) },
            Content = new StringContent(
                $$"""{"user_id":"anna","amount_cents":1,"reason":"{{Text}}"}""", Encoding.UTF8, "application/json"),
        };
        grant.Headers.Add("Idempotency-Key", "g");

        using var reply = await client.SendAsync(grant);

        reply.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await database.ScalarAsync<string>("SELECT description FROM ledger_entries LIMIT 1")).ShouldContain(Text);
    });

    [Fact]
    public Task A_read_only_database_that_has_to_be_migrated_is_a_sentence() =>
        OldDatabase.WithAsync(OldDatabase.Serial, async database =>
        {
            await MakeReadOnlyAsync(database);
            await using var ledger = new LedgerDatabase(database.ConnectionString);

            (await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(ledger, CancellationToken.None)))
                .Message.ShouldContain("is read-only");
        });

    [Fact]
    public Task A_read_only_database_that_is_up_to_date_needs_no_migration() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await MakeReadOnlyAsync(database);
            await using var ledger = new LedgerDatabase(database.ConnectionString);

            (await Migrator.MigrateAsync(ledger, CancellationToken.None)).IsReadOnly.ShouldBeTrue();
        });

    [Fact]
    public async Task A_pooler_that_refuses_our_startup_parameters_is_named()
    {
        using var pooler = new TcpListener(IPAddress.Loopback, 0);
        pooler.Start();
        var refusing = RefuseOneAsync(pooler, "unsupported startup parameter: options");
        var port = ((IPEndPoint)pooler.LocalEndpoint).Port;
        await using var ledger = new LedgerDatabase(
            $"Host=127.0.0.1;Port={port};Username=u;SSL Mode=Disable;GSS Encryption Mode=Disable");

        var refusal = await Should.ThrowAsync<UnusableDatabaseException>(
            () => Migrator.MigrateAsync(ledger, CancellationToken.None));

        refusal.Message.ShouldContain("PgBouncer");
        refusal.Message.ShouldContain("unsupported startup parameter: options");
        refusal.Message.ShouldContain("ignore_startup_parameters = extra_float_digits,options");
        await refusing;
    }

    [Fact]
    public Task A_pooler_that_shares_sessions_is_refused_and_leaves_no_lock_behind() =>
        OldDatabase.WithAsync(OldDatabase.Serial, async database =>
        {
            await using var pooler = new SharingPooler(database.ConnectionString);
            await using var ledger = new LedgerDatabase(pooler.ConnectionString);

            var refusal = await Should.ThrowAsync<UnusableDatabaseException>(
                () => Migrator.MigrateAsync(ledger, CancellationToken.None));

            refusal.Message.ShouldContain("PgBouncer (or a pooler like it) in transaction or statement pooling");
            refusal.Message.ShouldContain("pool_mode = session");
            (await database.ScalarAsync<long>("""
                SELECT count(*) FROM pg_locks
                WHERE locktype = 'advisory' AND database =
                    (SELECT oid FROM pg_database WHERE datname = current_database())
                """)).ShouldBe(0);
            (await database.ScalarAsync<bool>("SELECT to_regclass('ledger_entries') IS NULL")).ShouldBeTrue();
        });

    [Fact]
    public Task A_pooler_that_keeps_sessions_apart_works() =>
        OldDatabase.WithAsync(OldDatabase.Serial, async database =>
        {
            await using var pooler = new SharingPooler(database.ConnectionString) { KeepsApart = true };
            await using var ledger = new LedgerDatabase(pooler.ConnectionString);

            await Migrator.MigrateAsync(ledger, CancellationToken.None);

            (await Migrator.IsMigratedAsync(database.Ledger, CancellationToken.None)).ShouldBeTrue();
        });

    [Theory]
    [InlineData("08P01", "transaction blocks not allowed in statement pooling mode")]
    [InlineData("26000", "prepared statement \"_auto0\" does not exist")]
    [InlineData("42P05", "prepared statement \"_auto0\" already exists")]
    public void What_only_shared_sessions_say_names_the_pooler(string sqlState, string message) =>
        SessionPooling.Explain(new PostgresException(message, "ERROR", "ERROR", sqlState)).ShouldNotBeNull()
            .ShouldContain("pool_mode = session");

    private static Task MakeReadOnlyAsync(TestDatabase database)
    {
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
        return database.ExecuteAsync($"ALTER DATABASE {name} SET default_transaction_read_only = on");
    }

    private static async Task RefuseOneAsync(TcpListener listener, string message)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await client.GetStream().ReadAtLeastAsync(new byte[1024], 8);
        var body = Encoding.ASCII.GetBytes($"SFATAL\0C08P01\0M{message}\0\0");
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length + 4);
        await client.GetStream().WriteAsync((byte[])[(byte)'E', .. length, .. body]);
    }
}
