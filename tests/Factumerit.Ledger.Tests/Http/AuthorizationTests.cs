using Microsoft.AspNetCore.Builder;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Every route with every kind of key, keys bound to users, and that what names no roles is closed.</summary>
public sealed class AuthorizationTests(AuthorizationTests.Keys keys) : IClassFixture<AuthorizationTests.Keys>
{
    /// <summary>
    /// A service with a key of each kind, a user of each of two prefixes, and a route that names no roles.
    /// </summary>
    public sealed class Keys : LedgerService
    {
        public Dictionary<string, string?> ByKind { get; } = [];

        public string BoundBot { get; private set; } = "";

        protected override void Map(WebApplication app) => app.MapGet("/forgotten", () => "open");

        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            foreach (var role in (string[])["bot", "ops", "admin"])
                ByKind[role] = await KeyAsync(role, mayIntake: role is "bot");
            var revoked = (await PostAsync("/api-keys", new { name = "Revoked", role = "admin" })).Expect(201);
            (await DeleteAsync($"/api-keys/{revoked.Text("id")}")).Expect(200);
            ByKind["revoked"] = revoked.Text("secret");
            ByKind["none"] = null;
            ByKind["wrong"] = ByKind["admin"]![..^1] + "x";
            BoundBot = await KeyAsync("bot", "mine:");
            await UserAsync(100, "mine:a");
            await UserAsync(100, "other:a");
        }
    }

    private const string Id = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";

    // What the three roles may do, as DESIGN's table of routes says it.
    public static TheoryData<string, string, string> Routes => new()
    {
        { "POST", "/users", "admin" },
        { "GET", "/users/mine:a", "bot ops admin" },
        { "GET", "/users", "ops admin" },
        { "GET", "/users/mine:a/entries", "ops admin" },
        { "GET", "/users/mine:a/transactions", "bot ops admin" },
        { "DELETE", "/users/nobody", "admin" },
        { "POST", "/usage", "bot admin" },
        { "POST", "/usage/batch", "bot admin" },
        { "GET", $"/usage/{Id}", "ops admin" },
        { "GET", "/usage", "ops admin" },
        { "POST", "/holds", "bot admin" },
        { "POST", $"/holds/{Id}/increase", "bot admin" },
        { "POST", $"/holds/{Id}/release", "bot admin" },
        { "GET", $"/holds/{Id}", "bot ops admin" },
        { "GET", "/holds", "bot ops admin" },
        { "POST", $"/usage/{Id}/bill", "admin" },
        { "POST", $"/usage/{Id}/waive", "admin" },
        { "POST", "/usage/reprice", "admin" },
        { "POST", "/intake/litellm", "bot admin" },
        { "POST", "/intake/litellm/reconcile", "admin" },
        { "POST", "/prices/import", "admin" },
        { "GET", "/prices", "bot ops admin" },
        { "GET", "/prices/anthropic/claude", "bot ops admin" },
        { "POST", "/grants", "admin" },
        { "POST", "/purchases", "admin" },
        { "POST", "/write-downs", "admin" },
        { "GET", "/ledger/balances", "ops admin" },
        { "GET", $"/ledger/transactions/{Id}", "ops admin" },
        { "GET", "/ledger/integrity", "ops admin" },
        { "GET", "/ledger/summary", "ops admin" },
        { "GET", "/ledger/headroom", "ops admin" },
        { "POST", "/virtual-keys", "admin" },
        { "GET", "/virtual-keys", "ops admin" },
        { "DELETE", $"/virtual-keys/{Id}", "admin" },
        { "GET", "/reports/margin", "ops admin" },
        { "POST", "/api-keys", "admin" },
        { "GET", "/api-keys", "admin" },
        { "POST", $"/api-keys/{Id}/rotate", "admin" },
        { "DELETE", $"/api-keys/{Id}", "admin" },
        { "GET", "/audit-log", "admin" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_route_is_open_to_its_roles_only(string verb, string path, string allowed)
    {
        foreach (var (kind, key) in keys.ByKind)
        {
            // An empty object is refused by every POST, but only behind the door.
            using var body =
                verb == "POST" ? new StringContent("{}", System.Text.Encoding.UTF8, "application/json") : null;
            var reply = await keys.SendAsync(new HttpMethod(verb), path, body, null, key);
            var open = reply.Status is not (401 or 403);
            open.ShouldBe(allowed.Split(' ').Contains(kind), $"{kind}: {reply.Status}");
            if (!open)
                reply.ExpectProblem(kind is "none" or "wrong" or "revoked" ? 401 : 403,
                    kind is "none" or "wrong" or "revoked" ? "unauthorized" : "forbidden");
            else
                reply.Status.ShouldBeOneOf(200, 400, 404, 409);
        }
    }

    [Fact]
    public async Task Health_problems_and_the_api_page_are_open_to_anyone()
    {
        foreach (var path in (string[])["/health/live", "/health/ready", "/problems/user-deleted",
            "/swagger/index.html", "/swagger/v1/swagger.json"])
            foreach (var key in (string?[])[null, "wrong"])
                (await keys.GetAsync(path, key)).Expect(200);
    }

    [Theory]
    [InlineData("none", 401, "unauthorized")]
    [InlineData("bot", 403, "forbidden")]
    [InlineData("admin", 403, "forbidden")]
    public async Task A_route_that_names_no_roles_is_closed_to_everybody(string kind, int status, string code)
    {
        var reply = (await keys.GetAsync("/forgotten", keys.ByKind[kind])).ExpectProblem(status, code);
        reply.Body.ShouldNotContain("open\"");
    }

    [Fact]
    public async Task A_refusal_says_which_roles_are_needed() =>
        (await keys.GetAsync("/users", keys.ByKind["bot"])).ShouldBeProblem(
            403, "forbidden", "The key does not allow this",
            "This needs a key of the role ops or admin; yours is bot.");

    [Theory]
    [InlineData("Basic abc")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer fa_admin_")]
    [InlineData("Bearer fa__")]
    public async Task An_authorization_that_is_no_key_is_401(string authorization)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(keys.Url, "/users"));
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var response = await client.SendAsync(request);

        (await Reply.OfAsync(response)).ExpectProblem(401, "unauthorized");
        response.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
    }

    [Theory]
    [InlineData("GET", "/users/other:a", "")]
    [InlineData("GET", "/users/other:a/transactions", "")]
    [InlineData("GET", "/users/min", "")]
    [InlineData("POST", "/usage", """{"user_id":"other:a","amount_cents":1,"request_id":"r"}""")]
    [InlineData("POST", "/usage", """{"user_id":"MINE:a","amount_cents":1,"request_id":"r"}""")]
    public async Task A_bound_key_does_not_reach_other_users(string verb, string path, string json)
    {
        var footprint = await keys.Database.FootprintAsync();
        using var body = json == "" ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");

        (await keys.SendAsync(new HttpMethod(verb), path, body, null, keys.BoundBot)).ExpectProblem(403, "forbidden");

        (await keys.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task A_bound_key_reaches_its_own_users()
    {
        (await keys.GetAsync("/users/mine:a", keys.BoundBot)).Expect(200);
        (await keys.GetAsync("/users/mine:a/transactions", keys.BoundBot)).Expect(200);
        (await keys.PostAsync("/usage", new { user_id = "mine:a", amount_cents = 1, request_id = "own" },
            key: keys.BoundBot)).Expect(201);
    }

    [Fact]
    public async Task In_a_batch_a_bound_key_is_judged_item_by_item()
    {
        var reply = await keys.PostAsync("/usage/batch", """
            [{"user_id":"other:a","amount_cents":1,"request_id":"b"},
             {"user_id":"mine:a","amount_cents":1,"request_id":"b"},{"amount_cents":1,"request_id":"b"}]
            """, key: keys.BoundBot);

        reply.Expect(200).List("results").Select(r => r.GetProperty("status").GetInt32()).ShouldBe([403, 201, 400]);
        (await keys.BalanceAsync("other:a")).ShouldBe(100);
    }
}
