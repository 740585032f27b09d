using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Factumerit.Ledger.Tests.Http;
using static Factumerit.Ledger.Tests.LiteLlm.IntakeService;

namespace Factumerit.Ledger.Tests.LiteLlm;

/// <summary>POST /intake/litellm: bodies of every shape, size and fault. A bad item never stops the others.</summary>
public sealed class IntakeBodyTests(IntakeService service) : IClassFixture<IntakeService>
{
    private readonly string _user = $"user-{Guid.NewGuid():N}";

    [Theory]
    [InlineData("array", "application/json")]
    [InlineData("lines", "application/json")]
    [InlineData("lines", "application/x-ndjson")]
    [InlineData("single", null)]
    public async Task Every_shape_is_taken_whatever_it_is_declared_as(string shape, string? mediaType)
    {
        string[] items = [.. Enumerable.Range(0, shape == "single" ? 1 : 3)
            .Select(n => Payload($"{_user}-{n}", null, _user, "0.01").ToJsonString())];
        using var body = new StringContent(
            shape == "array" ? $"[{string.Join(",null,", items)}]" : string.Join('\n', items));
        body.Headers.ContentType = mediaType is null ? null : new MediaTypeHeaderValue(mediaType);
        var reply = (await service.SendAsync(HttpMethod.Post, "/intake/litellm", body, null, LedgerService.AdminKey))
            .Expect(200);
        reply.ShouldRead(
            $$"""{"accepted":{{items.Length}},"replayed":0,"needs_review":0,"skipped":"""
            + $$"""{{(shape == "array" ? 2 : 0)}},"failed":[],"failed_count":0}""");
        (await service.BalanceAsync(_user)).ShouldBe(-items.Length);
    }

    [Fact]
    public async Task One_bad_item_costs_no_other_one_anything()
    {
        var reply = (await service.PostAsync("/intake/litellm", $$"""
            [{{Payload($"{_user}-1", null, _user, "0.01").ToJsonString()}}, "{{Payloads.Secret}}", 7, null,
            """
            + $$"""
             [{"id": "{{_user}}-x"}], {"id": },
             {{Payload($"{_user}-2", null, _user, "0.02").ToJsonString()}}]
            """)).Expect(200);
        Counts(reply).ShouldBe([2, 0, 0, 1, 4]);
        reply.List("failed").Select(f => $"{f.GetProperty("index")} {f.GetProperty("code")}")
            .ShouldBe(["1 validation-failed", "2 validation-failed", "4 validation-failed", "5 malformed-request"]);
        reply.Body.ShouldNotContain(Payloads.Secret);
        (await service.BalanceAsync(_user)).ShouldBe(-3);
    }

    [Fact]
    public async Task What_the_database_will_not_take_costs_no_other_call_anything()
    {
        await service.Database.ExecuteAsync(
            $"ALTER TABLE llm_usage ADD CONSTRAINT ck_of_a_test CHECK (model <> '{_user}')");
        var reply = await service.SendAsync(
            Payload($"{_user}-1", null, _user, "0.01"), Payload($"{_user}-2", null, _user, "0.01", model: _user),
            Payload($"{_user}-3", null, _user, "0.01"));
        await service.Database.ExecuteAsync("ALTER TABLE llm_usage DROP CONSTRAINT ck_of_a_test");
        Counts(reply).ShouldBe([2, 0, 0, 0, 1]);
        var failure = reply.List("failed").ShouldHaveSingleItem();
        (failure.GetProperty("index").GetInt32(), failure.GetProperty("code").GetString())
            .ShouldBe((1, "internal-error"));
        (await service.BalanceAsync(_user)).ShouldBe(-2);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("[]", 0)]
    [InlineData("this is no JSON", 1)]
    [InlineData("<html>502</html>", 1)]
    [InlineData("[{\"id\": \"a", 1)]
    public async Task What_is_no_batch_at_all_is_no_reason_to_refuse_it(string body, int failed)
    {
        var reply = (await service.PostAsync("/intake/litellm", body)).Expect(200);
        Counts(reply).ShouldBe([0, 0, 0, 0, failed]);
        reply.List("failed").ShouldAllBe(f => f.GetProperty("code").GetString() == "malformed-request");
    }

