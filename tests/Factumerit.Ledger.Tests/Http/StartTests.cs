using System.Net;
using System.Net.Sockets;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The program as a process: a wrong configuration stops the start with one line that names the key. Also its verbs.
/// </summary>
public sealed class StartTests
{
    private const string Nowhere =
        "--ConnectionStrings:Ledger=Host=127.0.0.1;Port=1;Username=ledger;Password=not-to-be-told;Timeout=1";

    private const string Serve = "--Database:MigrateAtStart=false";
    private const string Listen = "ASPNETCORE_URLS (or --urls) can't be listened on: ";

    [Theory]
    [InlineData("Writer:QueueLimit must be from 1 to 1000000.", "--Writer:QueueLimit=0")]
    [InlineData("Writer:QueueLimit must be a whole number, not 'abc'.", "--Writer:QueueLimit=abc")]
    [InlineData("Writer:QueueLimit must be from 1 to 1000000.", "--Writer:BatchLimit=1", "--Writer:QueueLimit", "0")]
    [InlineData("Writer:BatchLimit must be from 1 to 10000.", "--Writer:BatchLimit=0", "--RateLimits:Burst=-1")]
    [InlineData("RateLimits:Burst must be from 0 to 1000000", "--Writer:BatchLimit=0", "--RateLimits:Burst=-1")]
    [InlineData("Auth:BootstrapAdminKey must have 32 characters or more.", "--Auth:BootstrapAdminKey=short")]
    [InlineData("Auth:BootstrapAdminKey is too easy to guess",
        "--Auth:BootstrapAdminKey=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("Auth:BootstrapAdminKey is too easy to guess",
        "--Auth:BootstrapAdminKey=abcabdacbdabcabdacbdabcabdacbdabcabd")]
    [InlineData("Auth:BootstrapAdminKey is too easy", "--Auth:BootstrapAdminKey=abcdefghijklmnopqrstuvwxyz012345")]
    [InlineData("Auth:BootstrapAdminKey is too easy", "--Auth:BootstrapAdminKey=Qwertyuiop-Poiuytrewq-1234567890")]
    [InlineData("Auth:BootstrapAdminKey is too easy", "--Auth:BootstrapAdminKey=k9-correct8correct8correct8-Xw2z")]
    [InlineData("Auth:BootstrapAdminKey is too easy to guess",
        "--Auth:BootstrapAdminKey=not-to-be-told!not-to-be-told!not-to-be")]
    [InlineData("ConnectionStrings:Ledger is not a connection string", "--ConnectionStrings:Ledger=garbage")]
    [InlineData("ConnectionStrings:Ledger is not a connection string",
        "--ConnectionStrings:Ledger=Host=127.0.0.1;Prot=1")]
    [InlineData("ConnectionStrings:Ledger names can't be used: Failed to connect to 127.0.0.1:1", Nowhere,
        "--Database:StartTimeoutSeconds=0")]
    [InlineData("ConnectionStrings:Ledger asks for Multiplexing",
        "--ConnectionStrings:Ledger=Host=127.0.0.1;Multiplexing=true")]
    [InlineData("Database:MigrationLockTimeoutSeconds must be from 1 to 86400.",
        "--Database:MigrationLockTimeoutSeconds=0")]
    [InlineData(
        "Database:MigrateAtStart must be true or false, not 'maybe'.", Nowhere, "--Database:MigrateAtStart=maybe")]
    [InlineData("Embedded:DataDirectory must name a directory.", "--Embedded:DataDirectory=")]
    [InlineData("Pricing:Markup must be from 0 to 1000, with at most 6 decimals.", "--Pricing:Markup=-1")]
    [InlineData("Pricing:Markup must be a number such as 1.25, not '1,25'.", "--Pricing:Markup=1,25")]
    [InlineData(
        "Pricing:Overrides:0:Markup must be a number such as 1.25, not '1,25'.",
        "--Pricing:Overrides:0:Model=m", "--Pricing:Overrides:0:Markup=1,25")]
    [InlineData("Kestrel:Limits:Foo is not a limit; the limits are: ", "--Kestrel:Limits:Foo=5")]
    [InlineData(
        "Kestrel:Limits:MaxRequestLineSize must be a whole number, not '1k'.",
        "--Kestrel:Limits:MaxRequestLineSize=1k")]
    [InlineData("Kestrel:Limits:MaxRequestLineSize can't be '-1': ", "--Kestrel:Limits:MaxRequestLineSize=-1")]
    [InlineData(
        "Kestrel:Limits:KeepAliveTimeout must be a time span such as 00:00:10, not '10s'.",
        "--Kestrel:Limits:KeepAliveTimeout=10s")]
    [InlineData("Pricing:Overrides:0 must name either a Provider or a Model.", "--Pricing:Overrides:0:Markup=2")]
    [InlineData("Pricing:Overrides:0:Markup must be from 0 to 1000",
        "--Pricing:Overrides:0:Model=amazon.nova-lite-v1:0", "--Pricing:Overrides:0:Markup=1001")]
    [InlineData("Pricing:RefreshSeconds must be from 1 to 3600.", "--Pricing:RefreshSeconds=0")]
    [InlineData("LiteLlm:BaseUrl and LiteLlm:MasterKey go together", "--LiteLlm:BaseUrl=http://localhost:4000")]
    [InlineData("LiteLlm:BaseUrl and LiteLlm:MasterKey go together", "--LiteLlm:MasterKey=not-to-be-told")]
    [InlineData("LiteLlm:BaseUrl must be an absolute http or https address", "--LiteLlm:BaseUrl=litellm:4000",
        "--LiteLlm:MasterKey=not-to-be-told")]
    [InlineData("LiteLlm:BaseUrl must be an absolute http or https address",
        "--LiteLlm:BaseUrl=http://me:not-to-be-told@litellm", "--LiteLlm:MasterKey=sk-1")]
    [InlineData("LiteLlm:MasterKey must be one word", "--LiteLlm:BaseUrl=http://localhost:4000",
        "--LiteLlm:MasterKey=not-to-be-told at all")]
    [InlineData("LiteLlm:TimeoutMs must be from 100 to 600000.", "--LiteLlm:TimeoutMs=0")]
    [InlineData("section Serilog", "--Serilog:MinimumLevel:Default=Loud")]
    [InlineData(
        Listen + "'nowhere' is not an address such as http://localhost:5080.", Nowhere, Serve, "--urls=nowhere")]
    [InlineData(Listen + "'ftp://localhost' is not an address", Nowhere, Serve, "--urls=ftp://localhost")]
    [InlineData(
        Listen + "the port of 'http://localhost:99999' is not from 0 to 65535.",
        Nowhere, Serve, "--urls=http://127.0.0.1:0;http://localhost:99999")]
    [InlineData("not 'nowhere'", "healthcheck", "nowhere")]
    [InlineData("ConnectionStrings:Ledger is set but blank.", "--ConnectionStrings:Ledger=")]
    [InlineData("ConnectionStrings:Ledger is set but blank.", "migrate", "--ConnectionStrings:Ledger= ")]
    [InlineData("it has the parameter schema, which is none of",
        "--ConnectionStrings:Ledger=postgres://u:not-to-be-told@127.0.0.1:1/db?schema=public")]
    [InlineData("Failed to connect to 127.0.0.1:1",
        "--ConnectionStrings:Ledger=postgres://u:not-to-be-told@127.0.0.1:1/db", "--Database:StartTimeoutSeconds=0")]
    [InlineData("Failed to connect to [::1]:1", "--ConnectionStrings:Ledger=postgres://u:not-to-be-told@[::1]:1/db",
        "--Database:StartTimeoutSeconds=0")]
    [InlineData("'/proc/nowhere' can't be used", "--Embedded:DataDirectory=/proc/nowhere")]
    [InlineData("'/etc/hostname/below' can't be used", "--Embedded:DataDirectory=/etc/hostname/below")]
    [InlineData(
        Listen + "'http://127.0.0.1:0/ledger' has a path, which is set by PathBase.",
        Nowhere, Serve, "--urls=http://127.0.0.1:0/ledger")]
    [InlineData("PathBase must be a path such as /ledger", Nowhere, "--PathBase=ledger")]
    [InlineData("PathBase must be a path such as /ledger", Nowhere, "--PathBase=//elsewhere.example")]
    [InlineData("ForwardedHeaders:KnownProxies must be IP addresses.", Nowhere,
        "--ForwardedHeaders:KnownProxies:0=proxy")]
    [InlineData("ForwardedHeaders:KnownNetworks must be networks", Nowhere,
        "--ForwardedHeaders:KnownNetworks:0=10.0.0.1/99")]
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

