using System.Text;
using Factumerit.Ledger.Api.Endpoints;
using Factumerit.Ledger.Api.Http;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// However much is wrong with a request, its answer stays small: it lists errors up to a limit, then counts them.
/// </summary>
public sealed class BoundedAnswerTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_request_lists_ten_errors_and_counts_the_others()
    {
        var reply = (await service.PostAsync("/usage", Stray(50))).ExpectProblem(400, "validation-failed");

        reply.Json.GetProperty("errors").EnumerateObject().Count().ShouldBe(10);
        reply.Json.GetProperty("more_errors").GetInt32().ShouldBe(40);
        reply.Text("detail").ShouldEndWith(" 40 more errors are not listed.");
    }

    [Fact]
    public async Task A_batch_lists_a_hundred_errors_and_counts_the_others_of_each_item()
    {
        var body = Array(Stray(50), 1000);

        var reply = (await service.PostAsync("/usage/batch", body)).Expect(200);

        reply.Body.Length.ShouldBeLessThan(body.Length);
        var problems = reply.List("results").Select(result => result.GetProperty("problem")).ToList();
        problems.Count.ShouldBe(1000);
        problems.Sum(p => p.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().Count() : 0)
            .ShouldBe(UsageEndpoints.BatchErrorsMax);
        problems[0].GetProperty("more_errors").GetInt32().ShouldBe(40);
        problems[^1].GetProperty("more_errors").GetInt32().ShouldBe(50);
        problems[^1].GetProperty("detail").GetString().ShouldBe("50 errors, which are not listed.");
    }

    [Theory]
    [InlineData("""{"<NAME>":1}""")]
    [InlineData("""{"user_id":"<NAME>","amount_cents":1,"request_id":"r"}""")]
    [InlineData("""{"user_id":"u","amount_cents":1,"request_id":"<NAME>"}""")]
    [InlineData("""{"user_id":"u","amount_cents":"<NAME>","request_id":"r"}""")]
    public async Task What_the_caller_wrote_is_repeated_in_short(string item)
    {
        // In JSON each of these is escaped by six characters.
        item = item.Replace("<NAME>", new string('<', 4000), StringComparison.Ordinal);

        (await service.PostAsync("/usage", item))
            .ExpectProblem(400, "validation-failed").Body.Length.ShouldBeLessThan(item.Length);
        (await service.PostAsync("/usage/batch", Array(item, 1000)))
            .Expect(200).Body.Length.ShouldBeLessThan(item.Length * 1000);
        var bound = await service.KeyAsync("bot", "mine:");
        (await service.PostAsync("/usage/batch", Array(item, 1000), null, bound)).Expect(200).Body.Length
            .ShouldBeLessThan(item.Length * 1000);
    }

    [Fact]
    public async Task Even_the_smallest_items_make_no_large_answer() =>
        (await service.PostAsync("/usage/batch", Array("1", 1000)))
            .Expect(200).Body.Length.ShouldBeLessThan(512 * 1024);

    [Fact]
    public async Task An_array_of_too_many_items_is_refused_whole_and_an_item_that_is_too_long_alone()
    {
        var items = (await service.PostAsync("/usage/batch", Array("{}", 1_000_000))).ExpectErrors("$");
        items.Text("detail").ShouldBe("$ must be an array of 1 to 1000 usages.");

        var padding = new string(' ', JsonBody.ObjectBytesMax);
        var batch = await service.PostAsync("/usage/batch",
            $$"""[{"user_id":"u",{{padding}}"amount_cents":0,"request_id":"r1"},"""
            + """{"user_id":"u","amount_cents":0,"request_id":"r2"}]""");
        batch.Expect(200).List("results").Select(r => r.GetProperty("status").GetInt32()).ShouldBe([400, 201]);
        (await service.PostAsync("/usage", $$"""{"user_id":"u",{{padding}}"amount_cents":0,"request_id":"r1"}"""))
            .ExpectErrors("$");
    }

    [Fact]
    public async Task A_price_map_of_very_many_small_values_is_refused_before_it_takes_memory() =>
        (await service.PostAsync("/prices/import", Array("0", 1_000_001))).ExpectErrors("$")
            .Text("detail").ShouldBe("$ must have at most 1000000 names and values.");

    [Fact]
    public async Task Mistakes_in_a_price_map_are_shown_in_short()
    {
        var entry = $$"""{"input_cost_per_token":1,"{{new string('<', 3000)}}":1,"{{new string('<', 3000)}}":2}""";
        var map = $"{{{string.Join(',', Enumerable.Range(0, 150).Select(n =>
            $"\"m{n}\":{entry.Replace(":1,", ":-1,", StringComparison.Ordinal)}"))}}}";

        (await service.PostAsync("/prices/import", map))
            .ExpectProblem(400, "validation-failed").Body.Length.ShouldBeLessThan(map.Length);
    }

    [Fact]
    public async Task What_follows_an_array_and_what_is_not_utf8_is_malformed()
    {
        (await service.PostAsync("/usage/batch", """[{"user_id":"u"}] 1""")).ExpectProblem(400, "malformed-request");
        using var latin = new ByteArrayContent(Encoding.Latin1.GetBytes("""[{"user_id":"é"}]"""));
        latin.Headers.ContentType = new("application/json");
        (await service.SendAsync(HttpMethod.Post, "/usage/batch", latin, null, LedgerService.AdminKey))
            .ExpectProblem(400, "malformed-request");
    }

    private static string Stray(int fields) =>
        $"{{{string.Join(',', Enumerable.Range(0, fields).Select(n => $"\"f{n}\":1"))}}}";

    private static string Array(string item, int count) => $"[{string.Join(',', Enumerable.Repeat(item, count))}]";
}
