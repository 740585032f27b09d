using System.Text.Json;
using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>The price book over HTTP, each test on a book of its own: imports, lists, histories.</summary>
public sealed class PriceEndpointsTests : IAsyncLifetime
{
    private readonly LedgerService _service = new();

    public Task InitializeAsync() => _service.InitializeAsync();

    public Task DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_first_import_adds_every_model_from_the_beginning()
    {
        var reply = (await ImportAsync("""
            {"sample_spec": {}, "dall-e": {"output_cost_per_image": 0.04},
             "claude": {"litellm_provider": "bedrock_converse", "mode": "chat", "input_cost_per_token": 3e-06,
                        "output_cost_per_audio_token": 1.5e-05,
                        "cache_read_input_token_cost": 3e-07, "input_cost_per_token_flex": 7.999999999999999e-07,
                        "search_context_cost_per_query": {"low": 0.01}}}
            """)).Expect(200);

        reply.ShouldRead("""
            {"version":1,"valid_from":"<time>","added":1,"changed":0,"gone":0,"unchanged":0,"skipped":2,
             "changes":[{"model":"claude","change":"added","valid_from":null,
             "old":null,"new":{"provider":"bedrock","input_usd_per_token":0.000003,"output_usd_per_token":null,
             "cache_read_usd_per_token":0.0000003,
             "cache_write_usd_per_token":null,"reasoning_usd_per_token":null,"mode":"chat",
             "other_prices":{"input_cost_per_token_flex":0.0000007999999999999999,
             "output_cost_per_audio_token":0.000015,
             "search_context_cost_per_query.low":0.01}}}],"has_more_changes":false}
            """);
        (await _service.GetAsync("/prices?at=1999-12-31")).ShouldRead("""
            {"prices":[{"model":"claude","provider":"bedrock","input_usd_per_token":0.000003,
             "output_usd_per_token":null,"cache_read_usd_per_token":0.0000003,
             "cache_write_usd_per_token":null,"reasoning_usd_per_token":null,"mode":"chat",
             "other_prices":{"input_cost_per_token_flex":0.0000007999999999999999,
             "output_cost_per_audio_token":0.000015,"search_context_cost_per_query.low":0.01},"valid_from":null,
             "version":1,"is_gone":false}],"next_after":null}
            """);
        (await _service.Database.RowsAsync(
            "SELECT version, source, imported_by, added, changed, gone, length(content_hash) FROM price_versions"))
            .ShouldBe(["1|litellm|bootstrap|1|0|0|32"]);
    }

