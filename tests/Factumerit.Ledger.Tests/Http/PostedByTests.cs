using System.Text.Json;
using Factumerit.Ledger.Tests.Storage;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Every write carries the key whose request it was, whatever admin_id says.</summary>
public sealed class PostedByTests(LedgerService service) : IClassFixture<LedgerService>
{
    private const string Bootstrap = """{"api_key_id":null,"name":"bootstrap"}""";

    [Fact]
    public async Task A_transaction_and_its_entries_show_the_key_beside_the_admin_that_the_caller_names()
    {
        var (key, by) = await KeyAsync("admin");
        var user = $"user-{Guid.NewGuid():N}";
        var grant = (await service.PostAsync(
            "/grants", new { user_id = user, amount_cents = 5, admin_id = "somebody else" }, Guid.NewGuid().ToString(),
            key)).Expect(201);

        var transaction = (await service.GetAsync($"/ledger/transactions/{grant.Text("transaction_id")}")).Expect(200);
        PostedBy(transaction.Json).ShouldBe(by);
        transaction.Text("reference_id").ShouldBe("somebody else");
        transaction.List("entries").Select(PostedBy).ShouldBe([by, by]);
        PostedBy((await service.GetAsync($"/users/{user}/entries")).List("entries").Single()).ShouldBe(by);
    }

    [Fact]
    public async Task Every_operation_that_moves_money_carries_the_key()
    {
        var (key, by) = await KeyAsync("admin");
        var user = await service.UserAsync(10);
        var made = new Dictionary<string, string>();
        foreach (var (path, body) in new (string, object)[]
        {
            ("/purchases", new { credits_cents = 2500, provider = "anthropic" }),
            ("/write-downs", new { amount_cents = 1, provider = "anthropic" }),
            ("/grants", new { user_id = user, amount_cents = 3 }),
            ("/usage", new { user_id = user, amount_cents = 2 }),
        })
            made[path] = (await service.PostAsync(path, body, Guid.NewGuid().ToString(), key))
                .Expect(201).Text("transaction_id");
        var newcomer = $"user-{Guid.NewGuid():N}";
        (await service.PostAsync("/users", new { user_id = newcomer, initial_credit_cents = 7 }, key: key)).Expect(201);
        made["signup"] = (await service.GetAsync($"/users/{newcomer}/entries"))
            .List("entries").Single().GetProperty("transaction_id").GetString()!;
        made["deletion"] = (await service.DeleteAsync($"/users/{user}", key)).Expect(200).Text("transaction_id");

        foreach (var (what, id) in made)
            PostedBy((await service.GetAsync($"/ledger/transactions/{id}")).Expect(200).Json).ShouldBe(by, what);
    }

    // Several statements save usages: alone, with others, with and without what costs more columns.
    [Theory]
    [InlineData("""[{"user_id":"USER","amount_cents":1,"request_id":"a"},"""
        + """{"user_id":"USER","amount_cents":2,"request_id":"b"}]""")]
    [InlineData("""[{"user_id":"USER","amount_cents":0,"request_id":"a"},"""
        + """{"user_id":"USER","amount_cents":2,"request_id":"b","description":"d"}]""")]
    [InlineData("""[{"user_id":"USER","request_id":"a","billing_status":"needs_review"},"""
        + """{"user_id":"USER","amount_cents":2,"request_id":"b"}]""")]
    public async Task Usages_carry_the_key_however_they_are_saved(string batch)
    {
        var (key, by) = await KeyAsync("bot");
        var user = await service.UserAsync(10);

        (await service.PostAsync("/usage/batch", batch.Replace("USER", user, StringComparison.Ordinal), key: key))
            .Expect(200)
            .List("results").Select(r => r.GetProperty("status").GetInt32()).ShouldAllBe(status => status == 201);

        var usages = (await service.GetAsync($"/usage?user_id={user}")).List("usages");
        usages.Select(PostedBy).ShouldBe([by, by]);
        foreach (var id in usages.Select(u => u.GetProperty("usage_id").GetString()))
            PostedBy((await service.GetAsync($"/usage/{id}")).Json).ShouldBe(by);
        (await service.GetAsync($"/users/{user}/entries")).List("entries").Select(PostedBy)
            .ShouldAllBe(poster => poster == by || poster == Bootstrap);
    }

    [Fact]
    public async Task A_usage_keeps_who_reported_it_and_shows_who_reviewed_it()
    {
        var ((bot, reporter), (admin, reviewer)) = (await KeyAsync("bot"), await KeyAsync("admin"));
        var user = await service.UserAsync(10);
        var waiting = (await service.PostAsync(
            "/usage", new { user_id = user, request_id = "r", billing_status = "needs_review" }, key: bot)).Expect(201);

        var billed = (await service.PostAsync(
            $"/usage/{waiting.Text("usage_id")}/bill", new { amount_cents = 1 }, key: admin)).Expect(200);

        PostedBy(billed.Json).ShouldBe(reporter);
        billed.Json.GetProperty("reviewer").GetRawText().ShouldBe(reviewer);
        PostedBy((await service.GetAsync($"/ledger/transactions/{billed.Text("transaction_id")}")).Json)
            .ShouldBe(reviewer);
    }

    [Fact]
    public async Task What_is_from_before_an_upgrade_has_nobody()
    {
        await service.Database.ExecuteAsync(LedgerSql.InsertMove("equity:grants", "user:before", "5"));
        var id = await service.Database.ScalarAsync<Guid>(
            "SELECT transaction_id FROM ledger_entries WHERE account = 'user:before'");

        (await service.GetAsync($"/ledger/transactions/{id}"))
            .Expect(200).Json.GetProperty("posted_by").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    private async Task<(string Secret, string By)> KeyAsync(string role)
    {
        var made = (await service.PostAsync("/api-keys", new { name = $"key {Guid.NewGuid():N}", role })).Expect(201);
        return (made.Text("secret"), $$"""{"api_key_id":"{{made.Text("id")}}","name":"{{made.Text("name")}}"}""");
    }

    private static string PostedBy(JsonElement json) => json.GetProperty("posted_by").GetRawText();
}
