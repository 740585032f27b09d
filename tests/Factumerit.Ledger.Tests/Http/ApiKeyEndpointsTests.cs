namespace Factumerit.Ledger.Tests.Http;

/// <summary>The life of an API key, and that its secret is kept nowhere.</summary>
public sealed class ApiKeyEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_key_is_made_listed_used_revoked_and_then_refused()
    {
        var made = (await service.PostAsync(
            "/api-keys", new { name = "Vikunja bot", role = "bot", user_prefix = "vikunja:" })).Expect(201);
        var (id, secret, prefix) = (made.Text("id"), made.Text("secret"), made.Text("key_prefix"));
        secret.ShouldMatch("^fa_bot_[0-9a-f]{8}_[0-9a-f]{64}$");
        secret.ShouldStartWith(prefix);
        made.ShouldRead($$"""
            {"id":"<uuid>","name":"Vikunja bot","role":"bot","user_prefix":"vikunja:","may_overdraw":false,
             "may_intake":false,"key_prefix":"{{prefix}}","created_at":"<time>",
             "made_by":{"api_key_id":null,"name":"bootstrap"},"last_used_at":null,"expires_at":null,
             "old_secret_ends_at":null,"revoked_at":null,"secret":"{{secret}}"}
            """);

        var listed = (await service.GetAsync("/api-keys")).Expect(200);
        listed.Body.ShouldNotContain(secret);
        listed.Body.ShouldNotContain("\"secret\"");
        listed.List("api_keys").Single(key => key.GetProperty("id").GetString() == id).FieldNames()
            .ShouldBe(["id", "name", "role", "user_prefix", "may_overdraw", "may_intake", "key_prefix", "created_at",
                "made_by", "last_used_at", "expires_at", "old_secret_ends_at", "revoked_at"]);
        (await service.GetAsync("/users/vikunja:alice", secret)).ExpectProblem(404, "user-not-found");

        var revoked = (await service.DeleteAsync($"/api-keys/{id}")).Expect(200);
        revoked.ShouldRead($$"""
            {"id":"<uuid>","name":"Vikunja bot","role":"bot","user_prefix":"vikunja:","may_overdraw":false,
             "may_intake":false,"key_prefix":"{{prefix}}","created_at":"<time>","made_by":{"api_key_id":null,
             "name":"bootstrap"},"last_used_at":null,"expires_at":null,"old_secret_ends_at":null,"revoked_at":"<time>"}
            """);
        (await service.GetAsync("/users/vikunja:alice", secret)).ExpectProblem(401, "unauthorized");
        (await service.DeleteAsync($"/api-keys/{id}"))
            .Expect(200).Text("revoked_at").ShouldBe(revoked.Text("revoked_at"));
    }

    [Fact]
    public async Task The_table_holds_the_hash_of_a_secret_and_not_the_secret()
    {
        var secret = await service.KeyAsync("ops");

        var rows = await service.Database.ScalarAsync<string>("SELECT string_agg(k::text, ' ') FROM api_keys k");
        rows.ShouldNotContain(secret);
        rows.ShouldNotContain(secret[^64..]);
        (await service.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM api_keys WHERE secret_hash = sha256('{secret}'::bytea)")).ShouldBe(1);
        rows.ShouldNotContain(LedgerService.AdminKey);
    }

    [Fact]
    public async Task A_name_is_free_again_when_its_key_has_ended()
    {
        var name = $"key {Guid.NewGuid():N}";
        var first = (await service.PostAsync("/api-keys", new { name, role = "bot" })).Expect(201).Text("id");
        (await service.PostAsync("/api-keys", new { name, role = "ops" })).ExpectErrors("name");

        (await service.DeleteAsync($"/api-keys/{first}")).Expect(200);
        var second = (await service.PostAsync("/api-keys", new { name, role = "ops" })).Expect(201).Text("id");
        await service.Database.ExecuteAsync($"UPDATE api_keys SET expires_at = now() WHERE id = '{second}'");

        (await service.PostAsync("/api-keys", new { name, role = "ops" })).Expect(201);
    }

    [Fact]
    public async Task Names_that_differ_in_case_or_spaces_alone_are_one()
    {
        var name = $"Élan bot {Guid.NewGuid():N}";
        var first = (await service.PostAsync("/api-keys", new { name, role = "bot" })).Expect(201).Text("id");

        string[] alikes = [name.ToUpperInvariant(), name.Replace(" ", "  "), name.Replace(" bot", "\u00a0BOT"),
            name.Replace(" ", ""), name.Replace("bot", "b ot")];
        foreach (var alike in alikes)
            (await service.PostAsync("/api-keys", new { name = alike, role = "bot" })).ExpectErrors("name")
                .Text("detail").ShouldContain($"too much like {name}");

        // Those from before stay as they are.
        await service.Database.ExecuteAsync(
            $"UPDATE api_keys SET name = upper(name) || ' ' WHERE id = '{first}'");
        (await service.PostAsync("/api-keys", new { name, role = "bot" })).ExpectErrors("name");
        (await service.DeleteAsync($"/api-keys/{first}")).Expect(200);
        (await service.PostAsync("/api-keys", new { name, role = "bot" })).Expect(201);
    }

    [Fact]
    public async Task Of_many_who_want_a_name_at_once_one_gets_it()
    {
        var name = $"key {Guid.NewGuid():N}";

        var replies = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(_ => service.PostAsync("/api-keys", new { name, role = "bot" })));

        replies.Count(r => r.Status == 201).ShouldBe(1);
        replies.Count(r => r.Status == 400).ShouldBe(11);
    }

    [Fact]
    public async Task A_rotation_shows_a_new_secret_once_and_ends_the_one_before_the_last()
    {
        var made = (await service.PostAsync("/api-keys", new { name = $"key {Guid.NewGuid():N}", role = "ops" }))
            .Expect(201);
        var rotate = $"/api-keys/{made.Text("id")}/rotate";
        var first = (await service.PostAsync(rotate, new { overlap_seconds = 3600, expires_at = "2099-01-01" }))
            .ExpectErrors("expires_at");
        first = (await service.PostAsync(rotate, new { overlap_seconds = 3600 })).Expect(200);

        first.Text("secret").ShouldNotBe(made.Text("secret"));
        first.Json.GetProperty("old_secret_ends_at")
            .GetDateTimeOffset().ShouldBeGreaterThan(DateTimeOffset.UtcNow.AddMinutes(50));
        foreach (var secret in (string[])[made.Text("secret"), first.Text("secret")])
            (await service.GetAsync("/users", secret)).Expect(200);

        var second = (await service.SendAsync(HttpMethod.Post, rotate, null, null, LedgerService.AdminKey)).Expect(200);

        (await service.GetAsync("/users", made.Text("secret"))).ExpectProblem(401, "unauthorized");
        foreach (var secret in (string[])[first.Text("secret"), second.Text("secret")])
            (await service.GetAsync("/users", secret)).Expect(200);
        (await service.PostAsync(rotate, new { overlap_seconds = 604_801 })).ExpectErrors("overlap_seconds");
        (await service.PostAsync($"/api-keys/{Guid.NewGuid()}/rotate", "{}")).ExpectProblem(404, "not-found");
        (await service.DeleteAsync($"/api-keys/{made.Text("id")}")).Expect(200);
        foreach (var secret in (string[])[first.Text("secret"), second.Text("secret")])
            (await service.GetAsync("/users", secret)).ExpectProblem(401, "unauthorized");
        (await service.PostAsync(rotate, "{}")).ExpectProblem(409, "api-key-ended");
    }

    [Fact]
    public async Task The_intake_needs_an_admin_or_a_key_with_may_intake()
    {
        const string call = """{"id":"x","status":"failure"}""";
        var (plain, taking) = (await service.KeyAsync("bot"), await service.KeyAsync("bot", mayIntake: true));

        (await service.PostAsync("/intake/litellm", call, key: plain)).ExpectProblem(403, "forbidden").Text("detail")
            .ShouldBe("This needs an admin key, or a bot key that was made with may_intake.");
        (await service.PostAsync("/intake/litellm", call, key: taking)).Expect(200);
        (await service.PostAsync("/intake/litellm", call, key: await service.KeyAsync("admin"))).Expect(200);
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
    [InlineData("""{"name":"n","role":"bot","user_prefix":"*"}""", "user_prefix")]
    [InlineData("""{"name":"n","role":"bot","user_prefix":"v*k"}""", "user_prefix")]
    [InlineData("""{"name":"n","role":"ops","may_intake":true}""", "may_intake")]
    [InlineData("""{"name":"n","role":"bot","expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("""{"name":"Bootstrap","role":"bot"}""", "name")]
    [InlineData("""{"name":"service","role":"bot"}""", "name")]
    [InlineData("""{"name":" n","role":"bot"}""", "name")]
    [InlineData("""{"name":"n\u00a0","role":"bot"}""", "name")]
    [InlineData("""{"name":" ","role":"bot"}""", "name")]
    public async Task A_wrong_key_request_is_refused_by_field(string body, params string[] fields)
    {
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/api-keys", body)).ExpectErrors(fields);

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }
}
