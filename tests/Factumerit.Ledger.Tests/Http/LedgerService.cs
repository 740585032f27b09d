using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.Tests.Database;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// The whole service on a real port, with its own database. Test classes talk HTTP to it. Requests use the bootstrap
/// admin's key unless the test gives another.
/// </summary>
public class LedgerService : IAsyncLifetime
{
    public const string AdminKey = "an-admin-key-for-tests-0123456789abcdef";

    private WebApplication _app = null!;
    private HttpClient _client = null!;

    public TestDatabase Database { get; } = new();

    /// <summary>What the routes have answered.</summary>
    public AnswerRecorder Answers { get; } = new();

    public Uri Url => new(_app.Urls.First());

    /// <summary>Everything that is mapped, as the router knows it.</summary>
    public IEnumerable<RouteEndpoint> Routes =>
        _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    /// <summary>What the service is made of.</summary>
    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Further configuration, as <c>--Section:Key=value</c>.</summary>
    protected virtual string[] Configuration => [];

    /// <summary>The way to the database, which may have somebody in between, or lead there as another role.</summary>
    protected virtual Task<string> ConnectAsync() => Task.FromResult(Database.ConnectionString);

    /// <summary>Further routes, for what the service's own can't show.</summary>
    protected virtual void Map(WebApplication app)
    {
    }

    public virtual async Task InitializeAsync()
    {
        await Database.InitializeAsync();
        _app = Service.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:Ledger={await ConnectAsync()}",
            $"--Auth:BootstrapAdminKey={AdminKey}",
            "--Serilog:MinimumLevel:Default=Fatal", .. Configuration], Answers.Install);
        Map(_app);
        await Verbs.PrepareAsync(_app, migrate: false, CancellationToken.None);
        await _app.StartAsync();
        _client = new HttpClient { BaseAddress = Url };
    }

    public virtual async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Database.DisposeAsync();
        Answers.ShouldHaveSeenOnlyDeclaredAnswers();
    }

    public Task<Reply> GetAsync(string path, string? key = AdminKey) =>
        SendAsync(HttpMethod.Get, path, null, null, key);

    public Task<Reply> DeleteAsync(string path, string? key = AdminKey) =>
        SendAsync(HttpMethod.Delete, path, null, null, key);

    /// <summary>Posts a JSON body as it stands, or an object that is serialized with its names as they are.</summary>
    public Task<Reply> PostAsync(string path, object body, string? idempotencyKey = null, string? key = AdminKey) =>
        SendAsync(HttpMethod.Post, path, new StringContent(
            body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"), idempotencyKey, key);

    public async Task<Reply> SendAsync(
        HttpMethod method, string path, HttpContent? content, string? idempotencyKey, string? key)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        using var response = await _client.SendAsync(request);
        var reply = await Reply.OfAsync(response);
        Answers.ShouldHaveSeenOnlyDeclaredAnswers();
        return reply;
    }

    /// <summary>A new API key of a role.</summary>
    public async Task<string> KeyAsync(
        string role, string? userPrefix = null, bool mayOverdraw = false, bool mayIntake = false) =>
        (await PostAsync("/api-keys", new
        {
            name = $"{role} {Guid.NewGuid():N}",
            role,
            user_prefix = userPrefix,
            may_overdraw = mayOverdraw,
            may_intake = mayIntake,
        })).Expect(201).Text("secret");

    /// <summary>A user with so much credit, given by a grant.</summary>
    public async Task<string> UserAsync(decimal creditCents, string? userId = null)
    {
        userId ??= $"user-{Guid.NewGuid():N}";
        (await PostAsync("/users", new { user_id = userId })).Expect(201);
        if (creditCents > 0)
            (await PostAsync("/grants", new { user_id = userId, amount_cents = creditCents },
                Guid.NewGuid().ToString())).Expect(201);
        return userId;
    }

    public async Task<decimal> BalanceAsync(string userId) =>
        (await GetAsync($"/users/{userId}")).Expect(200).Amount("balance_cents");
}

/// <summary>An HTTP answer, read whole.</summary>
public sealed record Reply(int Status, string Body, string? ContentType, bool Replayed, string? RetryAfter)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public static async Task<Reply> OfAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        await response.Content.ReadAsStringAsync(),
        response.Content.Headers.ContentType?.MediaType,
        response.Headers.TryGetValues("Idempotency-Replayed", out var replayed) && replayed.Single() == "true",
        response.Headers.TryGetValues("Retry-After", out var after) ? after.Single() : null);

    /// <summary>This reply, if it has that status; otherwise fails and shows the body.</summary>
    public Reply Expect(int status)
    {
        Status.ShouldBe(status, Body);
        return this;
    }

    /// <summary>This reply, if it is a complete problem with that status and code.</summary>
    public Reply ExpectProblem(int status, string code)
    {
        Expect(status);
        ContentType.ShouldBe("application/problem+json");
        var kind = ProblemCatalog.Find(code);
        Text("type").ShouldBe($"/problems/{code}");
        Text("title").ShouldBe(kind.Title);
        Json.GetProperty("status").GetInt32().ShouldBe(status);
        Text("code").ShouldBe(code);
        Text("detail").ShouldNotBeEmpty();
        Text("trace_id").ShouldNotBeEmpty();
        return this;
    }

    public string Text(string field) => Json.GetProperty(field).GetString()!;

    public decimal Amount(string field) => Json.GetProperty(field).GetDecimal();
}
