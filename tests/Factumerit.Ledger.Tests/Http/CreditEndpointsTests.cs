using System.Text.Json;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>Grants, purchases and write-downs: whole bodies, and their idempotency keys (R9).</summary>
public sealed class CreditEndpointsTests
{
    /// <summary>Each test has books of its own, so that headroom and totals are exact.</summary>
    private static async Task WithServiceAsync(Func<LedgerService, Task> test)
    {
        var service = new LedgerService();
        await service.InitializeAsync();
        try
        {
            await test(service);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public Task A_grant_answers_201_and_its_replay_the_same_R9() => WithServiceAsync(async service =>
    {
        var body = new { user_id = "newcomer", amount_cents = 12.5m, reason = "Top-up", admin_id = "ivan" };

        var first = await service.PostAsync("/grants", body, "g");

        first.Expect(201).ShouldRead("""
            {"transaction_id":"<uuid>","budget":{"user_id":"newcomer","balance_cents":12.5,
             "held_cents":0,"available_cents":12.5,"total_spent_cents":0,
             "total_added_cents":12.5,"has_credit":true,
             "promo_expires_at":null,"signed_up_at":null,"created_at":"<time>","updated_at":"<time>",
             "deleted_at":null},"user_created":true}
            """);
        await ReplaysAsync(service, "/grants", body, "g", first);
        (await service.PostAsync("/grants", new { user_id = "newcomer", amount_cents = 13 }, "g"))
            .ExpectProblem(422, "idempotency-key-reused");
        (await service.BalanceAsync("newcomer")).ShouldBe(12.5m);
        var entry = (await service.GetAsync("/users/newcomer/entries")).List("entries").ShouldHaveSingleItem();
        entry.GetProperty("reference_id").GetString().ShouldBe("ivan");
    });

    [Fact]
    public Task Without_create_user_a_misspelt_user_gets_nothing_R10() => WithServiceAsync(async service =>
    {
        (await service.PostAsync("/grants", new { user_id = "alise", amount_cents = 5, create_user = false }, "g"))
            .ExpectProblem(404, "user-not-found");
        (await service.GetAsync("/users/alise")).ExpectProblem(404, "user-not-found");

        var user = await service.UserAsync(0);
        var receipt = (await service.PostAsync(
            "/grants", new { user_id = user, amount_cents = 5, create_user = false }, "g")).Expect(201);
        receipt.Json.GetProperty("user_created").GetBoolean().ShouldBeFalse();
        (await service.PostAsync("/grants", new { user_id = user, amount_cents = 5, create_user = "no" }, "h"))
            .ExpectErrors("create_user");
    });

    /// <summary>Answers as earlier versions stored them, and as they are replayed.</summary>
    public static TheoryData<string, string, string, string> OldAnswers => new()
    {
        {
            "/grants", """{"user_id":"old","amount_cents":5}""",
            """
            {"TransactionId":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","Budget":{"UserId":"old","BalanceCents":5,
             "TotalSpentCents":0,"TotalAddedCents":5,"PromoExpiresAt":null,"SignedUpAt":null,
             "CreatedAt":"2026-01-01T00:00:00+00:00","UpdatedAt":"2026-01-01T00:00:00+00:00","DeletedAt":null}}
            """,
            """{"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","budget":{"user_id":"old","balance_cents":5"""
        },
        {
            "/purchases", """{"credits_cents":5}""",
            """
            {"TransactionId":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","TotalCents":5,"Headroom":{"AssetCents":5,
             "LiabilityCents":0,"AvailableCents":5,"Providers":[{"Provider":"anthropic","BalanceCents":5}]}}
            """,
            """{"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","total_cents":5,"headroom":{"asset_cents":5,"""
        },
        {
            "/write-downs", """{"amount_cents":5,"force":true}""",
            """
            {"TransactionId":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","AmountCents":5,"Headroom":{"AssetCents":-5,
             "LiabilityCents":0,"AvailableCents":-5,"Providers":[]}}
            """,
            """{"transaction_id":"019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5e","amount_cents":5,"headroom":"""
            + """{"asset_cents":-5,"""
        },
    };

    [Theory]
    [MemberData(nameof(OldAnswers))]
    public Task An_answer_that_an_earlier_version_stored_is_replayed_R9(
        string path, string body, string stored, string replayed) => WithServiceAsync(async service =>
    {
        (await service.PostAsync(path, JsonElement.Parse(body), "g")).Expect(201);
        await StoreAsync(service, stored, "NULL");

        var replay = (await service.PostAsync(path, JsonElement.Parse(body), "g")).Expect(201);

        replay.Replayed.ShouldBeTrue();
        replay.Body.ShouldStartWith(replayed);
    });

    [Theory]
    [MemberData(nameof(OldAnswers))]
    public Task An_answer_is_replayed_byte_for_byte_whatever_it_looks_like_now_R9(
        string path, string body, string stored, string _) => WithServiceAsync(async service =>
    {
        (await service.PostAsync(path, JsonElement.Parse(body), "g")).Expect(201);
        stored = $$"""{ "of_another_version": 1.50, "before": {{stored}} }""";
        await StoreAsync(service, stored, "201");

        var replay = (await service.PostAsync(path, JsonElement.Parse(body), "g")).Expect(201);

        replay.Replayed.ShouldBeTrue();
        replay.Body.ShouldBe(stored);
        (await service.PostAsync($"{path}?money=string", JsonElement.Parse(body), "g")).Body.ShouldBe(stored);
    });

    private static Task StoreAsync(LedgerService service, string answer, string status) =>
        service.Database.ExecuteAsync(
            "ALTER TABLE idempotency_keys DISABLE TRIGGER USER; "
            + $"UPDATE idempotency_keys SET status = {status}, answer = '{answer}'::json");

    [Fact]
    public Task A_write_down_beyond_what_was_bought_is_409_unless_forced() => WithServiceAsync(async service =>
    {
        (await service.PostAsync("/purchases", new { credits_cents = 100 }, "p")).Expect(201);
        var footprint = await service.Database.FootprintAsync();

        var tooMuch = (await service.PostAsync("/write-downs", new { amount_cents = 100.5m }, "w"))
            .ExpectProblem(409, "insufficient-provider-credit");
        (tooMuch.Amount("available_cents"), tooMuch.Amount("requested_cents")).ShouldBe((100m, 100.5m));
        tooMuch.Text("detail")
            .ShouldStartWith("asset:anthropic holds 100 cents, less than the 100.5 cents to write down.");
        foreach (var body in (object[])[
            new { amount_cents = 1, provider = "antropic" }, new { actual_balance_cents = 90, provider = "antropic" }])
        {
            var unknown = (await service.PostAsync("/write-downs", body, "w"))
                .ExpectProblem(409, "insufficient-provider-credit");
            unknown.Amount("available_cents").ShouldBe(0);
            unknown.Text("detail").ShouldStartWith("Nothing was ever bought from antropic.");
        }
        (await service.Database.FootprintAsync()).ShouldBe(footprint);

        var forced = new { amount_cents = 100.5m, force = true };
        var first = (await service.PostAsync("/write-downs", forced, "w")).Expect(201);
        first.Json.GetProperty("headroom").GetProperty("asset_cents").GetDecimal().ShouldBe(-0.5m);
        await ReplaysAsync(service, "/write-downs", forced, "w", first);
        (await service.PostAsync("/write-downs", new { amount_cents = 100.5m }, "w"))
            .ExpectProblem(422, "idempotency-key-reused");
        await service.Database.AssertIntegrityAsync();
    });

    [Fact]
    public Task A_grant_without_an_admin_carries_the_name_of_the_key() => WithServiceAsync(async service =>
    {
        var key = (await service.PostAsync("/api-keys", new { name = "Finance", role = "admin" })).Text("secret");

        (await service.PostAsync("/grants", new { user_id = "u", amount_cents = 1 }, "g", key)).Expect(201);

        (await service.GetAsync("/users/u/entries"))
            .List("entries").Single().GetProperty("reference_id").GetString().ShouldBe("Finance");
    });

    [Fact]
    public Task A_purchase_answers_201_and_its_replay_the_same_R9() => WithServiceAsync(async service =>
    {
        await service.UserAsync(40);
        var body = new { credits_cents = 2500, sales_tax_cents = 259, provider = "openai", invoice = "INV-1" };

        var first = await service.PostAsync("/purchases", body, "p");

        first.Expect(201).ShouldRead("""
            {"transaction_id":"<uuid>","total_cents":2759,
             "headroom":{"asset_cents":2500,"liability_cents":40,"available_cents":2460,
             "providers":[{"provider":"openai","balance_cents":2500}]}}
            """);
        await ReplaysAsync(service, "/purchases", body, "p", first);
        (await service.PostAsync("/purchases",
            new { credits_cents = 2501, sales_tax_cents = 259, provider = "openai", invoice = "INV-1" }, "p"))
            .ExpectProblem(422, "idempotency-key-reused");
    });

    [Fact]
    public Task A_write_down_by_an_amount_answers_201_and_its_replay_the_same_R9() => WithServiceAsync(async service =>
    {
        (await service.PostAsync("/purchases", new { credits_cents = 100 }, "p")).Expect(201);
        var body = new { amount_cents = 5.5m, reason = "month" };

        var first = await service.PostAsync("/write-downs", body, "w");

        first.Expect(201).ShouldRead("""
            {"transaction_id":"<uuid>","amount_cents":5.5,
             "headroom":{"asset_cents":94.5,"liability_cents":0,"available_cents":94.5,
             "providers":[{"provider":"anthropic","balance_cents":94.5}]}}
            """);
        await ReplaysAsync(service, "/write-downs", body, "w", first);
        (await service.PostAsync("/write-downs", new { actual_balance_cents = 5.5m }, "w"))
            .ExpectProblem(422, "idempotency-key-reused");
    });

    [Fact]
    public Task A_write_down_that_finds_more_is_negative_and_one_that_finds_nothing_is_200() =>
        WithServiceAsync(async service =>
        {
            (await service.PostAsync("/purchases", new { credits_cents = 100 }, "p")).Expect(201);

            (await service.PostAsync("/write-downs", new { actual_balance_cents = 103 }, "more"))
                .Expect(201).Amount("amount_cents").ShouldBe(-3);

            var first = await service.PostAsync("/write-downs", new { actual_balance_cents = 103 }, "nothing");
            first.Expect(200).ShouldRead("""
                {"transaction_id":null,"amount_cents":0,
                 "headroom":{"asset_cents":103,"liability_cents":0,"available_cents":103,
                 "providers":[{"provider":"anthropic","balance_cents":103}]}}
                """);
            (await service.PostAsync("/write-downs", new { actual_balance_cents = 50 }, "less"))
                .Expect(201).Amount("amount_cents").ShouldBe(53);
            // What was nothing then is still the first answer, though it would be something now.
            await ReplaysAsync(service, "/write-downs", new { actual_balance_cents = 103 }, "nothing", first);
        });

    [Fact]
    public Task A_key_is_for_one_operation_R9() => WithServiceAsync(async service =>
    {
        (await service.PostAsync("/purchases", new { credits_cents = 100 }, "same")).Expect(201);
        (await service.PostAsync("/grants", new { user_id = "u", amount_cents = 1 }, "same")).Expect(201);
        (await service.PostAsync("/write-downs", new { amount_cents = 1 }, "same")).Expect(201);
        (await service.PostAsync("/usage", new { user_id = "u", amount_cents = 1 }, "same")).Expect(201);
    });

    [Fact]
    public Task Without_a_key_or_with_a_wrong_one_nothing_moves_R9() => WithServiceAsync(async service =>
    {
        var footprint = await service.Database.FootprintAsync();
        foreach (var (path, body) in new (string, object)[]
        {
            ("/grants", new { user_id = "u", amount_cents = 1 }), ("/purchases", new { credits_cents = 1 }),
            ("/write-downs", new { amount_cents = 1 }),
        })
        {
            (await service.PostAsync(path, body)).ExpectErrors("Idempotency-Key");
            (await service.PostAsync(path, body, new string('k', 256))).ExpectErrors("Idempotency-Key");
        }
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
        (await service.PostAsync("/grants", new { user_id = "u", amount_cents = 1 }, new string('k', 255))).Expect(201);
    });

    [Theory]
    [InlineData("{}", "amount_cents")]
    [InlineData("""{"amount_cents":1,"actual_balance_cents":1}""", "actual_balance_cents")]
    public Task A_write_down_takes_exactly_one_amount(string body, string field) => WithServiceAsync(async service =>
        (await service.PostAsync("/write-downs", body, "w")).ExpectErrors(field));

    private static async Task ReplaysAsync(LedgerService service, string path, object body, string key, Reply first)
    {
        var footprint = await service.Database.FootprintAsync();
        var replay = (await service.PostAsync(path, body, key)).Expect(first.Status);
        first.Replayed.ShouldBeFalse();
        replay.Replayed.ShouldBeTrue();
        replay.Body.ShouldBe(first.Body);
        (await service.Database.FootprintAsync()).ShouldBe(footprint);
    }
}
