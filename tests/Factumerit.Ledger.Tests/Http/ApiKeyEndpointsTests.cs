namespace Factumerit.Ledger.Tests.Http;

/// <summary>The life of an API key, and that its secret is kept nowhere.</summary>
public sealed class ApiKeyEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_key_is_made_listed_used_revoked_and_then_refused()
    {
        var made = (await service.PostAsync("/api-keys", new { name = "Vikunja bot", role = "bot", user_prefix = "vikunja:" })).Expect(201);
        var (id, secret, prefix) = (made.Text("id"), made.Text("secret"), made.Text("key_prefix"));
        secret.ShouldMatch("^fa_bot_[0-9a-f]{8}_[0-9a-f]{64}$");
        secret.ShouldStartWith(prefix);
        made.ShouldRead($$"""
            {"id":"<uuid>","name":"Vikunja bot","role":"bot","user_prefix":"vikunja:","may_overdraw":false,"key_prefix":"{{prefix}}","created_at":"<time>","revoked_at":null,"secret":"{{secret}}"}
            """);

        var listed = (await service.GetAsync("/api-keys")).Expect(200);
        listed.Body.ShouldNotContain(secret);
        listed.Body.ShouldNotContain("\"secret\"");
        listed.List("api_keys").Single(key => key.GetProperty("id").GetString() == id).FieldNames()
            .ShouldBe(["id", "name", "role", "user_prefix", "may_overdraw", "key_prefix", "created_at", "revoked_at"]);
        (await service.GetAsync("/users/vikunja:alice", secret)).ExpectProblem(404, "user-not-found");

        var revoked = (await service.DeleteAsync($"/api-keys/{id}")).Expect(200);
        revoked.ShouldRead($$"""
            {"id":"<uuid>","name":"Vikunja bot","role":"bot","user_prefix":"vikunja:","may_overdraw":false,"key_prefix":"{{prefix}}","created_at":"<time>","revoked_at":"<time>"}
            """);
        (await service.GetAsync("/users/vikunja:alice", secret)).ExpectProblem(401, "unauthorized");
        (await service.DeleteAsync($"/api-keys/{id}")).Expect(200).Text("revoked_at").ShouldBe(revoked.Text("revoked_at"));
    }

    [Fact]
    public async Task The_table_holds_the_hash_of_a_secret_and_not_the_secret()
    {
        var secret = await service.KeyAsync("ops");

        var rows = await service.Database.ScalarAsync<string>("SELECT string_agg(k::text, ' ') FROM api_keys k");
        rows.ShouldNotContain(secret);
        rows.ShouldNotContain(secret[^64..]);
        (await service.Database.ScalarAsync<long>($"SELECT count(*) FROM api_keys WHERE secret_hash = sha256('{secret}'::bytea)")).ShouldBe(1);
        rows.ShouldNotContain(LedgerService.AdminKey);
    }

    [Fact]
    public async Task An_unknown_key_is_404()
    {
        (await service.DeleteAsync($"/api-keys/{Guid.NewGuid()}")).ExpectProblem(404, "not-found");
        (await service.DeleteAsync("/api-keys/1")).ExpectProblem(404, "not-found");
    }

    [Theory]
    [InlineData("{}", "name", "role")]
    [InlineData("""{"name":"","role":"root"}""", "name", "role")]
    [InlineData("""{"name":"a\u0000b","role":"Bot"}""", "name", "role")]
    [InlineData("""{"name":"n","role":"ops","user_prefix":"a:"}""", "user_prefix")]
    [InlineData("""{"name":"n","role":"ops","may_overdraw":true}""", "may_overdraw")]
    [InlineData("""{"name":"n","role":"bot","may_overdraw":"yes"}""", "may_overdraw")]
    [InlineData("""{"name":"n","role":"bot","user_prefix":"a b"}""", "user_prefix")]
    [InlineData("""{"name":"n","role":"bot","user_prefix":""}""", "user_prefix")]
    public async Task A_wrong_key_request_is_refused_by_field(string body, params string[] fields)
    {
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/api-keys", body)).ExpectErrors(fields);

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }
}
