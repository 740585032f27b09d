namespace Factumerit.Ledger.Tests.Http;

/// <summary>POST, GET and DELETE of users: whole bodies, R7, R8, R11.</summary>
public sealed class UserEndpointsTests(LedgerService service) : IClassFixture<LedgerService>
{
    [Fact]
    public async Task A_signup_answers_201_with_the_budget()
    {
        var reply = await service.PostAsync("/users", new
        {
            user_id = "@bob:matrix.org",
            initial_credit_cents = 100.5m,
            promo_ttl_days = 30,
            override_headroom_check = true
        });

        reply.Expect(201).ShouldRead("""
            {"user_id":"@bob:matrix.org","balance_cents":100.5,"held_cents":0,"available_cents":100.5,
             "total_spent_cents":0,
             "total_added_cents":100.5,"has_credit":true,
             "promo_expires_at":"<time>","signed_up_at":"<time>","created_at":"<time>",
             "updated_at":"<time>","deleted_at":null}
            """);
    }

    [Fact]
    public async Task A_second_signup_answers_200_with_the_budget_unchanged_R7()
    {
        await service.PostAsync("/users", new { user_id = "again" });

        var reply = await service.PostAsync("/users",
            new { user_id = "again", initial_credit_cents = 100, promo_ttl_days = 30, override_headroom_check = true });

        reply.Expect(200).ShouldRead("""
            {"user_id":"again","balance_cents":0,"held_cents":0,"available_cents":0,
             "total_spent_cents":0,"total_added_cents":0,"has_credit":false,
             "promo_expires_at":null,"signed_up_at":"<time>","created_at":"<time>",
             "updated_at":"<time>","deleted_at":null}
            """);
        reply.Body.ShouldBe((await service.GetAsync("/users/again")).Expect(200).Body);
    }

    [Theory]
    [InlineData("grant")]
    [InlineData("free call")]
    public async Task
        The_first_signup_gives_its_credit_when_something_else_opened_the_budget_and_a_second_changes_nothing_R7(
            string opening)
    {
        var user = $"user-{Guid.NewGuid():N}";
        var opened = opening == "grant"
            ? await service.PostAsync("/grants", new { user_id = user, amount_cents = 7 }, user)
            : await service.PostAsync("/usage", new { user_id = user, amount_cents = 0, request_id = "free" });
        opened.Expect(201);
        var cents = opening == "grant" ? 7 : 0;
        (await service.GetAsync($"/users/{user}")).Expect(200).ShouldRead(Budget(user, cents, "null", "null"));

        var first = await service.PostAsync("/users",
            new { user_id = user, initial_credit_cents = 100, promo_ttl_days = 30, override_headroom_check = true });
        var second = await service.PostAsync("/users",
            new { user_id = user, initial_credit_cents = 900, promo_ttl_days = 60, override_headroom_check = true });

        first.Expect(201).ShouldRead(Budget(user, cents + 100, "\"<time>\"", "\"<time>\""));
        second.Expect(200).Body.ShouldBe(first.Body);
        (await service.GetAsync($"/users/{user}")).Expect(200).Body.ShouldBe(first.Body);
        (await service.GetAsync($"/users?prefix={user}"))
            .Expect(200).List("users").Single().GetRawText().ShouldBe(first.Body);
        (await service.GetAsync($"/users/{user}/entries"))
            .List("entries").Count(e => e.GetProperty("reference_type").GetString() == "initial").ShouldBe(1);
        await service.Database.AssertIntegrityAsync();

        static string Budget(string user, decimal cents, string promo, string signedUp) => $$"""
            {"user_id":"{{user}}","balance_cents":{{cents}},"held_cents":0,
             "available_cents":{{cents}},"total_spent_cents":0,"total_added_cents":{{cents}},
             "has_credit":{{(cents > 0 ? "true" : "false")}},
             "promo_expires_at":{{promo}},"signed_up_at":{{signedUp}},"created_at":"<time>",
             "updated_at":"<time>","deleted_at":null}
            """;
    }

