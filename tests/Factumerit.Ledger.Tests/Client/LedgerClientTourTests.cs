using System.Text;
using Factumerit.Ledger.Client;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Http;

namespace Factumerit.Ledger.Tests.Client;

/// <summary>Every method of the client once, against the service with a LiteLLM beside it.</summary>
public sealed class LedgerClientTourTests(LiteLlmService service) : IClassFixture<LiteLlmService>
{
    private readonly LedgerClient _ledger = new(service.Url, LedgerService.AdminKey);

    [Fact]
    public async Task Users_and_their_credit()
    {
        var purchase = await _ledger.BookPurchaseAsync(
            new PurchaseRequest { CreditsCents = 2500, SalesTaxCents = 259 });
        purchase.TotalCents.ShouldBe(2759);
        var user = await _ledger.SignUpAsync(new SignupRequest { UserId = "tour:alice", InitialCreditCents = 100 });
        user.BalanceCents.ShouldBe(100);
        var grant = await _ledger.GrantAsync(
            new GrantRequest { UserId = "tour:alice", AmountCents = 12.5000001m, Reason = "a tour" });
        (grant.UserCreated, grant.Budget.BalanceCents).ShouldBe((false, 112.5000001m));
        (await _ledger.GetUserAsync("tour:alice")).ShouldBe(grant.Budget);
        (await _ledger.ListUsersAsync("tour:").ToListAsync()).ShouldContain(grant.Budget);
        (await _ledger.ListUserEntriesAsync("tour:alice").CountAsync()).ShouldBe(2);
        (await _ledger.ListUserTransactionsAsync("tour:alice").Select(t => t.TransactionType).ToListAsync())
            .ShouldBe(["admin_credit", "initial"]);
        (await _ledger.GetTransactionAsync(grant.TransactionId)).Entries.Count.ShouldBe(2);
        var writeDown = await _ledger.BookWriteDownAsync(new WriteDownRequest { AmountCents = 5 });
        writeDown.Headroom.Providers.ShouldHaveSingleItem().BalanceCents.ShouldBe(2495);
        (await _ledger.GetHeadroomAsync()).AssetCents.ShouldBe(2495);
        (await _ledger.DeleteUserAsync("tour:alice")).ForfeitedCents.ShouldBe(112.5000001m);
    }

    [Fact]
    public async Task Usages_and_their_review()
    {
        var userId = await service.UserAsync(100);
        var billed = await _ledger.RecordUsageAsync(new UsageRequest
        {
            UserId = userId,
            AmountCents = 0.0165m,
            RequestId = "r1",
            ProviderCostUsd = 0.0000000000000000001m,
            OccurredAt = DateTimeOffset.UnixEpoch,
        });
        billed.BalanceCents.ShouldBe(99.9835m);
        (await _ledger.GetUsageAsync(billed.UsageId)).ProviderCostUsd.ShouldBe(0.0000000000000000001m);
        var results = await _ledger.RecordUsagesAsync([
            new UsageRequest { UserId = userId, Model = "unknown", PromptTokens = 1 },
            new UsageRequest { UserId = userId, Model = "unknown", PromptTokens = 2 },
            new UsageRequest { UserId = "no user!", AmountCents = 1 }]);
        results.Select(r => r.Status).ShouldBe([201, 201, 400]);
        results[2].Problem!.Code.ShouldBe("validation-failed");
        var waiting = await _ledger.ListUsageAsync("needs_review", userId).ToListAsync();
        waiting.Count.ShouldBe(2);
        (await _ledger.BillUsageAsync(waiting[0].UsageId, new BillRequest { AmountCents = 2 })).BalanceCents
            .ShouldBe(97.9835m);
        (await _ledger.RepriceUsageAsync(new RepriceRequest { UserId = userId })).Waiting.ShouldBe(1);
        (await _ledger.WaiveUsageAsync(waiting[1].UsageId, new WaiveRequest { Reason = "a tour" })).BillingStatus
            .ShouldBe("waived");
        (await _ledger.GetMarginReportAsync("user")).Groups.ShouldContain(group => group.Group == userId);
    }

