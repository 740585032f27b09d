using System.Net.Http.Headers;
using System.Text;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Every answer forbids caching and sniffing of its type. The API page loads only its own files.</summary>
public sealed class SecurityHeadersTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Theory]
    [InlineData("GET", "/users", 200)]
    [InlineData("POST", "/users", 400)]
    [InlineData("GET", "/users/nobody", 404)]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("PUT", "/users", 405)]
    [InlineData("POST", "/usage", 400)]
    [InlineData("GET", "/ledger/summary", 200)]
    [InlineData("GET", "/health/live", 200)]
    [InlineData("GET", "/health/ready", 200)]
    [InlineData("GET", "/problems/forbidden", 200)]
    [InlineData("GET", "/", 302)]
    [InlineData("GET", "/swagger/index.html", 200)]
    [InlineData("GET", "/swagger/swagger-ui-bundle.js", 200)]
    [InlineData("GET", "/swagger/swagger-ui.css", 200)]
    [InlineData("GET", "/swagger/v1/swagger.json", 200)]
    public async Task Every_answer_carries_them(string verb, string path, int status)
    {
        using var response = await SendAsync(verb, path, LedgerService.AdminKey);

        ((int)response.StatusCode).ShouldBe(status);
        IsSafe(response);
    }

    [Fact]
    public async Task So_do_refusals_of_strangers_and_what_came_of_an_exception()
    {
        using var stranger = await SendAsync("GET", "/users", "nobody's");
        ((int)stranger.StatusCode).ShouldBe(401);
        IsSafe(stranger);

        // The database can't hold the character, which shows as an exception.
        using var unstorable = await SendAsync("POST", "/usage", LedgerService.AdminKey,
            """{"user_id":"u","request_id":"r","amount_cents":0,"metadata":{"a":"\u0000"},"description":"x"}""");
        IsSafe(unstorable);
    }

    [Fact]
    public async Task The_API_page_loads_only_its_own_files_and_has_no_script_of_its_own_within()
    {
        using var response = await SendAsync("GET", "/swagger/index.html", null);

        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("script-src 'self';");
        policy.ShouldContain("frame-ancestors 'none'");
        var page = await response.Content.ReadAsStringAsync();
        page.ShouldNotMatch("<script(?![^>]*src=)");
        page.ShouldNotMatch("src=\"(https?:)?//");
        page.ShouldNotContain(" onload=");
    }

    private static void IsSafe(HttpResponseMessage response)
    {
        response.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
    }

    private async Task<HttpResponseMessage> SendAsync(string verb, string path, string? key, string body = "{}")
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(verb), new Uri(service.Url, path));
        if (verb == "POST")
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await client.SendAsync(request);
    }
}
