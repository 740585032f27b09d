using System.Net;
using System.Net.Sockets;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>The program as a process: a wrong configuration stops the start with one line that names the key; its verbs.</summary>
public sealed class StartTests
{
    private const string Nowhere = "--ConnectionStrings:Ledger=Host=127.0.0.1;Port=1;Username=ledger;Password=not-to-be-told;Timeout=1";

    [Theory]
    [InlineData("Writer:QueueLimit must be from 1 to 1000000.", "--Writer:QueueLimit=0")]
    [InlineData("'abc' at 'Writer:QueueLimit'", "--Writer:QueueLimit=abc")]
    [InlineData("Writer:BatchLimit must be from 1 to 10000.", "--Writer:BatchLimit=0", "--RateLimits:Burst=-1")]
    [InlineData("RateLimits:Burst must be from 0 to 1000000", "--Writer:BatchLimit=0", "--RateLimits:Burst=-1")]
    [InlineData("Auth:BootstrapAdminKey must have 32 characters or more.", "--Auth:BootstrapAdminKey=short")]
    [InlineData("ConnectionStrings:Ledger is not a connection string", "--ConnectionStrings:Ledger=garbage")]
    [InlineData("ConnectionStrings:Ledger is not a connection string", "--ConnectionStrings:Ledger=Host=127.0.0.1;Prot=1")]
    [InlineData("ConnectionStrings:Ledger names can't be used: Failed to connect to 127.0.0.1:1", Nowhere, "--Database:StartTimeoutSeconds=0")]
    [InlineData("ConnectionStrings:Ledger asks for Multiplexing", "--ConnectionStrings:Ledger=Host=127.0.0.1;Multiplexing=true")]
    [InlineData("Database:MigrationLockTimeoutSeconds must be from 1 to 86400.", "--Database:MigrationLockTimeoutSeconds=0")]
    [InlineData("'maybe' at 'Database:MigrateAtStart'", Nowhere, "--Database:MigrateAtStart=maybe")]
    [InlineData("Embedded:DataDirectory must name a directory.", "--Embedded:DataDirectory=")]
    [InlineData("Pricing:Markup must be from 0 to 1000, with at most 6 decimals.", "--Pricing:Markup=-1")]
    [InlineData("'a lot' at 'Pricing:Markup'", "--Pricing:Markup=a lot")]
    [InlineData("Pricing:Overrides:0 must name either a Provider or a Model.", "--Pricing:Overrides:0:Markup=2")]
    [InlineData("Pricing:Overrides:0:Markup must be from 0 to 1000", "--Pricing:Overrides:0:Model=amazon.nova-lite-v1:0", "--Pricing:Overrides:0:Markup=1001")]
    [InlineData("Pricing:RefreshSeconds must be from 1 to 3600.", "--Pricing:RefreshSeconds=0")]
    [InlineData("LiteLlm:BaseUrl and LiteLlm:MasterKey go together", "--LiteLlm:BaseUrl=http://localhost:4000")]
    [InlineData("LiteLlm:BaseUrl and LiteLlm:MasterKey go together", "--LiteLlm:MasterKey=not-to-be-told")]
    [InlineData("LiteLlm:BaseUrl must be an absolute http or https address", "--LiteLlm:BaseUrl=litellm:4000", "--LiteLlm:MasterKey=not-to-be-told")]
    [InlineData("LiteLlm:BaseUrl must be an absolute http or https address", "--LiteLlm:BaseUrl=http://me:not-to-be-told@litellm", "--LiteLlm:MasterKey=sk-1")]
    [InlineData("LiteLlm:MasterKey must be one word", "--LiteLlm:BaseUrl=http://localhost:4000", "--LiteLlm:MasterKey=not-to-be-told at all")]
    [InlineData("LiteLlm:TimeoutMs must be from 100 to 600000.", "--LiteLlm:TimeoutMs=0")]
    [InlineData("section Serilog", "--Serilog:MinimumLevel:Default=Loud")]
    [InlineData("ASPNETCORE_URLS (or --urls) can't be listened on: ", Nowhere, "--Database:MigrateAtStart=false", "--urls=nowhere")]
    [InlineData("there is no verb 'migrat'", "migrat")]
    [InlineData("'nowhere' is not", "healthcheck", "nowhere")]
    public async Task A_wrong_start_ends_with_one_line_that_names_the_key(string sentence, params string[] args)
    {
        var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync(args);

        exitCode.ShouldBe(1);
        stderr.ShouldStartWith("Factumerit.Ledger can't start: ");
        stderr.ShouldContain(sentence);
        stderr.ShouldNotContain("\n");
        (stdout + stderr).ShouldNotContain("not-to-be-told");
        stdout.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync(Nowhere, "--Database:MigrateAtStart=false", $"--urls={url}");

        exitCode.ShouldBe(1);
        stderr.ShouldBe($"Factumerit.Ledger can't start: Failed to bind to address {url}: address already in use. Stop what listens there, or choose another address with ASPNETCORE_URLS.");
        stdout.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task The_verb_migrate_brings_a_database_up_to_date_and_ends()
    {
        var connectionString = await TestServer.CreateEmptyDatabaseAsync();

        for (var run = 0; run < 2; run++)
        {
            var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync("migrate", $"--ConnectionStrings:Ledger={connectionString}");
            stderr.ShouldBe("");
            stdout.ShouldEndWith("The database is up to date.");
            exitCode.ShouldBe(0);
        }

        await TestServer.DropDatabaseAsync(connectionString);
    }

    [Fact]
    public async Task The_verb_healthcheck_is_0_for_a_ready_service_and_1_for_none()
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        var ready = $"{service.Url}health/ready";
        try
        {
            (await ServiceProcess.RunAsync("healthcheck", ready)).ShouldBe((0, "", ""));
        }
        finally
        {
            await service.DisposeAsync();
        }
        (await ServiceProcess.RunAsync("healthcheck", ready)).ShouldBe((1, "", ""));
    }
}
