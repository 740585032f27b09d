using System.Net;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The real program behind a proxy that serves it under a path: the API page, its document, redirects and the types of
/// problems.
/// </summary>
public sealed class ProxyHeadersTests : IAsyncLifetime
{
    private const string Nowhere = "--ConnectionStrings:Ledger=Host=127.0.0.1;Port=1;Username=u;Timeout=1";
    private static readonly string[] Common = [Nowhere, "--Database:MigrateAtStart=false", "--urls=http://127.0.0.1:0"];
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _client.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_proxy_that_strips_the_path_names_it_in_X_Forwarded_Prefix()
    {
        await using var service = ServiceProcess.Start([.. Common, "--ForwardedHeaders:Enabled=true"]);
        var url = await service.UrlAsync();

        await ExpectAsync(url, "", "/ledger", "/ledger");
        await ExpectAsync(url, "", "/a/ledger/", "/a/ledger");
        await ExpectAsync(url, "", null, "");
        // What would lead elsewhere is nobody's path.
        foreach (var elsewhere in (string[])[
            "//elsewhere.example", "https://elsewhere.example", "ledger", "/a b", "/<script>", "/a/../b", "/."])
            await ExpectAsync(url, "", elsewhere, "");
    }

    [Fact]
    public async Task A_proxy_that_passes_the_path_on_is_configured_by_PathBase()
    {
        await using var service = ServiceProcess.Start(
            [.. Common, "--PathBase=/ledger/", "--ForwardedHeaders:Enabled=true"]);
        var url = await service.UrlAsync();

        await ExpectAsync(url, "/ledger", null, "/ledger");
        await ExpectAsync(url, "/ledger", "/ledger", "/ledger");
        await ExpectAsync(url, "", null, "");
    }

    [Theory]
    [InlineData("/ledger/balances", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/ledger/ledger/balances", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/ledger/users", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/ledger/nowhere", HttpStatusCode.NotFound)]
    public async Task A_path_that_is_the_name_of_a_route_hides_no_route(string path, HttpStatusCode expected)
    {
        await using var service = ServiceProcess.Start(
            [.. Common, "--PathBase=/ledger", $"--Auth:BootstrapAdminKey={LedgerService.AdminKey}"]);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(await service.UrlAsync(), path));
        request.Headers.Authorization = new("Bearer", LedgerService.AdminKey);

        using var answer = await _client.SendAsync(request);

        // A route is there, although its database is not.
        answer.StatusCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData]
    [InlineData("--ForwardedHeaders:Enabled=false")]
    public async Task Without_being_told_to_nobody_is_believed(params string[] args)
    {
        await using var service = ServiceProcess.Start([.. Common, .. args]);

        await ExpectAsync(await service.UrlAsync(), "", "/ledger", "");
    }

    [Fact]
    public async Task The_page_loads_its_document_from_where_it_lies()
    {
        await using var service = ServiceProcess.Start([.. Common, "--PathBase=/ledger"]);
        var url = await service.UrlAsync();

        var page = await GetAsync(url, "/ledger/swagger/index.html", null);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var script = await (await GetAsync(url, "/ledger/swagger/index.js", null)).Content.ReadAsStringAsync();
        (await page.Content.ReadAsStringAsync() + script).ShouldContain("v1/swagger.json");
        (await page.Content.ReadAsStringAsync() + script).ShouldNotContain("/swagger/v1");
    }

    // Everything that has a link, as asked for with a header and below a path, leads to below that base.
    private async Task ExpectAsync(Uri url, string path, string? prefix, string expectedBase)
    {
        using var root = await GetAsync(url, $"{path}/", prefix);
        root.Headers.Location!.ToString().ShouldBe($"{expectedBase}/swagger");
        using var page = await GetAsync(url, $"{path}/swagger", prefix);
        new Uri(new Uri(url, $"{expectedBase}/swagger"), page.Headers.Location!)
            .AbsolutePath.ShouldBe($"{expectedBase}/swagger/index.html");
        using var problem = await GetAsync(url, $"{path}/users", prefix);
        var reply = await Reply.OfAsync(problem);
        reply.Text("type").ShouldBe($"{expectedBase}/problems/unauthorized");
        using var document = await GetAsync(url, $"{path}/swagger/v1/swagger.json", prefix);
        var json = (await Reply.OfAsync(document)).Json;
        json.GetProperty("servers")[0]
            .GetProperty("url").GetString().ShouldBe(expectedBase.Length == 0 ? "/" : expectedBase);
        using var explained = await GetAsync(url, $"{path}/problems/unauthorized", prefix);
        explained.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private async Task<HttpResponseMessage> GetAsync(Uri url, string path, string? prefix)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, path));
        if (prefix is not null)
            request.Headers.TryAddWithoutValidation("X-Forwarded-Prefix", prefix);
        return await _client.SendAsync(request);
    }
}
