namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Every field that takes an amount reads it exactly or refuses it. A refused request leaves no trace (R10).
/// </summary>
public sealed class AmountInputTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Theory]
    [InlineData("-1")]
    [InlineData("-0.0000001")]
    [InlineData("\"-5\"")]
    [InlineData("\"NaN\"")]
    [InlineData("\"Infinity\"")]
    [InlineData("1e30")]
    [InlineData("1e9999")]
    [InlineData("1e-400")]
    [InlineData("1e99999999999999999999")]
    [InlineData("1000000000000.0000001")]
    [InlineData("0.00000001")]
    [InlineData("1.12345678")]
    [InlineData("0.1234567890123456789012345678901")]
    [InlineData("99999999999999999999999999999.5")]
    [InlineData("\"five\"")]
    [InlineData("\"\"")]
    [InlineData("\" 5\"")]
    [InlineData("\"+5\"")]
    [InlineData("\"5,00\"")]
    [InlineData("\"0x10\"")]
    [InlineData("\"٥\"")]
    [InlineData("\"\\u0000\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("true")]
    [InlineData("[]")]
    [InlineData("[5]")]
    [InlineData("{}")]
    public async Task What_is_no_exact_amount_is_refused_by_name(string amount)
    {
        var user = await service.UserAsync(1);
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/usage", $$"""{"user_id":"{{user}}","amount_cents":{{amount}},"request_id":"r"}"""))
            .ExpectErrors("amount_cents");
        (await service.PostAsync("/grants", $$"""{"user_id":"{{user}}","amount_cents":{{amount}}}""", "g"))
            .ExpectErrors("amount_cents");
        (await service.PostAsync("/purchases", $$"""{"credits_cents":{{amount}}}""", "p"))
            .ExpectErrors("credits_cents");
        (await service.PostAsync("/purchases", $$"""{"credits_cents":1,"sales_tax_cents":{{amount}}}""", "p"))
            .ExpectErrors("sales_tax_cents");
        (await service.PostAsync("/write-downs", $$"""{"amount_cents":{{amount}}}""", "w"))
            .ExpectErrors("amount_cents");
        (await service.PostAsync("/write-downs", $$"""{"actual_balance_cents":{{amount}}}""", "w"))
            .ExpectErrors("actual_balance_cents");
        (await service.PostAsync(
            "/users", $$"""{"user_id":"new","initial_credit_cents":{{amount}},"override_headroom_check":true}"""))
            .ExpectErrors("initial_credit_cents");

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("0x10")]
    [InlineData("+5")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("05")]
    public async Task What_is_no_json_number_is_malformed(string amount) =>
        (await service.PostAsync("/usage", $$"""{"user_id":"u","amount_cents":{{amount}},"request_id":"r"}"""))
            .ExpectProblem(400, "malformed-request");

    [Theory]
    [InlineData("5", "5")]
    [InlineData("\"5\"", "5")]
    [InlineData("\"0.0165\"", "0.0165")]
    [InlineData("0.0000001", "0.0000001")]
    [InlineData("1e-7", "0.0000001")]
    [InlineData("5.00000000000000000000000000000000000000", "5")]
    [InlineData("1.0E2", "100")]
    [InlineData("1000000000000", "1000000000000")]
    [InlineData("999999999999.9999999", "999999999999.9999999")]
    public async Task An_exact_amount_is_kept_to_the_last_digit(string sent, string answered)
    {
        var user = await service.UserAsync(0);

        var grant = await service.PostAsync("/grants", $$"""{"user_id":"{{user}}","amount_cents":{{sent}}}""", user);

        grant.Expect(201).Body.ShouldContain($"\"balance_cents\":{answered},");
        (await service.GetAsync($"/users/{user}")).Body.ShouldContain($"\"balance_cents\":{answered},");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("0.00")]
    [InlineData("\"0\"")]
    public async Task Zero_is_a_usage_and_no_grant_or_purchase_R5(string zero)
    {
        var user = await service.UserAsync(0);

        (await service.PostAsync("/usage", $$"""{"user_id":"{{user}}","amount_cents":{{zero}},"request_id":"r"}"""))
            .Expect(201).Amount("amount_cents").ShouldBe(0);
        (await service.PostAsync("/grants", $$"""{"user_id":"{{user}}","amount_cents":{{zero}}}""", "g"))
            .ExpectErrors("amount_cents");
        (await service.PostAsync("/purchases", $$"""{"credits_cents":{{zero}}}""", "p")).ExpectErrors("credits_cents");
    }

    [Fact]
    public async Task A_null_amount_is_a_missing_one()
    {
        var user = await service.UserAsync(1);
        (await service.PostAsync("/usage", $$"""{"user_id":"{{user}}","amount_cents":null,"request_id":"r"}"""))
            .Expect(201).Text("review_reason").ShouldBe("no-tokens");
        (await service.PostAsync("/grants", """{"user_id":"u","amount_cents":null}""", "k"))
            .ExpectErrors("amount_cents").Text("detail").ShouldBe("amount_cents is required.");
    }

    [Fact]
    public async Task A_purchase_and_its_tax_together_are_one_operation() =>
        (await service.PostAsync("/purchases", """{"credits_cents":1000000000000,"sales_tax_cents":0.0000001}""", "p"))
            .ExpectErrors("sales_tax_cents");

    [Fact]
    public async Task A_balance_that_could_not_be_kept_is_refused_and_leaves_no_trace()
    {
        var user = await service.UserAsync(0);
        for (var grant = 0; grant < 9; grant++)
            (await service.PostAsync(
                "/grants", new { user_id = user, amount_cents = 1_000_000_000_000m }, $"{user}-{grant}")).Expect(201);
        (await service.PostAsync(
            "/grants", new { user_id = user, amount_cents = 999_999_999_999.9999999m }, $"{user}-last")).Expect(201);
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 0.0000001m }, $"{user}-over"))
            .ExpectErrors("amount_cents");

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }
}
