using System.Net.Sockets;
using System.Text;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Requests that no proper client sends. Each gets a 4xx or no answer, and leaves no stack trace in the log.
/// </summary>
public sealed class RawRequestTests
{
    private const string Key = LedgerService.AdminKey;
    private const string Json = "Content-Type: application/json";

    // Head and body, and what is answered. After those without a status the client ends its side, so that an answer may
    // or may not arrive.
    public static readonly (string Sent, int? Status)[] Requests =
    [
        (Post("/usage", "Transfer-Encoding: chunked", "ZZZ\r\n{}\r\n0\r\n\r\n"), 400),
        (Post("/usage", "Transfer-Encoding: chunked", "-1\r\n{}\r\n"), 400),
        (Post("/usage", "Transfer-Encoding: chunked", "FFFFFFFFFFFFFFFFFFFF\r\n{}"), 400),
        (Post("/usage", "Transfer-Encoding: chunked", "7FFFFFFF\r\n{}"), 408),
        (Post("/usage", "Transfer-Encoding: chunked", "2\r\n{}XX0\r\n\r\n"), 400),
        (Post("/usage", "Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nbad trailer\r\n\r\n"), 400),
        (Post("/usage", "Transfer-Encoding: chunked\r\nContent-Length: 2", "{}"), 400),
        (Post("/usage", "Transfer-Encoding: gzip", "{}"), 400),
        (Post("/usage", "Content-Length: -1", "{}"), 400),
        (Post("/usage", "Content-Length: 2\r\nContent-Length: 3", "{}"), 400),
        (Post("/usage", "Content-Length: 99999999999999999999", "{}"), 400),
        (Post("/usage", "Content-Length: 99999999999", "{}"), 413),
        (Post("/usage", "Content-Length: 100", "{\"user_id\":"), null),
        (Post("/usage/batch", "Content-Length: 100000", "[{\"user_id\":"), null),
        (Post("/usage/batch", "Transfer-Encoding: chunked", "5\r\n[{\"us"), null),
        (Post("/usage/batch", "Transfer-Encoding: chunked", "QQ\r\n[{\"us"), 400),
        (Post("/usage/batch", "Content-Length: 20\r\nContent-Encoding: gzip", "\x1f\x08"), null),
        (Post("/intake/litellm", "Content-Length: 100", "[{\"id\":\"1\"},{\"id"), null),
        (Post("/intake/litellm", "Transfer-Encoding: chunked", "b\r\n[{\"id\":\"1\"}\r\nXYZ\r\n"), 400),
        (Post("/prices/import", "Transfer-Encoding: chunked", "ZZ\r\n"), 400),
        (Post(
            "/usage/batch", "Content-Length: 1800013",
            "[{\"metadata\":" + string.Concat(Enumerable.Repeat("{\"a\":", 360_000))), null),
        (Get("/users/a%00b"), 400),
        (Get("/users?prefix=%00"), 400),
        (Get("/prices/%00"), 400),
        (Get("/%ff%fe"), 404),
        (Get("/users/%zz"), 400),
        (Get("/users?limit=%"), 400),
        ($"GET /users HTTP/1.1\r\nAuthorization: Bearer {Key}\r\n\r\n", 400),
        ($"GET /users HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        ("nonsense\r\n\r\n", 400),
        ("\0\0\0\0\r\n\r\n", 400),
        ($"GET /users HTTP/1.1\r\nHost: x\r\nX: {new string('x', 40_000)}\r\n\r\n", 431),
        ($"GET /{new string('x', 9000)} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ($"GET /{new string('x', 100_000)} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ];

    [Fact]
    public async Task Nothing_improper_is_answered_500_or_leaves_a_stack_trace()
    {
        var database = new TestDatabase();
        await database.InitializeAsync();
        await using (var service = await Chaos.ServiceProcess.StartAsync(
            Path.GetTempPath(), database.ConnectionString, $"--Auth:BootstrapAdminKey={Key}"))
        {
            var others = new List<string>();
            foreach (var (sent, expected) in Requests)
                if (await SendAsync(service.Url, sent, ends: expected is null) is var status && status != expected
                    && !(expected is null && status is 400))
                    others.Add($"{status} instead of {expected}: {sent[..Math.Min(sent.Length, 300)]}");
            others.ShouldBeEmpty();
            foreach (var (sent, _) in Requests)
                await SendAsync(service.Url, sent, resets: true);
            await service.UntilReadyAsync();
            // Lines come in order: what the requests left is there when the last one's is.
            await Chaos.ServiceProcess.UntilAsync(
                () => Task.FromResult(service.Log.Contains("/health/ready 200", StringComparison.Ordinal)));
            await service.EndAsync();
            foreach (var trace in (string[])["   at ", "Exception", " ERR ", " FTL ", " 500 in "])
                service.Log.ShouldNotContain(trace);
        }
        await database.DisposeAsync();
    }

    private static string Get(string target) =>
        $"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {Key}\r\n\r\n";

    private static string Post(string path, string headers, string body) =>
        $"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {Key}\r\n{Json}\r\n{headers}\r\n\r\n{body}";

    // The status; null when the connection ended without one. The client may end its side, or reset the connection.
    private static async Task<int?> SendAsync(Uri url, string sent, bool ends = false, bool resets = false)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port);
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(sent));
            if (resets)
            {
                client.LingerState = new LingerOption(enable: true, seconds: 0);
                return null;
            }
            if (ends)
                client.Client.Shutdown(SocketShutdown.Send);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            var line = await reader.ReadLineAsync(deadline.Token);
            return line?.Split(' ') is [_, var status, ..] ? int.Parse(
                status, System.Globalization.CultureInfo.InvariantCulture) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}

/// <summary>HEAD is GET without the body, and what is too long or has no text is a problem.</summary>
public sealed class HeadAndTargetTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Theory]
    [InlineData("/users", 200)]
    [InlineData("/users/nobody", 404)]
    [InlineData("/ledger/headroom", 200)]
    [InlineData("/health/ready", 200)]
    [InlineData("/problems/not-found", 200)]
    [InlineData("/grants", 405)]
    [InlineData("/nowhere", 404)]
    public async Task Head_is_answered_as_get_is_without_the_body(string path, int status)
    {
        using var client = new HttpClient { BaseAddress = service.Url };
        client.DefaultRequestHeaders.Authorization = new("Bearer", LedgerService.AdminKey);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var answer = await client.SendAsync(request);
        using var same = await client.GetAsync(new Uri(path, UriKind.Relative));

        ((int)answer.StatusCode).ShouldBe(status);
        answer.StatusCode.ShouldBe(same.StatusCode);
        answer.Content.Headers.ContentType.ShouldBe(same.Content.Headers.ContentType);
        (await answer.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_body_that_does_not_arrive_is_given_up()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(service.Url.Host, service.Url.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {LedgerService.AdminKey}\r\n"
            + "Connection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
        using var reader = new StreamReader(client.GetStream());
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));

        (await reader.ReadToEndAsync(deadline.Token)).ShouldSatisfyAllConditions(
            answer => answer.ShouldStartWith("HTTP/1.1 408 "),
            answer => answer.ShouldContain("\"code\":\"request-timeout\""));
    }

    [Fact]
    public async Task An_address_that_is_too_long_is_a_problem() =>
        (await service.GetAsync($"/users?prefix={new string('x', 9000)}")).ShouldBeProblem(
            414, "uri-too-long", "The URI is too long", "Path and query have more than 8192 characters.");
}
