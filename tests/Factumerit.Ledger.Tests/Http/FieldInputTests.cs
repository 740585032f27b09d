namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Fields that are missing, unknown, misspelt, repeated, of the wrong type or out of bounds. A refused request leaves
/// no trace (R10).
/// </summary>
public sealed class FieldInputTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Theory]
    [InlineData("/users", "{}", "user_id")]
    [InlineData("/usage", "{}", "user_id", "request_id")]
    [InlineData("/usage", """{"user_id":null,"amount_cents":null,"request_id":null}""", "user_id", "request_id")]
    [InlineData("/grants", "{}", "user_id", "amount_cents", "Idempotency-Key")]
    [InlineData("/purchases", "{}", "credits_cents", "Idempotency-Key")]
    [InlineData("/write-downs", "{}", "amount_cents", "Idempotency-Key")]
    public async Task Missing_fields_are_all_named(string path, string body, params string[] fields) =>
        await RefusedAsync(path, body, fields);

    [Theory]
    [InlineData("""{"user_id":"u","amount_cent":5,"requestId":"r"}""", "amount_cent", "requestId")]
    [InlineData("""{"user_id":"u","amount_cents":5,"request_id":"r","balance_cents":1,"id":2}""",
        "balance_cents", "id")]
    [InlineData("""{"User_Id":"u","AMOUNT_CENTS":5,"":1}""", "User_Id", "AMOUNT_CENTS", "")]
    [InlineData("""{"user_id":"u","user_id":"u","amount_cents":1,"amount_cents":2,"request_id":"r"}""", "user_id",
        "amount_cents")]
    [InlineData("""{"amount_cents":1,"\u0061mount_cents":2,"__proto__":{},"user_id":"u","request_id":"r"}""",
        "amount_cents", "__proto__")]
    [InlineData("""{"\ud800":1}""", "$")]
    public async Task Unknown_misspelt_and_repeated_fields_are_all_named(string body, params string[] fields) =>
        await RefusedAsync("/usage", body, fields);

    [Fact]
    public async Task A_body_full_of_unknown_fields_is_not_answered_with_many_times_its_size()
    {
        var body = "{" + string.Join(',', Enumerable.Range(0, 90_000).Select(i => $"\"f{i}\":1")) + "}";

        (await service.PostAsync("/usage", body))
            .ExpectProblem(400, "validation-failed").Body.Length.ShouldBeLessThan(100_000);
    }

    [Theory]
    [InlineData("user_id", "5", "[]", "true")]
    [InlineData("request_id", "5", "{}", "\"\"", "\" \"", "\"a\\nb\"", "\"a\\u0000\"", "\"\\u007f\"", "\"\\ud800\"")]
    [InlineData("model", "5", "\"\"", "\"a\\u0000b\"", "\"\\udc00\\ud800\"")]
    [InlineData("prompt_tokens", "-1", "1.5", "1000000000001", "1e400", "\"5\"", "99999999999999999999", "true")]
    [InlineData("completion_tokens", "-1", "1.5", "[]")]
    [InlineData("description", "5", "\"a\\u0000b\"", "\"\\u001b[31m\"", "\"\\ud800\"")]
    [InlineData("reference_id", "5", "\"\"", "\"a\\tb\"")]
    [InlineData("metadata", "5", "[]", "\"{}\"", "{\"a\":\"\\ud800\"}", "{\"a\":[{\"\\udfff\":1}]}")]
    [InlineData("provider", "5", "\"\"", "\"Anthropic\"", "\"api\"", "\"a b\"")]
    [InlineData("provider_cost_usd", "-1", "\"\"", "\"one\"", "true", "10000000000.1", "100000000000",
        "0.00000000000000000000000000001", "1.0000000000000000000000000001", "\"NaN\"")]
    [InlineData("cache_read_tokens", "-1", "1.5", "2147483648", "\"5\"")]
    [InlineData("cache_write_tokens", "-1", "1.5", "2147483648", "true")]
    [InlineData("reasoning_tokens", "-1", "1.5", "2147483648", "[]")]
    [InlineData("usage", "5", "[]", "\"{}\"", "{\"a\":\"\\ud800\"}", "{\"a\":[\"\\u0000\"]}", "{\"\\u0000\":1}",
        "{\"a\":1e401}", "{\"a\":1E-401}", "{\"a\":1e99999999999}")]
    [InlineData("billing_status", "5", "\"billed\"", "\"waived\"", "\"needs_review\"")]
    [InlineData("enforce_balance", "0", "\"no\"", "\"false\"")]
    [InlineData("occurred_at", "5", "\"\"", "\"yesterday\"", "\"2026-02-30\"", "\"2026-01-31T25:00:00Z\"",
        "\"01/02/2026\"", "\"2026-01-31T12:00:00+99:00\"",
        "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T23:59:59Z\"", "\"9999-12-31T23:59:59-14:00\"", "\"\\ud800\"",
        "1769860800")]
    public async Task A_wrong_value_is_refused_by_the_name_of_its_field(string field, params string[] values)
    {
        foreach (var value in values)
        {
            var fields = new Dictionary<string, string>
            { ["user_id"] = "\"u\"", ["amount_cents"] = "0", ["request_id"] = "\"r\"", [field] = value };
            await RefusedAsync(
                "/usage", $"{{{string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}"))}}}", field);
        }
    }

    [Theory]
    [InlineData("/users", """{"user_id":"u","promo_ttl_days":0}""", "promo_ttl_days")]
    [InlineData("/users", """{"user_id":"u","promo_ttl_days":3651}""", "promo_ttl_days")]
    [InlineData("/users", """{"user_id":"u","promo_ttl_days":99999999999}""", "promo_ttl_days")]
    [InlineData("/users", """{"user_id":"u","override_headroom_check":"yes"}""", "override_headroom_check")]
    [InlineData("/grants", """{"user_id":"u","amount_cents":1,"reason":"\u0000"}""", "reason")]
    [InlineData("/grants", """{"user_id":"u","amount_cents":1,"admin_id":"a\u0000"}""", "admin_id")]
    [InlineData("/grants", """{"user_id":"u","amount_cents":1,"admin_id":""}""", "admin_id")]
    [InlineData("/purchases", """{"credits_cents":1,"provider":"api"}""", "provider")]
    [InlineData("/purchases", """{"credits_cents":1,"provider":"sales_tax"}""", "provider")]
    [InlineData("/purchases", """{"credits_cents":1,"provider":"Open AI\u0000","invoice":"\u0000"}""",
        "provider", "invoice")]
    [InlineData("/write-downs", """{"amount_cents":1,"provider":"user:x","reason":"\u0000"}""", "provider", "reason")]
    public async Task Other_requests_refuse_theirs_too(string path, string body, params string[] fields) =>
        await RefusedAsync(path, body, fields, "key");

    [Theory]
    [InlineData("request_id", 255)]
    [InlineData("model", 200)]
    [InlineData("description", 1000)]
    [InlineData("reference_id", 200)]
    public async Task A_text_may_be_so_long_and_not_longer(string field, int lengthMax)
    {
        var others = field == "request_id" ? "" : $"\"request_id\":\"{field}\",";
        string Body(int length) =>
            $$"""{"user_id":"long","amount_cents":0,{{others}}"{{field}}":"{{new string('ä', length)}}"}""";

        await RefusedAsync("/usage", Body(lengthMax + 1), [field]);
        (await service.PostAsync("/usage", Body(lengthMax))).Expect(201);
    }

    [Fact]
    public async Task Metadata_may_have_16_KiB_and_not_one_character_more()
    {
        string Body(int length) =>
            """{"user_id":"meta","amount_cents":0,"request_id":"16k","metadata":"""
            + $$"""{"a":"{{new string('x', length - 8)}}"} }""";

        await RefusedAsync("/usage", Body((16 * 1024) + 1), ["metadata"]);
        (await service.PostAsync("/usage", Body(16 * 1024))).Expect(201);
    }

    [Theory]
    [InlineData("""{"a":"\u0000","\u0000":1}""")]
    [InlineData("""{"a":1e400,"b":-1E-400,"c":123456789012345678901234567890.123456789}""")]
    [InlineData("""{"a":1,"a":2,"":null}""")]
    [InlineData("""{"a":"\ud83d\ude00 ü"}""")]
    public async Task Metadata_is_kept_whatever_valid_json_it_holds(string metadata)
    {
        var body =
            $$"""{"user_id":"meta","amount_cents":0,"request_id":"{{Guid.NewGuid()}}","metadata":{{metadata}}}""";

        var usage = (await service.PostAsync("/usage", body)).Expect(201);

        (await service.GetAsync($"/usage/{usage.Text("usage_id")}")).Expect(200);
        (await service.PostAsync("/usage", body)).Expect(200).Body.ShouldBe(usage.Body);
    }

    [Theory]
    [InlineData("r/1?a=b&c#d%00%2F")]
    [InlineData("'; DROP TABLE llm_usage; --")]
    [InlineData("ünï-\ud83d\ude00")]
    [InlineData(" padded ")]
    public async Task A_request_id_may_be_any_text(string requestId)
    {
        var body = new { user_id = "odd", amount_cents = 0, request_id = requestId };

        (await service.PostAsync("/usage", body)).Expect(201).Text("request_id").ShouldBe(requestId);
        (await service.PostAsync("/usage", body)).Expect(200).Replayed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_call_may_have_happened_4_minutes_ahead_but_not_6()
    {
        var now = DateTimeOffset.UtcNow;
        object Body(int minutes, string format) => new
        {
            user_id = "clock",
            amount_cents = 0,
            request_id = $"{minutes}{format}",
            occurred_at = now.AddMinutes(minutes).ToOffset(
                TimeSpan.FromHours(format.EndsWith("zzz", StringComparison.Ordinal) ? -7 : 0)).ToString(format, null),
        };

        foreach (var format in (string[])["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss",
            "yyyy-MM-dd HH:mm:ss.fffffff", "yyyy-MM-dd'T'HH:mm:sszzz"])
        {
            (await service.PostAsync("/usage", Body(6, format))).ExpectErrors("occurred_at");
            var reply = (await service.PostAsync("/usage", Body(4, format))).Expect(201);
            reply.Json.GetProperty("occurred_at")
                .GetDateTimeOffset().ShouldBe(now.AddMinutes(4), TimeSpan.FromSeconds(1));
        }
    }

    private async Task RefusedAsync(string path, string body, string[] fields, string? idempotencyKey = null)
    {
        var footprint = await service.Database.FootprintAsync();
        (await service.PostAsync(path, body, idempotencyKey)).ExpectErrors(fields);
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    private Task RefusedAsync(string path, string body, string field) => RefusedAsync(path, body, [field]);
}