    [Fact]
    public async Task The_same_map_again_changes_nothing_and_makes_no_version()
    {
        (await ImportAsync(Map(("a", 1), ("b", 2)))).Expect(200);

        var again = (await ImportAsync(Map(("b", 2.0m), ("a", 1)))).Expect(200);

        (again.Next("version"), again.Amount("unchanged"), again.List("changes").Count).ShouldBe((null, 2, 0));
        (await VersionsAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task What_changed_or_is_gone_counts_from_then_on_and_history_stays_R18()
    {
        (await ImportAsync(Map(("a", 1), ("b", 2)))).Expect(200);

        var second = (await ImportAsync(Map(("a", 1.5m), ("c", 3)), "?allow_gone=true")).Expect(200);

        (second.Amount("added"), second.Amount("changed"), second.Amount("gone")).ShouldBe((1, 1, 1));
        second.List("changes").Select(c => $"{c.GetProperty("model")} {c.GetProperty("change")}")
            .ShouldBe(["a changed", "b gone", "c added"]);
        (await PricesAsync("/prices")).ShouldBe(["a 1.5", "c 3"]);
        (await PricesAsync("/prices?at=2020-01-01T00:00:00Z")).ShouldBe(["a 1", "b 2", "c 3"]);
        (await _service.GetAsync("/prices/a")).Expect(200)
            .List("prices").Select(p => p.GetProperty("input_usd_per_token").GetDecimal()).ShouldBe([1.5m, 1m]);
        (await _service.GetAsync("/prices/b"))
            .Expect(200).List("prices").Select(p => p.GetProperty("is_gone").GetBoolean()).ShouldBe([true, false]);
    }

    [Fact]
    public async Task A_dry_run_says_the_same_and_does_nothing()
    {
        (await ImportAsync(Map(("a", 1)))).Expect(200);

        var dry = (await ImportAsync(Map(("a", 2), ("b", 1)), "?dry_run=true")).Expect(200);

        (dry.Next("version"), dry.Amount("added"), dry.Amount("changed")).ShouldBe((null, 1, 1));
        (await PricesAsync("/prices")).ShouldBe(["a 1"]);
        (await VersionsAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_time_that_is_given_applies_to_all_and_lies_after_the_newest_prices_R18()
    {
        (await ImportAsync(Map(("a", 1)), "?valid_from=2026-01-01T00:00:00Z"))
            .Expect(200).List("changes")[0].GetProperty("valid_from").GetString().ShouldBe("2026-01-01T00:00:00Z");
        (await PricesAsync("/prices?at=2025-12-31")).ShouldBeEmpty();

        foreach (var early in (string[])[
            "2026-01-01T00:00:00Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T00:59:59%2B01:00"])
            (await ImportAsync(Map(("a", 2)), $"?valid_from={early}")).ShouldBeProblem(
                400, "validation-failed", "A field is missing, wrong or unknown",
                "valid_from must be after 2026-01-01T00:00:00Z, when the newest prices of a begin: "
                + "prices are never changed once they are active (R18).",
                """{"errors":{"valid_from":["must be after 2026-01-01T00:00:00Z, when the newest prices of a begin: """
                + """prices are never changed once they are active (R18)"]}}""");
        (await VersionsAsync()).ShouldBe(1);

        (await ImportAsync(Map(("a", 2)), "?valid_from=2026-01-01T00:00:00.000001Z")).Expect(200);
        (await PricesAsync("/prices?at=2026-01-01T00:00:00Z")).ShouldBe(["a 1"]);
        (await PricesAsync("/prices?at=2026-01-01T00:00:00.000001Z")).ShouldBe(["a 2"]);
    }

    [Fact]
    public async Task One_mistake_imports_nothing()
    {
        (await ImportAsync("""
            {"a": {"input_cost_per_token": 1}, "b": {"input_cost_per_token": "1"}, "c": {"output_cost_per_token": -1}}
            """))
            .ExpectErrors("b.input_cost_per_token", "c.output_cost_per_token");

        (await VersionsAsync()).ShouldBe(0);
        (await PricesAsync("/prices")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("?dry_run=yes", "dry_run")]
    [InlineData("?allow_gone=1", "allow_gone")]
    [InlineData("?valid_from=tomorrow", "valid_from")]
    [InlineData("?valid_from=2026-13-01&dry_run=1", "valid_from", "dry_run")]
    public async Task A_wrong_query_of_an_import_is_refused_by_name(string query, params string[] names) =>
        (await ImportAsync(Map(("a", 1)), query)).ExpectErrors(names);

    [Theory]
    [InlineData("/prices?provider=Open%20AI", "provider")]
    [InlineData("/prices?at=now&limit=0", "at", "limit")]
    [InlineData("/prices?prefix=%00&after=%00", "prefix", "after")]
    public async Task A_wrong_query_of_the_list_is_refused_by_name(string path, params string[] names) =>
        (await _service.GetAsync(path)).ExpectErrors(names);

    [Fact]
    public async Task A_map_may_have_8_MiB()
    {
        var map = Map(("a", 1));
        (await ImportAsync(map.PadRight(8 * 1024 * 1024))).Expect(200);
        (await ImportAsync("{")).ExpectProblem(400, "malformed-request");
    }

    [Fact]
    public async Task A_large_map_is_imported_whole_and_its_list_of_changes_is_bounded()
    {
        var reply = (await ImportAsync(
            Map([.. Enumerable.Range(0, 3000).Select(n => ($"model-{n:0000}", 0.000001m * n))]))).Expect(200);

        (reply.Amount("added"), reply.List("changes").Count, reply.Json.GetProperty("has_more_changes").GetBoolean())
            .ShouldBe((3000, 1000, true));
        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM model_prices")).ShouldBe(3000);
    }

    [Fact]
    public async Task Every_digit_of_a_price_is_kept()
    {
        (await ImportAsync("""
            {"m": {"input_cost_per_token": 7.999999999999999e-07, "output_cost_per_token": 1e-28,
                   "input_cost_per_token_flex": 1e-28, "cache_read_input_token_cost_flex": 0.1000000000000000055511151}}
            """)).Expect(200);

        var body = (await _service.GetAsync("/prices/m")).Expect(200).Body;
        body.ShouldContain("\"input_usd_per_token\":0.0000007999999999999999,");
        body.ShouldContain("\"output_usd_per_token\":0.0000000000000000000000000001,");
        body.ShouldContain(
            "{\"cache_read_input_token_cost_flex\":0.1000000000000000055511151,"
            + "\"input_cost_per_token_flex\":0.0000000000000000000000000001}");
    }

    [Fact]
    public async Task Prices_are_listed_by_prefix_provider_and_page_by_page()
    {
        (await ImportAsync("""
            {"a-1": {"input_cost_per_token": 1, "litellm_provider": "p"},
             "a-2": {"input_cost_per_token": 2, "litellm_provider": "q"}, "A-3": {"input_cost_per_token": 3},
             "b/x": {"input_cost_per_token": 4, "litellm_provider": "p"}, "a_4": {"input_cost_per_token": 5}}
            """)).Expect(200);

        (await PricesAsync("/prices")).ShouldBe(["A-3 3", "a-1 1", "a-2 2", "a_4 5", "b/x 4"]);
        (await PricesAsync("/prices?prefix=a-")).ShouldBe(["a-1 1", "a-2 2"]);
        (await PricesAsync("/prices?prefix=a_")).ShouldBe(["a_4 5"]);
        (await PricesAsync("/prices?provider=p")).ShouldBe(["a-1 1", "b/x 4"]);
        await _service.Database.ExecuteAsync(
            "INSERT INTO model_prices (version, model, provider, input_usd_per_token, output_usd_per_token) "
            + "VALUES (1, 'of old', 'vertex_ai-old', 7, 7)");
        (await PricesAsync("/prices?provider=vertex_ai")).ShouldBe(["of old 7"]);
        (await PricesAsync("/prices?provider=vertex_ai-other")).ShouldBe(["of old 7"]);
        (await _service.GetAsync("/prices?provider=vertex_ai"))
            .List("prices")[0].GetProperty("provider").GetString().ShouldBe("vertex_ai");
        await _service.Database.ExecuteAsync(
            "ALTER TABLE model_prices DISABLE TRIGGER USER; DELETE FROM model_prices WHERE model = 'of old'; "
            + "ALTER TABLE model_prices ENABLE TRIGGER USER");
        for (var limit = 1; limit <= 5; limit++)
        {
            var (read, after) = (new List<string>(), (string?)"");
            while (after is not null && read.Count < 10)
            {
                var page = (await _service.GetAsync($"/prices?limit={limit}&after={Uri.EscapeDataString(after)}"))
                    .Expect(200);
                read.AddRange(page.List("prices").Select(p => p.GetProperty("model").GetString()!));
                after = page.Next("next_after");
            }
            read.ShouldBe(["A-3", "a-1", "a-2", "a_4", "b/x"], $"limit {limit}");
        }
    }

    [Theory]
    [InlineData("/prices/anthropic/claude:v1", "claude:v1")]
    [InlineData("/prices/claude:v1", "claude:v1")]
    [InlineData("/prices/amazon_nova/micro", "amazon-nova/micro")]
    [InlineData("/prices/eu/west/nova", "eu/west/nova")]
    [InlineData("/prices/eu%2Fwest%2fnova", "eu/west/nova")]
    [InlineData("/prices/a%20b%25", "a b%")]
    public async Task A_model_is_shown_by_its_name_with_slashes_or_without_its_prefix(string path, string model)
    {
        (await ImportAsync("""
            {"claude:v1": {"input_cost_per_token": 1, "litellm_provider": "anthropic"},
             "amazon-nova/micro": {"input_cost_per_token": 1}, "eu/west/nova": {"input_cost_per_token": 1},
             "a b%": {"input_cost_per_token": 1}}
            """)).Expect(200);

        (await _service.GetAsync(path)).Expect(200).Text("model").ShouldBe(model);
    }

    [Theory]
    [InlineData("/prices/west/nova/eu")]
    [InlineData("/prices/made-up/claude:v1")]
    [InlineData("/prices/import")]
    public async Task An_unknown_model_is_404(string path)
    {
        (await ImportAsync("""{"claude:v1": {"input_cost_per_token": 1, "litellm_provider": "anthropic"}}"""))
            .Expect(200);

        (await _service.GetAsync(path)).ExpectProblem(404, "not-found");
    }

    [Fact]
    public async Task An_import_that_would_end_many_models_takes_leave()
    {
        (await ImportAsync(Map([.. Enumerable.Range(0, 10).Select(n => ($"m{n}", 1m))]))).Expect(200);

        const string detail = "must be true for this: 2 of the 10 models that have a price are not in the map, "
            + "and would have none from then on";
        var cut = Map([("new", 1), .. Enumerable.Range(0, 8).Select(n => ($"m{n}", 1m))]);
        (await ImportAsync(cut)).ShouldBeProblem(
            400, "validation-failed", "A field is missing, wrong or unknown", $"allow_gone {detail}.",
            $$$"""{"errors":{"allow_gone":["{{{detail}}}"]}}""");
        (await VersionsAsync()).ShouldBe(1);
        (await ImportAsync(cut, "?dry_run=true")).Expect(200).Amount("gone").ShouldBe(2);
        (await ImportAsync(cut, "?allow_gone=true")).Expect(200).Amount("gone").ShouldBe(2);
        (await ImportAsync(Map([("new", 1), .. Enumerable.Range(0, 8).Select(n => ($"m{n}", 2m))])))
            .Expect(200).Amount("changed").ShouldBe(8);
    }

    [Fact]
    public async Task A_usage_is_priced_by_what_the_providers_account_shows_and_so_when_it_is_reviewed()
    {
        const string map = """
            {"claude": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06,
                        "output_cost_per_token": 1.5e-05, "cache_creation_input_token_cost": 3.75e-06,
                        "cache_creation_input_token_cost_above_1hr": 6e-06{0}}}
            """;
        var user = await _service.UserAsync(100_000);
        (await ImportAsync(map.Replace("{0}", "", StringComparison.Ordinal))).Expect(200);
        var hour = (await UseAsync("""{"cache_creation":{"ephemeral_1h_input_tokens":29911}}""")).Expect(201);
        (hour.Amount("provider_cost_usd"), hour.Amount("amount_cents")).ShouldBe((0.180504m, 18.0504m));

        var waiting = (await UseAsync("""{"cache_creation":{"ephemeral_1h_input_tokens":29911}}""", "needs_review"))
            .Expect(201);
        (await _service.PostAsync($"/usage/{waiting.Text("usage_id")}/bill", new { }))
            .Expect(200).Amount("amount_cents").ShouldBe(18.0504m);

        // Searches have a price, but not by the token.
        (await ImportAsync(map.Replace("{0}", ", \"search_context_cost_per_query\": {\"low\": 0.01}",
            StringComparison.Ordinal), "?valid_from=2026-01-01")).Expect(200);
        var search = (await UseAsync(
            """{"cache_creation":{"ephemeral_1h_input_tokens":29911},"server_tool_use":{"web_search_requests":1}}"""))
            .Expect(201);
        (search.Text("billing_status"), search.Text("review_reason"), search.Text("provider"))
            .ShouldBe(("needs_review", "other-price", "anthropic"));
        var path = $"/usage/{search.Text("usage_id")}/bill";
        (await _service.PostAsync(path, new { })).ExpectProblem(409, "not-priceable").Text("detail")
            .ShouldStartWith(
                "The call used a feature of claude that the price book has no price for. Send amount_cents");
        (await _service.PostAsync(path, new { provider_cost_usd = 0.19m }))
            .Expect(200).Amount("amount_cents").ShouldBe(19);

        Task<Reply> UseAsync(string usage, string? status = null) => _service.PostAsync(
            "/usage", $$"""
            {"user_id":"{{user}}","request_id":"{{Guid.NewGuid()}}","model":"claude","prompt_tokens":29917,
             "completion_tokens":68,"cache_write_tokens":29911,"usage":{{usage}},
             "billing_status":{{JsonSerializer.Serialize(status)}} }
            """);
    }

    [Fact]
    public async Task A_usage_is_priced_as_of_when_it_happened_as_soon_as_the_import_is_answered_R18()
    {
        var user = await _service.UserAsync(100_000);
        (await ImportAsync(Map(("m", 0.001m)))).Expect(200);
        (await ImportAsync(Map(("m", 0.002m), ("free", 0)), "?valid_from=2026-01-01")).Expect(200);
        (await ImportAsync(Map(("free", 0)), "?allow_gone=true")).Expect(200);

        (await UseAsync("m", "2025-12-31T23:59:59.999999Z")).ShouldBe("1 billed 1");
        (await UseAsync("m", "2026-01-01T00:00:00Z")).ShouldBe("2 billed 2");
        (await UseAsync("any/m", "2026-01-01T00:00:00Z")).ShouldBe(" needs_review ");
        (await UseAsync("m", null)).ShouldBe(" needs_review ");
        (await UseAsync("free", "2025-12-31")).ShouldBe(" needs_review ");
        (await UseAsync("free", null)).ShouldBe("0 billed 2");
        (await _service.BalanceAsync(user)).ShouldBe(100_000 - 3);

        async Task<string> UseAsync(string model, string? occurredAt)
        {
            var body = new Dictionary<string, object>
            { ["user_id"] = user, ["model"] = model, ["prompt_tokens"] = 10, ["request_id"] = Guid.NewGuid() };
            if (occurredAt is not null)
                body["occurred_at"] = occurredAt;
            var usage = (await _service.PostAsync("/usage", body)).Expect(201);
            return $"{usage.Next("amount_cents")} {usage.Text("billing_status")} {usage.Next("price_version")}";
        }
    }

    [Fact]
    public async Task Imports_at_once_take_turns_and_the_same_map_is_imported_once()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => ImportAsync(Map(("a", n % 2), ("b", 1)))));

        replies.ShouldAllBe(reply => reply.Status == 200);
        var versions = replies.Select(r => r.Next("version")).OfType<string>().Order().ToList();
        versions.Distinct().Count().ShouldBe(versions.Count);
        (await VersionsAsync()).ShouldBe(versions.Count);
        // Each version began after the one before it, and none repeats what was there.
        (await _service.Database.ScalarAsync<bool>("""
            SELECT bool_and(later) FROM (
                SELECT version > 1 IS NOT TRUE OR (valid_from > coalesce(lag(valid_from) OVER w, '-infinity')
                    AND input_usd_per_token <> lag(input_usd_per_token) OVER w) AS later
                FROM model_prices WHERE model = 'a' WINDOW w AS (ORDER BY version)) AS steps
            """)).ShouldBeTrue();
        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM model_prices WHERE model = 'b'")).ShouldBe(1);
    }

    [Fact]
    public async Task An_import_that_fails_half_way_leaves_nothing_and_succeeds_later()
    {
        await _service.Database.ExecuteAsync(
            "ALTER TABLE model_prices ADD CONSTRAINT ck_of_a_test CHECK (model <> 'z')");
        (await ImportAsync(Map(("a", 1), ("z", 1)))).Status.ShouldBe(500);
        (await VersionsAsync()).ShouldBe(0);
        (await _service.Database.ScalarAsync<long>("SELECT count(*) FROM model_prices")).ShouldBe(0);

        await _service.Database.ExecuteAsync("ALTER TABLE model_prices DROP CONSTRAINT ck_of_a_test");
        (await ImportAsync(Map(("a", 1), ("z", 1)))).Expect(200).Amount("added").ShouldBe(2);
    }

    private static string Map(params (string Model, decimal Usd)[] prices) =>
        JsonSerializer.Serialize(prices.ToDictionary(p => p.Model, p => new { input_cost_per_token = p.Usd }));

    private Task<Reply> ImportAsync(string map, string query = "") => _service.PostAsync($"/prices/import{query}", map);

    private Task<long> VersionsAsync() => _service.Database.ScalarAsync<long>("SELECT count(*) FROM price_versions");

    private async Task<List<string>> PricesAsync(string path) =>
        [.. (await _service.GetAsync(path)).Expect(200).List("prices")
            .Select(p => $"{p.GetProperty("model").GetString()} {p.GetProperty("input_usd_per_token").GetDecimal()}")];
}