    [Fact]
    public async Task Only_the_first_hundred_failures_are_told()
    {
        var reply = (await service.PostAsync("/intake/litellm", $"[{string.Join(',', Enumerable.Repeat("7", 1_201))}]"))
            .Expect(200);
        Counts(reply).ShouldBe([0, 0, 0, 0, 1_201]);
        reply.List("failed").Select(f => f.GetProperty("index").GetInt32()).ShouldBe(Enumerable.Range(0, 100));
    }

    [Fact]
    public async Task A_key_that_is_bound_takes_in_its_own_users_calls_only()
    {
        var key = await service.KeyAsync("bot", $"{_user}:", mayIntake: true);
        var body = new JsonArray(
            Payload($"{_user}-1", null, $"{_user}:a", "0.01"), Payload($"{_user}-2", null, "somebody", "0.01"),
            Payload($"{_user}-3", null, null, "0.01"));
        var reply = (await service.PostAsync("/intake/litellm", body.ToJsonString(), key: key)).Expect(200);
        Counts(reply).ShouldBe([1, 0, 0, 0, 2]);
        reply.List("failed").Select(f => (f.GetProperty("index").GetInt32(), f.GetProperty("code").GetString()))
            .ShouldBe([(1, "forbidden"), (2, "forbidden")]);
        (await service.Database.ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE request_id LIKE '{_user}-%'"))
            .ShouldBe(1);
    }

    [Theory]
    [InlineData(32 * 1024 * 1024, 200)]
    [InlineData((32 * 1024 * 1024) + 1, 413)]
    public async Task A_body_may_have_32_MiB(int bytes, int status)
    {
        var payload = Payload(_user, null, _user, "0.01");
        payload["messages"] = "";
        payload["messages"] = new string('x', bytes - Encoding.UTF8.GetByteCount(payload.ToJsonString()));
        using var client = new HttpClient
        {
            BaseAddress = service.Url,
            DefaultRequestHeaders = { Authorization = new("Bearer", LedgerService.AdminKey), ExpectContinue = true }
        };
        using var answer = await client.PostAsync(
            "/intake/litellm", new StringContent(payload.ToJsonString(), Encoding.UTF8, "application/json"));
        var reply = await Reply.OfAsync(answer);
        if (status == 200)
            Counts(reply.Expect(200)).ShouldBe([1, 0, 0, 0, 0]);
        else
            reply.ExpectProblem(413, "payload-too-large");
    }

    [Fact]
    public async Task What_has_come_in_is_recorded_even_when_the_rest_never_comes()
    {
        using var body = new UnfinishedBody(string.Join('\n', Enumerable.Range(0, 700)
            .Select(n => Payload($"{_user}-{n}", null, _user, "0.01").ToJsonString())) + "\n{\"id\": ");
        var sending = service.SendAsync(HttpMethod.Post, "/intake/litellm", body, null, LedgerService.AdminKey);
        // A group is written while the body is still coming.
        await UntilRecordedAsync(500);
        body.Break();
        await sending.ShouldThrowAsync<HttpRequestException>();
        await UntilRecordedAsync(700);
        (await service.Database.ScalarAsync<decimal>(
            $"SELECT balance_cents FROM user_budgets WHERE user_id = '{_user}'")).ShouldBe(-700);
    }

    [Fact]
    public async Task A_key_that_ends_while_the_body_comes_takes_in_no_more()
    {
        var key = (await service.PostAsync("/api-keys", new { name = _user, role = "bot", may_intake = true }))
            .Expect(201);
        using var body = new UnfinishedBody(string.Join(
            '\n', Enumerable.Range(0, 700).Select(n => Payload($"{_user}-{n}", null, _user, "0.01").ToJsonString())));
        var sending = service.SendAsync(HttpMethod.Post, "/intake/litellm", body, null, key.Text("secret"));
        await UntilRecordedAsync(500);

        (await service.DeleteAsync($"/api-keys/{key.Text("id")}")).Expect(200);
        body.End();

        var reply = (await sending).Expect(200);
        Counts(reply).ShouldBe([500, 0, 0, 0, 200]);
        reply.Body.ShouldContain("forbidden");
        await UntilRecordedAsync(500);
    }

    private Task UntilRecordedAsync(long count) => Chaos.ServiceProcess.UntilAsync(
        async () => await service.Database
            .ScalarAsync<long>($"SELECT count(*) FROM llm_usage WHERE user_id = '{_user}'") == count);
}
