using System.Text.Json;
using Factumerit.Ledger.Tests.Data;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>
/// Situations that gateway users reported in public: who is billed for what, what waits for which reason, and that a
/// repeated report is a replay.
/// </summary>
public sealed class ReportedCasesTests(ReportedCasesTests.Priced service) : IClassFixture<ReportedCasesTests.Priced>
{
    [Theory]
    // accepted, replayed, needs review, skipped, failed; what alice and bob pay, in cents; why the others wait
    [InlineData("01-unknown-is-not-free", 0, "0 0 2 0 0", "0", "0", "no-tokens no-tokens")]
    [InlineData("01-unknown-is-not-free", 1, "1 0 0 2 0", "42", "0", "")]
    [InlineData("01-unknown-is-not-free", 2, "1 0 1 0 0", "0", "137", "")]
    [InlineData("01-unknown-is-not-free", 3, "0 0 3 0 0", "0", "0", "retrieved retrieved retrieved")]
    [InlineData("01-unknown-is-not-free", 4, "1 0 1 0 0", "50", "0", "")]
    [InlineData("02-ids", 0, "2 0 0 0 0", "5", "7", "")]
    [InlineData("02-ids", 1, "1 0 1 0 0", "5", "0", "ids-disagree")]
    [InlineData("02-ids", 2, "1 0 1 0 0", "100", "0", "ids-disagree")]
    [InlineData("02-ids", 3, "2 1 0 0 0", "6", "0", "")]
    [InlineData("03-unreadable", 0, "1 0 0 0 0", "289.8714", "0", "")]
    [InlineData("03-unreadable", 1, "2 0 0 0 0", "0.015", "0", "")]
    [InlineData("03-unreadable", 2, "7 0 1 0 0", "7", "0", "no-user")]
    [InlineData("04-zeros-that-hide", 0, "1 0 0 0 0", "3.3907", "0", "")]
    [InlineData("04-zeros-that-hide", 1, "1 0 0 0 0", "0.4", "0", "")]
    [InlineData("04-zeros-that-hide", 2, "1 0 0 0 0", "0", "0", "")]
    [InlineData("05-totals-decide", 0, "1 0 0 0 0", "9.498", "0", "")]
    [InlineData("05-totals-decide", 1, "1 0 0 0 0", "6.6345", "0", "")]
    [InlineData("05-totals-decide", 2, "2 0 0 0 0", "8.83005", "0", "")]
    [InlineData("07-failed-but-burnt", 0, "1 0 0 0 0", "0.65", "0", "")]
    [InlineData("07-failed-but-burnt", 1, "0 0 0 1 0", "0", "0", "")]
    [InlineData("08-who-it-was", 0, "0 0 1 0 0", "0", "0", "no-user")]
    public async Task A_case_has_its_right_outcome_and_the_same_again_changes_nothing(
        string file, int number, string counts, string alicePays, string bobPays, string waiting)
    {
        // Each case has users of its own, and so have calls whose ids come in several.
        var prefix = $"c{file[..2]}-{number}";
        var body = BodyOf(file, number).Replace("vikunja:", $"{prefix}:", StringComparison.Ordinal);
        var before = await service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage");

        string.Join(' ', Counts((await service.PostAsync("/intake/litellm", body)).Expect(200))).ShouldBe(counts);

        var after = await service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage");
        await ExpectAsync();
        var again = Counts((await service.PostAsync("/intake/litellm", body)).Expect(200));
        (again[0], again[2], again[4]).ShouldBe((0, 0, 0));
        (await service.Database.ScalarAsync<long>("SELECT count(*) FROM llm_usage")).ShouldBe(after);
        await ExpectAsync();
        await service.Database.AssertIntegrityAsync();

        async Task ExpectAsync()
        {
            foreach (var (user, cents) in ((string, string)[])[("alice", alicePays), ("bob", bobPays)])
                (await service.Database.ScalarAsync<decimal>(
                    $"SELECT coalesce(sum(user_price_cents), 0) FROM llm_usage WHERE user_id = '{prefix}:{user}'"))
                        .ShouldBe(decimal.Parse(cents), user);
            (await service.Database.ScalarAsync<string>($"""
                SELECT coalesce(string_agg(review_reason, ' ' ORDER BY review_reason), '')
                FROM (SELECT * FROM llm_usage ORDER BY created_at, id OFFSET {before}) u
                    WHERE billing_status = 'needs_review'
                """)).ShouldBe(waiting);
        }
    }

    [Fact]
    public async Task What_names_the_payer_is_kept_for_the_reviewer()
    {
        (await service.PostAsync("/intake/litellm", BodyOf("08-who-it-was", 0)
            .Replace("sso-1", "sso-2", StringComparison.Ordinal))).Expect(200);
        var usage = (await service.GetAsync("/usage?billing_status=needs_review"))
            .Expect(200).List("usages").Single(u => u.GetProperty("request_id").GetString() == "sso-2");
        var hint = usage.GetProperty("payer_hint");
        hint.EnumerateObject().ToDictionary(h => h.Name, h => h.Value.GetString())
            .ShouldBe(new Dictionary<string, string?>
            {
                ["key_alias"] = "editor",
                ["key_hash"] = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
                ["user_id"] = "auth0|65f0",
                ["email"] = "a@example.test",
                ["end_user"] = "Jürgen M.",
            }, ignoreOrder: true);
        (await service.PostAsync($"/usage/{usage.GetProperty("usage_id").GetString()}/bill",
            """{"user_id":"vikunja:alice"}""")).Expect(200).Text("billing_status").ShouldBe("billed");
    }