    [Theory]
    [InlineData("'migrat' is not a verb.", "migrat")]
    [InlineData("'--nonsense' is a setting without a value.", "--nonsense")]
    [InlineData(
        "'--Writer:BatchLimit' is a setting without a value.", "--Writer:BatchLimit", "--urls=http://127.0.0.1:0")]
    [InlineData("'-x' is not a setting.", "-x")]
    [InlineData("'-x=1' is not a setting.", "migrate", "-x=1")]
    [InlineData("'migrate' is not a setting.", "--Writer:BatchLimit=5", "migrate")]
    [InlineData("healthcheck takes one address; 'more' is one too many.", "healthcheck", "http://localhost", "more")]
    public async Task A_wrong_command_line_ends_with_one_line_that_names_what_there_is(
        string sentence, params string[] args) =>
        (await ServiceProcess.RunAsync(args)).ShouldBe((2, "", $"Factumerit.Ledger can't start: {sentence} The "
            + "verbs are migrate and healthcheck [URL]; settings are --SECTION:KEY=VALUE; --help explains them."));

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("migrate", "--help")]
    public async Task Help_is_printed_and_nothing_is_started(params string[] args)
    {
        var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync(args);

        (exitCode, stderr).ShouldBe((0, ""));
        stdout.ShouldStartWith("Usage: dotnet Factumerit.Ledger.Api.dll [migrate]");
        stdout.ShouldContain("  healthcheck [URL] ");
    }

    [Fact]
    public async Task Settings_that_are_no_JSON_are_named_by_file_and_line()
    {
        var name = $"Test{Guid.NewGuid():N}";
        var file = Path.Combine(AppContext.BaseDirectory, $"appsettings.{name}.json");
        await File.WriteAllTextAsync(file, "{\n\"Writer\": {");
        await using var process = ServiceProcess.Start(
            new Dictionary<string, string> { ["ASPNETCORE_ENVIRONMENT"] = name }, Nowhere);
        (await process.EndAsync()).ShouldBe(1);
        File.Delete(file);

        process.Stderr.ShouldStartWith(
            $"Factumerit.Ledger can't start: Failed to load configuration from file '{file}'.");
        process.Stderr.ShouldContain("LineNumber: 1");
        process.Stderr.ShouldNotContain("\n");
        process.Stdout.ShouldBe("");
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1,
        "Factumerit.Ledger can't start: it was stopped before the database was up to date. Run migrate again.",
        "migrate")]
    public async Task A_start_that_is_told_to_stop_ends_in_order(int exitCode, string sentence, params string[] verb)
    {
        await using var process = ServiceProcess.Start([.. verb, Nowhere, "--Database:StartTimeoutSeconds=60"]);
        await Chaos.ServiceProcess.UntilAsync(
            () => Task.FromResult(process.Stdout.Contains("can't be reached yet", StringComparison.Ordinal)));

        (await process.StopAsync()).ShouldBe(exitCode);
        process.Stderr.ShouldBe(sentence);
    }

    [Fact]
    public async Task A_secret_of_a_file_works_with_the_line_break_at_its_end()
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        var given = new Npgsql.NpgsqlConnectionStringBuilder(service.Database.ConnectionString);
        var (password, url) = (given.Password,
            $"postgresql://{Uri.EscapeDataString(given.Username!)}@{given.Host}:{given.Port}/{given.Database}"
            + "?application_name=by%20url\n");
        await using (var process = ServiceProcess.Start(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = url,
                ["PGPASSWORD"] = $"{password}\n",
                ["Auth__BootstrapAdminKey"] = $" {LedgerService.AdminKey}\r\n",
                ["LiteLlm__BaseUrl"] = "http://127.0.0.1:1\n",
                ["LiteLlm__MasterKey"] = "sk-of-a-file\n",
            },
            "--urls=http://127.0.0.1:0"))
        {
            using var client = new HttpClient
            {
                BaseAddress = await process.UrlAsync(),
                DefaultRequestHeaders = { Authorization = new("Bearer", LedgerService.AdminKey) }
            };
            using var answer = await client.GetAsync(new Uri("/users", UriKind.Relative));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await service.Database.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity "
                + "WHERE application_name = 'by url' AND datname = current_database())"))
                .ShouldBeTrue();
            (await process.StopAsync()).ShouldBe(0);
            (process.Stdout + process.Stderr).ShouldNotContain(password!);
        }
        await service.DisposeAsync();
    }

    [Theory]
    [InlineData("DATABASE_URL in the environment is", "DATABASE_URL")]
    [InlineData("DATABASE_URL, PGHOST, POSTGRES_PASSWORD in the environment are",
        "DATABASE_URL", "PGHOST", "POSTGRES_PASSWORD")]
    public async Task Variables_that_name_a_database_elsewhere_are_named_and_what_is_read_instead(
        string named, params string[] variables)
    {
        await using var process = ServiceProcess.Start(
            variables.ToDictionary(variable => variable, _ => "postgres://u:not-to-be-told@db/x"),
            "--Embedded:DataDirectory=/proc/nowhere");
        (await process.EndAsync()).ShouldBe(1);

        process.Stdout.ShouldContain(
            $"WRN {named} ignored: name the database in ConnectionStrings__Ledger.");
        process.Stdout.ShouldNotContain("not-to-be-told");
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync(
            Nowhere, "--Database:MigrateAtStart=false", $"--urls={url}");

        exitCode.ShouldBe(1);
        stderr.ShouldBe(
            $"Factumerit.Ledger can't start: Failed to bind to address {url}: address already in use. "
            + "Stop what listens there, or choose another address with ASPNETCORE_URLS.");
        stdout.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task The_verb_migrate_brings_a_database_up_to_date_and_ends()
    {
        var connectionString = await TestServer.CreateEmptyDatabaseAsync();

        for (var run = 0; run < 2; run++)
        {
            var (exitCode, stdout, stderr) = await ServiceProcess.RunAsync(
                "migrate", $"--ConnectionStrings:Ledger={connectionString}");
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
            foreach (var address in (string[])[ready, $"{service.Url}", $"{service.Url}".TrimEnd('/')])
                (await ServiceProcess.RunAsync("healthcheck", address)).ShouldBe((0, "", ""), address);
            // Something else that answers is no service that is ready.
            (await ServiceProcess.RunAsync("healthcheck", $"{service.Url}swagger")).Item1.ShouldBe(1);
        }
        finally
        {
            await service.DisposeAsync();
        }
        (await ServiceProcess.RunAsync("healthcheck", ready))
            .ShouldBe((1, "", $"Not ready: {ready} can't be reached."));
    }
}
