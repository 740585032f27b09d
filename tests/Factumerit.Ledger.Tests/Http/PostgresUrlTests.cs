using Factumerit.Ledger.Api.Hosting;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>postgres:// URLs, read as libpq documents them, and white space around ConnectionStrings:Ledger.</summary>
public sealed class PostgresUrlTests
{
    [Theory]
    [InlineData("postgres://alice:s3cret@db.example/ledger",
        "Host=db.example;Port=5432;Database=ledger;Username=alice;Password=s3cret")]
    [InlineData("POSTGRESQL://alice@db:6543", "Host=db;Port=6543;Username=alice")]
    [InlineData("postgres://a%40b:p%3Aa%2Fs%20s%25@db/led%2Dger",
        "Host=db;Port=5432;Database=led-ger;Username=a@b;Password=p:a/s s%")]
    [InlineData("postgres://u:p@ss:word@db/x", "Host=db;Port=5432;Database=x;Username=u;Password=p@ss:word")]
    [InlineData("postgres://u:p;Host=elsewhere@db/x",
        "Host=db;Port=5432;Database=x;Username=u;Password=\"p;Host=elsewhere\"")]
    [InlineData("postgres://u@[2001:db8::1]:5433/x", "Host=2001:db8::1;Port=5433;Database=x;Username=u")]
    [InlineData("postgres://u@[::1]/x", "Host=::1;Port=5432;Database=x;Username=u")]
    [InlineData("postgres://u@a:1,b,[::1]:3/x?target_session_attrs=read-write",
        "Host=\"a:1,b:5432,[::1]:3\";Database=x;Username=u;Target Session Attributes=read-write")]
    [InlineData("postgres:///x?host=/var/run/postgresql&user=u&port=5433",
        "Host=/var/run/postgresql;Port=5433;Database=x;Username=u")]
    [InlineData("postgres://%2Fvar%2Frun%2Fpostgresql/x", "Host=/var/run/postgresql;Port=5432;Database=x")]
    [InlineData("postgres://db/x?host=a,b&port=1,2", "Host=\"a:1,b:2\";Database=x")]
    [InlineData(
        "postgres://db/x?sslmode=verify-full&application_name=the%20ledger"
        + "&options=-c%20statement_timeout%3D5s&connect_timeout=3",
        "Host=db;Port=5432;Database=x;SSL Mode=VerifyFull;Application Name=the ledger;"
        + "Options=-c statement_timeout=5s;Timeout=3")]
    [InlineData("postgres://db/x?ssl=true&channel_binding=require&sslrootcert=/ca.pem",
        "Host=db;Port=5432;Database=x;SSL Mode=Require;Channel Binding=Require;Root Certificate=/ca.pem")]
    [InlineData("postgres://db/x?gssencmode=disable&sslnegotiation=direct&keepalives_idle=30&load_balance_hosts=random",
        "Host=db;Port=5432;Database=x;GSS Encryption Mode=Disable;SSL Negotiation=Direct;"
        + "TCP Keepalive Time=30;Load Balance Hosts=true")]
    public void A_URL_is_the_same_as_a_connection_string(string url, string expected) =>
        new NpgsqlConnectionStringBuilder(Read(url)!)
            .EquivalentTo(new NpgsqlConnectionStringBuilder(expected)).ShouldBeTrue(Read(url));

    [Theory]
    [InlineData("postgres://u:s%zzcret@db/x", "a percent sign")]
    [InlineData("postgres://u:secret%00@db/x", "%00")]
    [InlineData("postgres://u:sec/ret@db/x", "percent-encoded, such as %2F")]
    [InlineData("postgres://u:sec?ret@db/x", "host:port")]
    [InlineData("postgres://u:secret@db:0/x", "ports from 1 to 65535")]
    [InlineData("postgres://u:secret@db:99999/x", "ports from 1 to 65535")]
    [InlineData("postgres://u:secret@a,b/x?port=1,2,3", "one port, or one for each host")]
    [InlineData("postgres://u:secret@[::1/x", "[IPv6]:port")]
    [InlineData("postgres://u:secret@db/x?schema=secret", "the parameter schema, which is none of host, port,")]
    [InlineData("postgres://u:secret@db/x?sslmode=secret", "an invalid value of the parameter sslmode")]
    [InlineData("postgres://u:secret@db/x?connect_timeout=secret",
        "an invalid value of the parameter connect_timeout")]
    public void A_URL_that_can_not_be_read_gets_a_sentence_without_its_secrets(string url, string reason)
    {
        var exception = Should.Throw<ConfigurationException>(() => Read(url));

        exception.Message.ShouldStartWith("ConnectionStrings:Ledger is a URL that can't be read: it ");
        exception.Message.ShouldContain(reason);
        exception.Message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData(" \nHost=db;Username=u;Password=secret\r\n")]
    [InlineData("Host=db;Username=u;Password='secret\n'")]
    [InlineData("postgres://u:secret@db:5432\n")]
    [InlineData("postgres://u:secret%0A@db:5432")]
    public void White_space_of_a_file_is_cut_off(string given) =>
        new NpgsqlConnectionStringBuilder(Read(given)!).Password.ShouldBe("secret");

    [Fact]
    public void A_space_that_was_meant_stays() =>
        new NpgsqlConnectionStringBuilder(Read("Host=db;Password=' secret '")!).Password.ShouldBe(" secret ");

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public void A_blank_string_is_a_mistake(string blank) =>
        Should.Throw<ConfigurationException>(() => Read(blank))
            .Message.ShouldStartWith("ConnectionStrings:Ledger is set but blank.");

    [Fact]
    public void No_string_at_all_is_the_embedded_database() =>
        LedgerConnectionString.Read(new ConfigurationBuilder().Build()).ShouldBeNull();

    private static string? Read(string given) => LedgerConnectionString.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { [LedgerConnectionString.Key] = given }).Build());
}
