using System.Text.Json;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Every route gives amounts as strings to callers who ask for it, with the same digits as the numbers.
/// </summary>
public sealed class MoneyAsTextTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task Amounts_are_strings_with_the_digits_of_the_numbers_where_they_are_asked_for()
    {
        // More digits than a double holds.
        (await service.PostAsync(
            "/grants?money=string", new { user_id = "exact", amount_cents = "9007199254.7409931" }, "g")).Expect(201)
            .Json.GetProperty("budget").GetProperty("balance_cents").GetString().ShouldBe("9007199254.7409931");

        foreach (var path in (string[])["/users/exact", "/users?limit=5", "/users/exact/entries", "/ledger/balances",
            "/ledger/summary", "/ledger/headroom", "/ledger/integrity", "/reports/margin"])
        {
            var numbers = (await service.GetAsync(path)).Expect(200).Json;
            var texts = (await service.GetAsync($"{path}{(path.Contains('?') ? '&' : '?')}money=string"))
                .Expect(200).Json;
            Amounts(numbers).ShouldAllBe(amount => amount.Value.ValueKind == JsonValueKind.Number);
            Amounts(texts).ShouldAllBe(amount => amount.Value.ValueKind == JsonValueKind.String, path);
            Amounts(texts).Select(amount => (amount.Name, amount.Value.GetString())).ShouldBe(
                Amounts(numbers).Select(amount => (amount.Name, (string?)amount.Value.GetRawText())), path);
        }
    }

    [Theory]
    [InlineData("application/json; money=string", JsonValueKind.String)]
    [InlineData("text/html, application/json;q=0.9;MONEY=\"string\"", JsonValueKind.String)]
    [InlineData("application/json", JsonValueKind.Number)]
    [InlineData("application/json; money=string; q=0, application/json", JsonValueKind.Number)]
    [InlineData("application/json; money=number", JsonValueKind.Number)]
    [InlineData("application/json; money=cowries", JsonValueKind.Number)]
    [InlineData("money=string", JsonValueKind.Number)]
    public async Task Accept_asks_for_them_too(string accept, JsonValueKind expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service.Url, "ledger/headroom"));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {LedgerService.AdminKey}");
        using var client = new HttpClient();
        using var answer = await client.SendAsync(request);

        answer.IsSuccessStatusCode.ShouldBeTrue();
        JsonElement.Parse(await answer.Content.ReadAsStringAsync())
            .GetProperty("available_cents").ValueKind.ShouldBe(expected);
    }

    [Fact]
    public async Task Problems_have_them_as_well()
    {
        (await service.PostAsync("/usage?money=string", new { user_id = "nobody", amount_cents = 1, request_id = "r" }))
            .ExpectProblem(402, "insufficient-credit")
            .Json.GetProperty("balance_cents").GetString().ShouldBe("0");
    }

    [Fact]
    public async Task Another_form_than_these_two_is_refused()
    {
        (await service.GetAsync("/ledger/headroom?money=text")).ExpectErrors("money")
            .Json.GetProperty("errors").GetProperty("money")[0].GetString().ShouldBe("must be string or number");
        (await service.GetAsync("/ledger/headroom?money=string&money=number"))
            .ExpectErrors("money").Body.ShouldContain("more than once");
    }

    private static IEnumerable<(string Name, JsonElement Value)> Amounts(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(field =>
            field.Name.EndsWith("_cents", StringComparison.Ordinal)
                || field.Name.EndsWith("_usd", StringComparison.Ordinal)
                || field.Name is "debits" or "credits" or "net" or "imbalance" or "total_debits" or "total_credits"
                ? field.Value.ValueKind == JsonValueKind.Null ? [] : [(field.Name, field.Value)]
                : Amounts(field.Value)),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Amounts),
        _ => [],
    };
}
