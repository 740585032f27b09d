using System.Text.Json;
using Factumerit.Ledger.Api.Hosting;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// A fault over HTTP: integrity, health and the list report it, and an admin resolves it with a reason.
/// </summary>
public sealed class FaultEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_fault_is_reported_everywhere_until_an_admin_resolves_it()
    {
        var user = await service.UserAsync(100);
        var watch = service.Get<IntegrityWatch>();
        await watch.CheckAsync(CancellationToken.None);
        (await service.GetAsync("/health/ready"))
            .ShouldRead("""{"status":"healthy","checks":{"database":"healthy","books":"healthy"}}""");
        await service.Database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 101 WHERE user_id = '{user}'");
        await service.Database.ExecuteAsync(
            "UPDATE account_totals SET entry_count = entry_count + 1 WHERE account = 'user:*'");
        Faults(await service.GetAsync("/ledger/integrity"))
            .ShouldContain(f => f.GetProperty("fault_id").ValueKind == JsonValueKind.Null);
        (await service.GetAsync("/ledger/faults")).ShouldRead("""{"faults":[],"next_before":null}""");

        await watch.CheckAsync(CancellationToken.None);

        var faults = Faults(await service.GetAsync("/ledger/integrity"));
        faults.Select(f => f.GetProperty("kind").GetString()).ShouldBe(["total-mismatch", "budget-mismatch"]);
        (await service.GetAsync("/health/ready")).Expect(200).ShouldRead("""
            {"status":"healthy","checks":{"database":"healthy","books":"faults: 2, see GET /ledger/integrity"}}
            """);
        await service.Database.ExecuteAsync($"UPDATE user_budgets SET balance_cents = 100 WHERE user_id = '{user}'");
        await service.Database.ExecuteAsync(
            "UPDATE account_totals SET entry_count = entry_count - 1 WHERE account = 'user:*'");
        foreach (var fault in faults)
        {
            var path = $"/ledger/faults/{fault.GetProperty("fault_id").GetInt64()}/resolve";
            (await service.PostAsync(path, new { reason = "set back" }, key: await service.KeyAsync("ops")))
                .ExpectProblem(403, "forbidden");
            (await service.PostAsync(path, new { reason = " " })).ExpectProblem(400, "validation-failed")
                .Json.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(["reason"]);
            var resolved = (await service.PostAsync(path, new { reason = "set back" })).Expect(200);
            (resolved.Text("reason"), resolved.Text("resolved_by")).ShouldBe(("set back", "bootstrap"));
            (await service.PostAsync(path, new { reason = "another" })).Expect(200).Body.ShouldBe(resolved.Body);
        }
        await watch.CheckAsync(CancellationToken.None);

        (await service.GetAsync("/ledger/integrity")).Json.GetProperty("is_balanced").GetBoolean().ShouldBeTrue();
        Faults(await service.GetAsync("/ledger/faults?state=standing")).ShouldBeEmpty();
        var page = await service.GetAsync("/ledger/faults?state=resolved&limit=1");
        var first = Faults(page).ShouldHaveSingleItem().GetProperty("fault_id").GetInt64();
        Faults(await service.GetAsync($"/ledger/faults?limit=1&before={page.Json.GetProperty("next_before")}"))
            .ShouldHaveSingleItem().GetProperty("fault_id").GetInt64().ShouldBeLessThan(first);
    }

    [Fact]
    public async Task A_fault_that_is_not_there_is_404() =>
        (await service.PostAsync("/ledger/faults/4711/resolve", new { reason = "r" })).ExpectProblem(404, "not-found");

    private static List<JsonElement> Faults(Reply reply) =>
        [.. reply.Expect(200).Json.GetProperty("faults").EnumerateArray()];
}
