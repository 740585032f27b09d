using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// What the operator writes into the connection string wins over the defaults, except for what is the service's own;
/// what can't work is a sentence.
/// </summary>
public sealed class ConnectionSettingsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public void Without_a_word_from_the_operator_the_defaults_hold()
    {
        using var source = ConnectionSettings.ForReading("Host=a", 7);
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);

        (settings.Timeout, settings.CommandTimeout, settings.MaxAutoPrepare, settings.AutoPrepareMinUsages)
            .ShouldBe((3, 6, 40, 2));
        (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval).ShouldBe((true, 10, 3));
        (settings.NoResetOnClose, settings.ApplicationName, settings.MaxPoolSize)
            .ShouldBe((true, "factumerit-ledger", 7));
        settings.ClientEncoding.ShouldBe("UTF8");
    }

    [Fact]
    public void What_the_operator_writes_wins_but_pools_and_encoding_are_ours()
    {
        using var source = ConnectionSettings.ForWriting(
            "Host=a;Timeout=21;CommandTimeout=44;Max Auto Prepare=0;Tcp Keepalive=false;" +
            "Application Name=mine;No Reset On Close=false;" +
            "SSL Mode=Require;Keepalive=9;Maximum Pool Size=500;Minimum Pool Size=400;Client Encoding=utf-8");
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);

        (settings.Timeout, settings.CommandTimeout, settings.MaxAutoPrepare, settings.TcpKeepAlive)
            .ShouldBe((21, 44, 0, false));
        (settings.ApplicationName, settings.NoResetOnClose, settings.KeepAlive).ShouldBe(("mine", false, 9));
        settings.SslMode.ShouldBe(SslMode.Require);
        (settings.MaxPoolSize, settings.MinPoolSize, settings.ClientEncoding).ShouldBe((4, 0, "UTF8"));
    }

    [Fact]
    public async Task An_option_of_the_operator_wins_over_the_same_one_of_ours()
    {
        var settings =
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c jit=on -c work_mem=5MB" };
        await using var ledger = new LedgerDatabase(settings.ConnectionString);
        await using var writer = await ledger.OpenWriterAsync();
        await using var command = new NpgsqlCommand(
            """
            SELECT concat_ws(' ', current_setting('jit'), current_setting('work_mem'),
                current_setting('idle_in_transaction_session_timeout'))
            """, writer);

        (await command.ExecuteScalarAsync()).ShouldBe("on 5MB 5s");
    }

    [Theory]
    [InlineData("primary")]
    [InlineData("read-write")]
    [InlineData("any")]
    [InlineData("prefer-primary")]
    public async Task One_host_may_be_asked_to_be_one_that_takes_writes(string attributes)
    {
        var settings =
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { TargetSessionAttributes = attributes };
        await using var ledger = new LedgerDatabase(settings.ConnectionString);
        await using var writer = await ledger.OpenWriterAsync();

        writer.State.ShouldBe(System.Data.ConnectionState.Open);
    }

    [Fact]
    public async Task Of_several_hosts_the_one_that_takes_writes_is_used()
    {
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        settings.Host = $"127.0.0.1:1,{settings.Host}:{settings.Port}";
        await using var ledger = new LedgerDatabase(settings.ConnectionString);

        await Migrator.MigrateAsync(ledger, CancellationToken.None);
        await using var writer = await ledger.OpenWriterAsync();
        writer.Port.ShouldBe(settings.Port);
    }

    [Theory]
    [InlineData("names no Host", "Username=x")]
    [InlineData("Target Session Attributes=standby", "Host=a;Target Session Attributes=standby")]
    [InlineData("Target Session Attributes=read-only", "Host=a,b;Target Session Attributes=read-only")]
    [InlineData("Client Encoding=LATIN1", "Host=a;Client Encoding=LATIN1")]
    [InlineData("Encoding=latin1", "Host=a;Encoding=latin1")]
    [InlineData("Multiplexing", "Host=a;Multiplexing=true")]
    [InlineData("SSL Mode has to be Require or higher", "Host=a;SSL Negotiation=direct")]
    [InlineData("Couldn't set timeout", "Host=a;Timeout=-1")]
    [InlineData("Couldn't set nonsense", "Host=a;nonsense=1")]
    public void What_cannot_work_is_said_in_a_sentence_without_the_password(string sentence, string connectionString)
    {
        var refusal = Should.Throw<UnusableDatabaseException>(
            () => new LedgerDatabase($"{connectionString};Password=not-to-be-told"));

        refusal.Message.ShouldStartWith("ConnectionStrings:Ledger ");
        refusal.Message.ShouldContain(sentence);
        refusal.Message.ShouldNotContain("not-to-be-told");
    }
}