    [Fact]
    public async Task A_late_signup_needs_headroom_and_leaves_no_trace_when_refused_R8_R10()
    {
        var user = $"user-{Guid.NewGuid():N}";
        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 7 }, user)).Expect(201);
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/users", new { user_id = user, initial_credit_cents = 500_000_000_000 }))
            .ExpectProblem(409, "insufficient-anthropic-credits");

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
        (await service.PostAsync("/users", new { user_id = user })).Expect(201).Amount("balance_cents").ShouldBe(7);
    }

    [Fact]
    public async Task A_user_who_was_deleted_before_any_signup_is_410_R11()
    {
        var user = $"user-{Guid.NewGuid():N}";
        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 7 }, user)).Expect(201);
        (await service.DeleteAsync($"/users/{user}")).Expect(200);

        (await service.PostAsync(
            "/users", new { user_id = user, initial_credit_cents = 1, override_headroom_check = true }))
            .ExpectProblem(410, "user-deleted");
        (await service.GetAsync($"/users/{user}"))
            .Json.GetProperty("signed_up_at").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task A_signup_beyond_the_headroom_is_409_leaves_no_trace_and_succeeds_after_a_purchase_R8_R10()
    {
        var reply = await service.PostAsync("/users", new { user_id = "late", initial_credit_cents = 100_000_000 });

        reply.ExpectProblem(409, "insufficient-anthropic-credits").Amount("requested_cents").ShouldBe(100_000_000);
        (await service.GetAsync("/users/late")).ExpectProblem(404, "user-not-found");
        (await service.PostAsync("/purchases", new { credits_cents = 200_000_000 }, "for-late")).Expect(201);
        (await service.PostAsync("/users", new { user_id = "late", initial_credit_cents = 100_000_000 })).Expect(201);
    }

    [Fact]
    public async Task A_deleted_user_forfeits_what_is_left_and_is_shown_closed_R11()
    {
        var user = await service.UserAsync(40.25m);

        var reply = await service.DeleteAsync($"/users/{user}");

        reply.Expect(200).ShouldRead(
            $$"""{"user_id":"{{user}}","forfeited_cents":40.25,"written_off_cents":0,"transaction_id":"<uuid>"}""");
        (await service.GetAsync($"/users/{user}")).Expect(200).ShouldRead($$"""
            {"user_id":"{{user}}","balance_cents":0,"held_cents":0,"available_cents":0,
             "total_spent_cents":0,"total_added_cents":40.25,"has_credit":false,
             "promo_expires_at":null,"signed_up_at":"<time>","created_at":"<time>",
             "updated_at":"<time>","deleted_at":"<time>"}
            """);
    }

    [Fact]
    public async Task A_deleted_user_in_debt_is_written_off_R11()
    {
        var user = await service.UserAsync(1);
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 3.5, request_id = "crosses" }))
            .Expect(201);

        (await service.DeleteAsync($"/users/{user}")).Expect(200)
            .ShouldRead(
                $$"""{"user_id":"{{user}}","forfeited_cents":0,"written_off_cents":2.5,"transaction_id":"<uuid>"}""");
    }

    [Fact]
    public async Task Deleting_twice_changes_nothing_R11()
    {
        var user = await service.UserAsync(5);
        (await service.DeleteAsync($"/users/{user}")).Expect(200);
        var footprint = await service.Database.FootprintAsync();

        (await service.DeleteAsync($"/users/{user}")).Expect(200)
            .ShouldRead($$"""{"user_id":"{{user}}","forfeited_cents":0,"written_off_cents":0,"transaction_id":null}""");

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task A_deleted_user_is_410_to_signup_usage_and_grant_R11()
    {
        var user = await service.UserAsync(5);
        (await service.DeleteAsync($"/users/{user}")).Expect(200);
        var footprint = await service.Database.FootprintAsync();

        (await service.PostAsync("/users", new { user_id = user })).ExpectProblem(410, "user-deleted");
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 1, request_id = "r" }))
            .ExpectProblem(410, "user-deleted");
        (await service.PostAsync("/usage", new { user_id = user, amount_cents = 0, request_id = "free" }))
            .ExpectProblem(410, "user-deleted");
        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 1 }, "g"))
            .ExpectProblem(410, "user-deleted");

        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }

    [Fact]
    public async Task An_unknown_user_is_404_wherever_it_is_looked_up()
    {
        foreach (var path in (string[])["/users/nobody", "/users/nobody/entries", "/users/nobody/transactions"])
            (await service.GetAsync(path)).ExpectProblem(404, "user-not-found");
        (await service.DeleteAsync("/users/nobody")).ExpectProblem(404, "user-not-found");
    }

    [Fact]
    public async Task A_user_without_entries_has_empty_pages()
    {
        var user = await service.UserAsync(0);

        (await service.GetAsync($"/users/{user}/entries"))
            .Expect(200).ShouldRead("""{"entries":[],"next_before":null}""");
        (await service.GetAsync($"/users/{user}/transactions"))
            .Expect(200).ShouldRead("""{"transactions":[],"next_before":null}""");
    }

    [Fact]
    public async Task A_user_id_may_hold_every_character_of_the_contract()
    {
        const string User = "Az09@._:+=-";
        (await service.PostAsync("/users", new { user_id = User })).Expect(201);

        (await service.GetAsync($"/users/{Uri.EscapeDataString(User)}")).Expect(200).Text("user_id").ShouldBe(User);
        (await service.GetAsync($"/users/{User}")).Expect(200).Text("user_id").ShouldBe(User);
    }
}
