using System.Net.Http.Headers;
using System.Text;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// Bodies and paths that are wrong as a whole are refused with the right name, and nothing is written (R10).
/// </summary>
public sealed class BodyInputTests(LedgerService service) : IClassFixture<LedgerService>
{
    private static readonly string[] Posts = [
        "/users", "/usage", "/usage/batch", "/grants", "/purchases", "/write-downs", "/api-keys"];

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("{")]
    [InlineData("[")]
    [InlineData("""{"user_id":"u"}{"user_id":"u"}""")]
    [InlineData("""{"user_id":"u",}""")]
    [InlineData("""{'user_id':'u'}""")]
    [InlineData("""{"user_id":"u"} // fine""")]
    [InlineData("""{"user_id":"a\qb"}""")]
    [InlineData("user_id=u")]
    [InlineData("<user/>")]
    [InlineData("\0")]
    public async Task What_is_not_one_json_value_is_malformed(string body) =>
        await RefusedAsync(Encoding.UTF8.GetBytes(body), "malformed-request");

    [Theory]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"text\"")]
    [InlineData("true")]
    public async Task Json_that_is_no_object_is_a_failed_validation(string body) =>
        await RefusedAsync(Encoding.UTF8.GetBytes(body), "validation-failed");

    [Fact]
    public async Task Invalid_utf8_is_malformed_wherever_it_stands()
    {
        foreach (var json in (string[])["""{"user_id":"*"}""", """{"*":1}""",
            """{"user_id":"u","amount_cents":0,"request_id":"r","metadata":{"a":"*"}}"""])
            foreach (var bytes in (byte[][])[[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]])
                await RefusedAsync([.. json.SelectMany(c => c == '*' ? bytes : [(byte)c])], "malformed-request");
    }

    [Fact]
    public async Task Utf16_is_malformed() =>
        await RefusedAsync(Encoding.Unicode.GetBytes("""{"user_id":"u"}"""), "malformed-request");

    [Theory]
    [InlineData(64)]
    [InlineData(100_000)]
    public async Task Deep_nesting_is_malformed(int depth)
    {
        await RefusedAsync(
            Encoding.UTF8.GetBytes(new string('[', depth + 1) + new string(']', depth + 1)), "malformed-request");
        await RefusedAsync(Encoding.UTF8.GetBytes(
            $$"""{"metadata":{{string.Concat(Enumerable.Repeat("{\"a\":", depth))}}1{{new string('}', depth)}}}"""),
            "malformed-request");
    }

    [Fact]
    public async Task A_byte_order_mark_is_passed_over()
    {
        var reply = await PostAsync("/users", [0xEF, 0xBB, 0xBF, .. """{"user_id":"with-bom"}"""u8]);

        reply.Expect(201).Text("user_id").ShouldBe("with-bom");
    }

    [Theory]
    [InlineData("a%20b")]
    [InlineData("a%2Fb")]
    [InlineData("a%5Cb")]
    [InlineData("a%0Ab")]
    [InlineData("a%1Bb")]
    [InlineData("a%7Fb")]
    [InlineData("%C3%A4")]
    [InlineData("%FF")]
    [InlineData("a%25b")]
    [InlineData("a'b")]
    [InlineData("a;b")]
    [InlineData("*")]
    public async Task A_user_id_in_a_path_holds_only_what_the_contract_allows(string id)
    {
        foreach (var rest in (string[])["", "/entries", "/transactions"])
            (await service.GetAsync($"/users/{id}{rest}")).ExpectErrors("user_id");
        (await service.DeleteAsync($"/users/{id}")).ExpectErrors("user_id");
    }

    [Fact]
    public async Task An_escaped_path_is_the_same_user()
    {
        var user = await service.UserAsync(5, "vikunja:al+ice@x");

        (await service.GetAsync("/users/%76ikunja%3Aal%2Bice%40x")).Expect(200).Text("user_id").ShouldBe(user);
    }

    [Fact]
    public async Task A_user_id_may_have_200_characters_and_not_201()
    {
        foreach (var id in (string[])[new('u', 200), $"{new string('u', 195)}:+=@-"])
        {
            (await service.PostAsync("/users", new { user_id = id })).Expect(201);
            (await service.GetAsync($"/users/{Uri.EscapeDataString(id)}")).Expect(200).Text("user_id").ShouldBe(id);
        }
        (await service.PostAsync("/users", new { user_id = new string('u', 201) })).ExpectErrors("user_id");
        (await service.GetAsync($"/users/{new string('u', 201)}")).ExpectErrors("user_id");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a\\u0000")]
    [InlineData("a\\n")]
    [InlineData("ä")]
    [InlineData("*")]
    [InlineData("\\ud800")]
    public async Task A_user_id_in_a_body_holds_only_what_the_contract_allows(string id)
    {
        var footprint = await service.Database.FootprintAsync();
        (await service.PostAsync("/users", $$"""{"user_id":"{{id}}"}""")).ExpectErrors("user_id");
        (await service.PostAsync("/usage", $$"""{"user_id":"{{id}}","amount_cents":0,"request_id":"r"}"""))
            .ExpectErrors("user_id");
        (await service.PostAsync("/grants", $$"""{"user_id":"{{id}}","amount_cents":1}""", "g"))
            .ExpectErrors("user_id");
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    private async Task RefusedAsync(byte[] body, string code)
    {
        var footprint = await service.Database.FootprintAsync();
        foreach (var path in Posts)
            (await PostAsync(path, body)).ExpectProblem(400, code);
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    private async Task<Reply> PostAsync(string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await service.SendAsync(HttpMethod.Post, path, content, "key", LedgerService.AdminKey);
    }
}
