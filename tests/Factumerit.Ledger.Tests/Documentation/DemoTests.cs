using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Documentation;

/// <summary>
/// The company that <c>scripts/run --demo</c> loads: it shows what the product does and prints only its own lines.
/// </summary>
[Collection(nameof(BuildingHere))]
public sealed class DemoTests : IAsyncLifetime
{
    private const string Done = "The demo company is loaded.";

    private readonly TestDatabase _database = new();
    private readonly HttpClient _http = new();
    private Terminal _terminal = null!;

    public async Task InitializeAsync()
    {
        await _database.InitializeAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _http.BaseAddress = new Uri($"http://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        _http.DefaultRequestHeaders.Authorization = new("Bearer", LedgerService.AdminKey);
        _terminal = new Terminal(Repository.Root, new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = _http.BaseAddress.ToString().TrimEnd('/'),
            ["ConnectionStrings__Ledger"] = _database.ConnectionString,
            ["Auth__BootstrapAdminKey"] = LedgerService.AdminKey,
        });
    }

    public async Task DisposeAsync()
    {
        await _terminal.DisposeAsync();
        _http.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_demo_shows_what_the_product_does_and_adds_nothing_when_it_runs_again()
    {
        await _terminal.StartAsync("scripts/run --demo", Done);
        var said = _terminal.OutputOfLast.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // Before its first own line the service starts; from then on nothing else is said.
        said = said[Array.FindIndex(said, line => line.StartsWith("Demo: ", StringComparison.Ordinal))..];
        said.ShouldAllBe(line => !line.Contains(" INF ") && !line.Contains(" WRN "));
        said.ShouldContain(line => line.Contains("trial:yuri has -0.6 cents of credit"));
        said.Count(line =>
            line.StartsWith("vikunja bot: fa_bot_", StringComparison.Ordinal)
            || line.StartsWith("controller: fa_ops_", StringComparison.Ordinal)).ShouldBe(2);
        said.ShouldContain("BALANCED");
        var total = (await GetAsync("reports/margin?group_by=model")).GetProperty("total");
        total.GetProperty("calls").GetInt64().ShouldBeGreaterThan(2000);
        total.GetProperty("provider_cost_usd").GetDecimal().ShouldBeGreaterThan(0);
        total.GetProperty("margin_cents").GetDecimal().ShouldBeGreaterThan(0);
        total.GetProperty("waiting").GetInt64().ShouldBeGreaterThan(0);
        (await GetAsync("prices")).GetProperty("prices").GetArrayLength().ShouldBe(7);
        (await GetAsync("users/trial:zoe")).GetProperty("balance_cents").GetDecimal().ShouldBe(0.8m);
        (await GetAsync("users/@mateo:matrix.org")).GetProperty("deleted_at").ValueKind.ShouldBe(JsonValueKind.String);
        await _database.AssertIntegrityAsync();

        var before = await CountsAsync();
        var (exitCode, output) = await _terminal.RunAsync(
            $"FACTUMERIT_URL={_http.BaseAddress} FACTUMERIT_API_KEY={LedgerService.AdminKey} scripts/demo");

        exitCode.ShouldBe(0, output);
        output.ShouldContain(Done);
        (await CountsAsync()).ShouldBe(before);
        (await _terminal.StopLastAsync()).ShouldBe(0);
    }

    private async Task<JsonElement> GetAsync(string path) => await _http.GetFromJsonAsync<JsonElement>(path);

    private Task<string> CountsAsync() => _database.ScalarAsync<string>(
        "SELECT (SELECT count(*) FROM ledger_entries) || ' entries, ' || "
        + "(SELECT count(*) FROM llm_usage) || ' usages, ' || (SELECT count(*) FROM api_keys) || ' keys'");
}