    [Fact]
    public async Task A_control_character_in_a_name_costs_the_hint_nothing()
    {
        var payload = Payload("odd-alias", null, null, "0.01");
        payload["metadata"] = new System.Text.Json.Nodes.JsonObject { ["user_api_key_alias"] = "edi\0tor\u0001" };
        await service.SendAsync(payload);
        (await service.Database.ScalarAsync<string>("SELECT payer_hint->>'key_alias' FROM llm_usage "
            + "WHERE request_id = 'odd-alias'")).ShouldBe("edi\uFFFDtor\uFFFD");
    }

    [Fact]
    public async Task A_call_with_a_user_keeps_no_hint()
    {
        (await service.SendAsync(Payload("hint-less", null, "somebody", "0.01"))).Expect(200);
        (await service.Database.ScalarAsync<bool>(
            "SELECT payer_hint IS NULL FROM llm_usage WHERE request_id = 'hint-less'")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_report_without_a_user_that_completes_another_bills_its_user_and_no_other_R3()
    {
        await service.SendAsync(Payload("known-before", null, "payer", "0.10"));
        await service.SendAsync(Payload("late", null, "payer", null, "nobody-knows"));
        Counts(await service.SendAsync(Payload("late", null, null, "0.05", "nobody-knows"))).ShouldBe([1, 0, 0, 0, 0]);
        (await service.BalanceAsync("payer")).ShouldBe(-15);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task Many_reports_at_once_complete_a_call_once()
    {
        await service.SendAsync(Payload("crowd", null, "crowd", null, "nobody-knows"));
        var replies = await Task.WhenAll(Enumerable.Range(0, 40)
            .Select(_ => service.SendAsync(Payload("crowd", null, "crowd", "0.05", "nobody-knows"))));
        replies.Sum(r => Counts(r)[0]).ShouldBe(1);
        replies.Sum(r => Counts(r)[1]).ShouldBe(39);
        (await service.BalanceAsync("crowd")).ShouldBe(-5);
        await service.Database.AssertIntegrityAsync();
    }

    [Fact]
    public async Task A_reviewer_and_a_late_report_at_once_bill_a_call_once_R16()
    {
        for (var round = 0; round < 10; round++)
        {
            var id = $"race-{round}";
            await service.SendAsync(Payload(id, null, "race", null, "nobody-knows"));
            var usageId = await service.Database.ScalarAsync<Guid>(
                $"SELECT id FROM llm_usage WHERE request_id = '{id}'");
            await Task.WhenAll(
                service.PostAsync($"/usage/{usageId}/bill", """{"amount_cents":5}"""),
                service.SendAsync(Payload(id, null, "race", "0.05", "nobody-knows")),
                service.PostAsync("/usage/reprice", new { }));
        }
        (await service.BalanceAsync("race")).ShouldBe(-50);
        await service.Database.AssertIntegrityAsync();
    }

    private static string BodyOf(string file, int number)
    {
        var one = JsonElement.Parse(File.ReadAllText(RealCalls.PathOf($"reports/{file}.json")))
            .GetProperty("cases")[number];
        return one.TryGetProperty("body_text", out var text) ? text.GetString()! : one.GetProperty("body").GetRawText();
    }

    /// <summary>The prices that the cases speak of.</summary>
    public sealed class Priced : IntakeService
    {
        private const string PriceMap = """
            {"known-model": {"litellm_provider": "openai", "input_cost_per_token": 3e-09,
                 "output_cost_per_token": 15e-09},
             "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
                  "output_cost_per_token": 1e-05},
             "claude-sonnet-4-5": {"litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 3e-06,
                  "output_cost_per_token": 1.5e-05,
               "cache_creation_input_token_cost": 3.75e-06, "cache_read_input_token_cost": 3e-07},
             "vertex_ai/claude-sonnet-4-5": {"litellm_provider": "vertex_ai-anthropic_models", "mode": "chat",
                  "input_cost_per_token": 3e-06,
               "output_cost_per_token": 1.5e-05},
             "xai/grok-4": {"litellm_provider": "xai", "mode": "chat", "input_cost_per_token": 3e-06,
                  "output_cost_per_token": 1.5e-05},
             "gpt-image-1.5": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 5e-06,
               "output_cost_per_token": 1e-05, "output_cost_per_image_token": 3.2e-05}}
            """;

        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            (await PostAsync("/prices/import?allow_gone=true", PriceMap)).Expect(200);
        }
    }
}

/// <summary>LiteLLM's own margin is not the provider's cost, and ours comes on top of that cost.</summary>
public sealed class GatewayMarginTests(GatewayMarginTests.Marked service) : IClassFixture<GatewayMarginTests.Marked>
{
    [Fact]
    public async Task The_markup_is_on_the_providers_cost()
    {
        var body = JsonElement.Parse(File.ReadAllText(RealCalls.PathOf("reports/06-margin.json")))
            .GetProperty("cases")[0].GetProperty("body").GetRawText();
        (await service.PostAsync("/intake/litellm", body)).Expect(200);
        (await service.Database.RowsAsync("SELECT provider_cost_usd, user_price_cents FROM llm_usage"))
            .ShouldBe(["1|120"]);
    }

    public sealed class Marked : IntakeService
    {
        protected override string[] Configuration => [.. base.Configuration, "--Pricing:Markup=1.2"];
    }
}
