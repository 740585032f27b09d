using System.Net.Http.Headers;
using System.Text;
using Factumerit.Ledger.Api.Http;
using Factumerit.Ledger.FakeLiteLlm;
using Microsoft.AspNetCore.Routing;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Drives every route to every answer that it declares on the API page: what a route declares is what it can answer.
/// The other direction, that no route answers what it does not declare, is checked with every service of the tests
/// (<see cref="AnswerRecorder"/>).
/// </summary>
public sealed class DeclaredAnswersTests(LiteLlmService service, DeclaredAnswersTests.WithoutLiteLlm withoutLiteLlm)
    : IClassFixture<LiteLlmService>, IClassFixture<DeclaredAnswersTests.WithoutLiteLlm>
{
    public sealed class WithoutLiteLlm : LedgerService;

    private const string Nowhere = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";
    private const int LargestBody = 32 * 1024 * 1024;

    private static readonly Dictionary<string, string> Parameters = new()
    {
        ["{**model}"] = "m",
        ["{version:long}"] = "1",
        ["{id:long}"] = "1",
        ["{id:guid}"] = Nowhere,
        ["{usage_id:guid}"] = Nowhere,
        ["{user_id}"] = "u",
        ["{code}"] = "user-deleted",
    };

    private static readonly Dictionary<string, string> NotDriven = new()
    {
        ["rate-limited"] = "needs configured limits: RateLimitTests",
        ["internal-error"] = "needs a bug: ProblemTests",
        ["unavailable"] = "needs a database that is away: UnavailableTests",
        ["request-timeout"] = "needs a body that takes 20 seconds: RawRequestTests",
        ["503"] = "needs a database that is away: HealthTests",
    };

    [Fact]
    public async Task Every_declared_answer_of_every_route_is_given()
    {
        await SignUpAndSpendAsync();
        await MoveCreditAsync();
        await HoldAsync();
        await ReviewAsync();
        await ReadBooksAsync();
        await KeepPricesAsync();
        await MakeVirtualKeysAsync();
        await MakeApiKeysAsync();
        await TakeInAsync();
        var routes = service.Routes.Where(AnswerRecorder.IsDescribed).ToList();
        foreach (var route in routes)
            await RefuseAsync(route);

        var declared = routes.SelectMany(AnswerRecorder.DeclaredBy)
            .Where(answer => !NotDriven.ContainsKey(answer.Answer)).ToList();
        declared.Count.ShouldBeGreaterThan(200);
        declared.Except(service.Answers.Seen).Except(withoutLiteLlm.Answers.Seen).Select(answer => $"{answer}").Order()
            .ShouldBeEmpty("These declared answers were never given.");
    }

    private async Task SignUpAndSpendAsync()
    {
        await PostAsync(
            "/users", new { user_id = "early", initial_credit_cents = 1 }, "insufficient-anthropic-credits");
        await PostAsync("/purchases", new { credits_cents = 1000 }, "201", "p");
        await PostAsync("/purchases", new { credits_cents = 1001 }, "idempotency-key-reused", "p");
        await PostAsync("/users", new { user_id = "u", initial_credit_cents = 100 }, "201");
        await PostAsync("/users", new { user_id = "u" }, "200");
        await PostAsync("/users", new { user_id = "gone" }, "201");
        await DeleteAsync("/users/gone", "200");
        await DeleteAsync("/users/nobody", "user-not-found");
        await PostAsync("/users", new { user_id = "gone" }, "user-deleted");
        await GetAsync("/users", "200");
        var bound = await service.KeyAsync("bot", "bound:");
        foreach (var path in (string[])["", "/transactions"])
        {
            await GetAsync($"/users/u{path}", "200");
            await GetAsync($"/users/nobody{path}", "user-not-found");
            Expect(await service.GetAsync($"/users/u{path}", bound), "forbidden");
        }
        await GetAsync("/users/u/entries", "200");
        await GetAsync("/users/nobody/entries", "user-not-found");

        var usage = await PostAsync("/usage", new { user_id = "u", amount_cents = 1, request_id = "r" }, "201");
        await PostAsync("/usage", new { user_id = "u", amount_cents = 1, request_id = "r" }, "200");
        await PostAsync("/usage", new { user_id = "u", amount_cents = 2, request_id = "r" }, "idempotency-key-reused");
        await PostAsync("/usage", new { user_id = "poor", amount_cents = 1, request_id = "r" }, "insufficient-credit");
        await PostAsync("/usage", new { user_id = "gone", amount_cents = 1, request_id = "r" }, "user-deleted");
        await PostAsync("/usage/batch", """[{"user_id":"u","amount_cents":1,"request_id":"b"}]""", "200");
        await GetAsync("/usage", "200");
        await GetAsync($"/usage/{usage.Text("usage_id")}", "200");
        await GetAsync($"/usage/{Nowhere}", "not-found");
        await GetAsync($"/ledger/transactions/{usage.Text("transaction_id")}", "200");
    }

    private async Task MoveCreditAsync()
    {
        await PostAsync("/grants", new { user_id = "u", amount_cents = 1 }, "201", "g");
        await PostAsync("/grants", new { user_id = "u", amount_cents = 2 }, "idempotency-key-reused", "g");
        await PostAsync("/grants", new { user_id = "gone", amount_cents = 1 }, "user-deleted", "g2");
        await PostAsync(
            "/grants", new { user_id = "nobody", amount_cents = 1, create_user = false }, "user-not-found", "g3");
        await PostAsync("/write-downs", new { amount_cents = 1 }, "201", "w");
        await PostAsync("/write-downs", new { amount_cents = 2 }, "idempotency-key-reused", "w");
        await PostAsync("/write-downs", new { amount_cents = 0 }, "200", "w2");
        await PostAsync("/write-downs", new { amount_cents = 5000 }, "insufficient-provider-credit", "w3");
    }

    private async Task HoldAsync()
    {
        var id = (await PostAsync("/holds", new { user_id = "u", amount_cents = 1 }, "201", "h")).Text("hold_id");
        await PostAsync("/holds", new { user_id = "u", amount_cents = 2 }, "idempotency-key-reused", "h");
        await PostAsync("/holds", new { user_id = "u", amount_cents = 9999 }, "insufficient-credit", "h2");
        await PostAsync(
            "/holds", new { user_id = "u", model = "unknown", prompt_tokens = 1 }, "not-priceable", "h3");
        await PostAsync("/holds", new { user_id = "gone", amount_cents = 1 }, "user-deleted", "h4");
        var bound = await service.KeyAsync("bot", "bound:");
        Expect(await service.GetAsync("/holds", bound), "forbidden");
        await GetAsync("/holds", "200");
        await GetAsync($"/holds/{id}", "200");
        await GetAsync($"/holds/{Nowhere}", "not-found");
        await PostAsync($"/holds/{id}/increase", new { amount_cents = 1 }, "200", "i");
        await PostAsync($"/holds/{id}/increase", new { amount_cents = 2 }, "idempotency-key-reused", "i");
        await PostAsync($"/holds/{id}/increase", new { amount_cents = 9999 }, "insufficient-credit", "i2");
        await PostAsync($"/holds/{Nowhere}/increase", new { amount_cents = 1 }, "not-found", "i3");
        await PostAsync($"/holds/{id}/release", "{}", "200");
        await PostAsync($"/holds/{Nowhere}/release", "{}", "not-found");
        await PostAsync($"/holds/{id}/increase", new { amount_cents = 1 }, "hold-closed", "i4");
        var settled = (await PostAsync("/holds", new { user_id = "u", amount_cents = 1 }, "201", "h5")).Text("hold_id");
        await PostAsync(
            "/usage", new { user_id = "u", amount_cents = 1, request_id = "settles", hold_id = settled }, "201");
        await PostAsync($"/holds/{settled}/release", "{}", "hold-closed");
        await PostAsync(
            "/usage", new { user_id = "u", amount_cents = 1, request_id = "no hold", hold_id = Nowhere }, "not-found");
        await PostAsync("/users", new { user_id = "holder" }, "201");
        await PostAsync("/grants", new { user_id = "holder", amount_cents = 1 }, "201", "h6");
        var left = (await PostAsync("/holds", new { user_id = "holder", amount_cents = 1 }, "201", "h7"))
            .Text("hold_id");
        await DeleteAsync("/users/holder", "200");
        await PostAsync($"/holds/{left}/increase", new { amount_cents = 1 }, "user-deleted", "i5");
    }

    private async Task ReviewAsync()
    {
        foreach (var (verb, body, other) in new (string, object, object)[] {
            ("bill", new { amount_cents = 1 }, new { amount_cents = 2 }),
            ("waive", new { reason = "a test" }, new { reason = "another" }) })
        {
            var path = $"/usage/{await WaitingAsync("u", verb)}/{verb}";
            await PostAsync(path, body, "200", verb);
            await PostAsync(path, other, "idempotency-key-reused", verb);
            await PostAsync(path, other, "already-reviewed", "another");
            await PostAsync($"/usage/{Nowhere}/{verb}", body, "not-found");
        }
        await PostAsync($"/usage/{await WaitingAsync("u", "unpriced")}/bill", "{}", "not-priceable");
        await PostAsync("/users", new { user_id = "leaves" }, "201");
        var left = await WaitingAsync("leaves", "left");
        await DeleteAsync("/users/leaves", "200");
        await PostAsync($"/usage/{left}/bill", new { amount_cents = 1 }, "user-deleted");
        await PostAsync("/usage/reprice", "{}", "200");
    }

    private async Task<string> WaitingAsync(string user, string request) => (await PostAsync(
        "/usage", new { user_id = user, request_id = request, model = "unknown", billing_status = "needs_review" },
        "201")).Text("usage_id");

    private async Task ReadBooksAsync()
    {
        foreach (var path in (string[])["/ledger/balances", "/ledger/integrity", "/ledger/summary", "/ledger/headroom",
            "/ledger/faults", "/reports/margin", "/audit-log", "/health/live", "/health/ready",
            "/problems/user-deleted"])
            await GetAsync(path, "200");
        await GetAsync($"/ledger/transactions/{Nowhere}", "not-found");
        await GetAsync("/problems/none", "not-found");
        var fault = await service.Database.ScalarAsync<long>("""
            INSERT INTO ledger_faults (found_at, last_seen_at, kind, subject, detail)
            VALUES (now(), now(), 'kind', 'subject', 'detail') RETURNING id
            """);
        await PostAsync($"/ledger/faults/{fault}/resolve", new { reason = "a test" }, "200");
        await PostAsync("/ledger/faults/4711/resolve", new { reason = "a test" }, "not-found");
    }

    private async Task KeepPricesAsync()
    {
        const string map = """{"m":{"input_cost_per_token":1,"output_cost_per_token":1}}""";
        await PostAsync("/prices/import", map, "200");
        await GetAsync("/prices", "200");
        await GetAsync("/prices/m", "200");
        await GetAsync("/prices/none", "not-found");
        await DeleteAsync("/prices/versions/1", "not-cancellable");
        await DeleteAsync("/prices/versions/4711", "not-found");
        var later = DateTimeOffset.UtcNow.AddDays(1).UtcDateTime.ToString("O");
        var ahead = await PostAsync(
            $"/prices/import?valid_from={later}", map.Replace('1', '2'), "200");
        await DeleteAsync($"/prices/versions/{ahead.Json.GetProperty("version")}", "200");
    }

    private async Task MakeVirtualKeysAsync()
    {
        var made = await PostAsync("/virtual-keys", new { user_id = "u", label = "l" }, "201");
        await PostAsync("/virtual-keys", new { user_id = "nobody", label = "l" }, "user-not-found");
        await PostAsync("/virtual-keys", new { user_id = "gone", label = "l" }, "user-deleted");
        service.Fake.Script("/key/generate", FakeTrouble.Error);
        await PostAsync("/virtual-keys", new { user_id = "u", label = "l" }, "litellm-failed");
        await GetAsync("/virtual-keys", "200");
        await DeleteAsync($"/virtual-keys/{made.Text("virtual_key_id")}", "200");
        await DeleteAsync($"/virtual-keys/{Nowhere}", "not-found");

        Expect(await withoutLiteLlm.PostAsync("/virtual-keys", "{}"), "litellm-not-configured");
        Expect(await withoutLiteLlm.GetAsync("/virtual-keys"), "litellm-not-configured");
        Expect(await withoutLiteLlm.DeleteAsync($"/virtual-keys/{Nowhere}"), "litellm-not-configured");
    }

    private async Task MakeApiKeysAsync()
    {
        var id = (await PostAsync("/api-keys", new { name = "made by a test", role = "bot" }, "201")).Text("id");
        await GetAsync("/api-keys", "200");
        await PostAsync($"/api-keys/{id}/rotate", "{}", "200");
        await DeleteAsync($"/api-keys/{id}", "200");
        await PostAsync($"/api-keys/{id}/rotate", "{}", "api-key-ended");
        await PostAsync($"/api-keys/{Nowhere}/rotate", "{}", "not-found");
        await DeleteAsync($"/api-keys/{Nowhere}", "not-found");
    }

    private async Task TakeInAsync()
    {
        var span = new { from = "2026-01-01", to = "2026-01-02" };
        await PostAsync("/intake/litellm", "[null]", "200");
        await PostAsync("/intake/litellm/reconcile", span, "200");
        service.Fake.Script("/spend/logs/v2", FakeTrouble.Error, count: 3);
        await PostAsync("/intake/litellm/reconcile", span, "litellm-failed");
        Expect(await withoutLiteLlm.PostAsync("/intake/litellm/reconcile", span), "litellm-not-configured");
    }

    // What is refused the same way on every route that declares it.
    private async Task RefuseAsync(RouteEndpoint route)
    {
        var (method, path) = AnswerRecorder.NameOf(route).Split(' ') is [var verb, var pattern]
            ? (new HttpMethod(verb), pattern) : throw new InvalidOperationException();
        foreach (var (parameter, value) in Parameters)
            path = path.Replace(parameter, value, StringComparison.Ordinal);
        var declared = AnswerRecorder.DeclaredBy(route).Select(answer => answer.Answer).ToHashSet();
        if (declared.Contains("unauthorized"))
            Expect(await service.SendAsync(method, path, Body(method), null, key: null), "unauthorized");
        if (declared.Contains("validation-failed"))
            Expect(await service.SendAsync(
                method, $"{path}?unknown=1", Body(method), null, LedgerService.AdminKey), "validation-failed");
        if (declared.Contains("forbidden")
            && Roles.All.Except(route.Metadata.GetMetadata<AllowedRoles>()!.Roles).FirstOrDefault() is { } other)
            Expect(await service.SendAsync(
                method, path, Body(method), null, await service.KeyAsync(other)), "forbidden");
        if (declared.Contains("malformed-request"))
            Expect(await SendMalformedAsync(path), "malformed-request");
        if (declared.Contains("payload-too-large"))
            Expect(await SendLargestBodyAsync(path), "payload-too-large");
        if (declared.Contains("unsupported-media-type"))
        {
            using var encoded = new StringContent("{}", Encoding.UTF8, "application/json");
            encoded.Headers.ContentEncoding.Add("unknown");
            Expect(
                await service.SendAsync(method, path, encoded, "k", LedgerService.AdminKey), "unsupported-media-type");
        }
    }

    private static StringContent? Body(HttpMethod method) =>
        method == HttpMethod.Post ? new StringContent("{}", Encoding.UTF8, "application/json") : null;

    // The intake reports broken JSON by item. It refuses a body that can't be decoded.
    private async Task<Reply> SendMalformedAsync(string path)
    {
        using var body = new StringContent("[{]", Encoding.UTF8, "application/json");
        if (path == "/intake/litellm")
            body.Headers.ContentEncoding.Add("gzip");
        return await service.SendAsync(HttpMethod.Post, path, body, "k", LedgerService.AdminKey);
    }

    // Refused by its length, before the body is sent.
    private async Task<Reply> SendLargestBodyAsync(string path)
    {
        using var client = new HttpClient { BaseAddress = service.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new ByteArrayContent(new byte[LargestBody + 1])
            { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            Headers = { ExpectContinue = true, Authorization = new("Bearer", LedgerService.AdminKey) },
        };
        using var response = await client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private async Task<Reply> PostAsync(string path, object body, string answer, string? key = null) =>
        Expect(await service.PostAsync(path, body, key), answer);

    private async Task GetAsync(string path, string answer) => Expect(await service.GetAsync(path), answer);

    private async Task DeleteAsync(string path, string answer) => Expect(await service.DeleteAsync(path), answer);

    private static Reply Expect(Reply reply, string answer) =>
        char.IsAsciiDigit(answer[0])
            ? reply.Expect(int.Parse(answer, System.Globalization.CultureInfo.InvariantCulture))
            : reply.ExpectProblem(ProblemCatalog.Find(answer).Status, answer);
}