    [Fact]
    public async Task Holds()
    {
        var userId = await service.UserAsync(100);
        var hold = await _ledger.PlaceHoldAsync(new HoldRequest { UserId = userId, AmountCents = 20 });
        (hold.HeldCents, hold.AvailableCents).ShouldBe((20m, 80m));
        (await _ledger.IncreaseHoldAsync(hold.HoldId, new HoldIncreaseRequest { AmountCents = 5 })).HeldCents
            .ShouldBe(25);
        (await _ledger.RecordUsageAsync(
            new UsageRequest { UserId = userId, AmountCents = 3, HoldId = hold.HoldId, ClosesHold = false }))
            .BalanceCents.ShouldBe(97);
        (await _ledger.GetHoldAsync(hold.HoldId)).HeldCents.ShouldBe(22);
        (await _ledger.GetUserAsync(userId)).AvailableCents.ShouldBe(75);
        (await _ledger.ReleaseHoldAsync(hold.HoldId, "a tour")).State.ShouldBe("released");
        (await _ledger.ListHoldsAsync(userId, "released").ToListAsync()).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_books()
    {
        await service.UserAsync(5);
        (await _ledger.ListBalancesAsync("user").ToListAsync()).ShouldNotBeEmpty();
        (await _ledger.GetSummaryAsync()).Types.Sum(type => type.Net).ShouldBe(0);
        (await _ledger.CheckIntegrityAsync(full: true)).IsBalanced.ShouldBeTrue();
        (await _ledger.ListFaultsAsync("standing").ToListAsync()).ShouldBeEmpty();
        await Should.ThrowAsync<LedgerProblemException>(
            _ledger.ResolveFaultAsync(1, new ResolveRequest { Reason = "a tour" }));
        (await _ledger.ListAuditLogAsync().ToListAsync()).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Prices()
    {
        var map = MapOf("tour/one");
        (await _ledger.ImportPricesAsync(map, isDryRun: true)).Version.ShouldBeNull();
        var change = (await _ledger.ImportPricesAsync(map)).Changes.ShouldHaveSingleItem();
        change.New!.InputUsdPerToken.ShouldBe(0.00000025m);
        var price = (await _ledger.ListPricesAsync("tour/").ToListAsync()).ShouldHaveSingleItem();
        price.OtherPrices!["input_cost_per_token_flex"].ShouldBe(0.000000125m);
        (await _ledger.GetModelPricesAsync("tour/one")).Prices.ShouldBe([price]);
        var later = await _ledger.ImportPricesAsync(
            MapOf("tour/two"), DateTimeOffset.UtcNow.AddDays(30), allowGone: true);
        (await _ledger.CancelPriceVersionAsync(later.Version!.Value)).Version.ShouldBe(later.Version.Value);
    }

    private static byte[] MapOf(string model) => Encoding.UTF8.GetBytes($$"""
        {"{{model}}":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":2.5e-07,
         "output_cost_per_token":1e-06,"input_cost_per_token_flex":1.25e-07} }
        """);

    [Fact]
    public async Task Keys()
    {
        var made = await _ledger.CreateApiKeyAsync(
            new ApiKeyRequest { Name = "tour", Role = "bot", UserPrefix = "tour:", MayIntake = true });
        made.Secret.ShouldNotBeNull();
        (await _ledger.ListApiKeysAsync()).ShouldContain(key => key.Id == made.Id && key.Secret == null);
        (await _ledger.RotateApiKeyAsync(made.Id, new RotationRequest { OverlapSeconds = 0 })).Secret
            .ShouldNotBe(made.Secret);
        (await _ledger.RevokeApiKeyAsync(made.Id)).RevokedAt.ShouldNotBeNull();

        var userId = await service.UserAsync(5);
        var key = await _ledger.CreateVirtualKeyAsync(
            new VirtualKeyRequest { UserId = userId, Label = "tour", MaxBudgetUsd = 12.5m });
        key.Secret.ShouldNotBeNull();
        (await _ledger.ListVirtualKeysAsync(userId).ToListAsync()).ShouldHaveSingleItem().MaxBudgetUsd.ShouldBe(12.5m);
        (await _ledger.RevokeVirtualKeyAsync(key.VirtualKeyId)).Status.ShouldStartWith("revok");
    }

    [Fact]
    public async Task LiteLlm_problems_and_health()
    {
        (await _ledger.TakeInAsync("[null]"u8.ToArray())).Skipped.ShouldBe(1);
        var day = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        (await _ledger.ReconcileAsync(new ReconcileRequest { From = day, To = day.AddDays(1) })).Added.ShouldBe(0);
        (await _ledger.ExplainProblemAsync("forbidden")).Status.ShouldBe(403);
        (await _ledger.GetLivenessAsync()).Status.ShouldBe("healthy");
        (await _ledger.GetReadinessAsync()).Checks["database"].ShouldBe("healthy");
    }

    [Fact]
    public async Task A_list_of_more_than_one_page_is_read_to_its_end()
    {
        var names = Enumerable.Range(0, LedgerList.PageSize + 1).Select(i => $"many:{i:0000}").ToList();
        await service.Database.RowsAsync($"""
            INSERT INTO user_budgets (
                user_id, balance_cents, total_spent_cents, total_added_cents, created_at, updated_at)
            SELECT 'many:' || to_char(i, 'FM0000'), 0, 0, 0, now(), now()
            FROM generate_series(0, {LedgerList.PageSize}) i RETURNING user_id
            """);

        (await _ledger.ListUsersAsync("many:").Select(user => user.UserId).ToListAsync()).ShouldBe(names);
        (await _ledger.ListUsersAsync("many:").Take(3).CountAsync()).ShouldBe(3);
    }
}
