using Factumerit.Ledger.Commands;
using Factumerit.Ledger.Pricing;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Writing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// The commit of a usage stores exactly its two costs, its aliases (R17) and the sum per provider (R19).
/// </summary>
public sealed class UsageCostTests
{
    private static readonly UsageRequest Call = new()
    {
        UserId = "alice",
        RequestId = "call-1",
        Model = "anthropic/claude",
        PromptTokens = 1000,
        CompletionTokens = 100
    };

    [Fact]
    public Task Both_costs_and_what_they_came_from_are_stored() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        var prices = new CurrentPrices(new Markups(new PricingOptions { Markup = 1.5m }));
        prices.Replace(new PriceBook(
            [new() { Model = "claude", Provider = "anthropic", InputUsdPerToken = 0.000003m,
                OutputUsdPerToken = 0.000015m, Version = 7 }], 7));
        await database.PostAsync(async service =>
        {
            await FillAsync(service);
            (await service.RecordUsageAsync(Call with
            {
                CacheReadTokens = 3,
                CacheWriteTokens = 2,
                ReasoningTokens = 5
            }, default)).Answer.ShouldNotBeNull();
            (await service.RecordUsageAsync(
                new() { UserId = "alice", RequestId = "plain", AmountCents = 1 }, default)).Answer.ShouldNotBeNull();
        }, prices);

        (await database.RowsAsync("""
            SELECT request_id, user_price_cents, provider_cost_usd, markup_factor, price_version, provider,
                cache_read_tokens, cache_write_tokens, reasoning_tokens,
                   billing_status, source_system, review_reason FROM llm_usage ORDER BY id
            """)).ShouldBe(["call-1|0.675|0.0045|1.5|7|anthropic|3|2|5|billed|api|", "plain|1||||||||billed|api|"]);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task Every_combination_of_columns_is_stored_at_its_place() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            UsageRequest[] parts = [
                new() { Provider = "openai" }, new() { ProviderCostUsd = 0.5m },
                new() { CacheReadTokens = 3, Usage = System.Text.Json.JsonElement.Parse("""{"a":1.50}""") },
                new() { BillingStatus = "needs_review" }];
            await database.PostAsync(async service =>
            {
                await FillAsync(service);
                for (var filled = 0; filled < 1 << parts.Length; filled++)
                {
                    var request = new UsageRequest { UserId = "alice", RequestId = $"{filled:00}", Model = "m" };
                    for (var i = 0; i < parts.Length; i++)
                        if ((filled & (1 << i)) != 0)
                            request = request with
                            {
                                Provider = parts[i].Provider ?? request.Provider,
                                ProviderCostUsd = parts[i].ProviderCostUsd ?? request.ProviderCostUsd,
                                CacheReadTokens = parts[i].CacheReadTokens ?? request.CacheReadTokens,
                                Usage = parts[i].Usage ?? request.Usage,
                                BillingStatus = parts[i].BillingStatus ?? request.BillingStatus,
                            };
                    if (request is { BillingStatus: null, ProviderCostUsd: null })
                        request = request with { AmountCents = 1 };
                    (await service.RecordUsageAsync(request, default)).Answer.ShouldNotBeNull();
                }
            });

            var rows = await database.RowsAsync("SELECT request_id, provider, provider_cost_usd, cache_read_tokens, "
                + "usage, review_reason FROM llm_usage ORDER BY request_id");
            rows.ShouldBe(Enumerable.Range(0, 1 << parts.Length).Select(f =>
                $"{f:00}|{((f & 1) != 0 ? "openai" : "")}|{((f & 2) != 0 ? "0.5" : "")}|"
                + $"{((f & 4) != 0 ? "3|{\"a\": 1.50}" : "|")}|{((f & 8) != 0 ? "requested" : "")}"));
            await database.AssertIntegrityAsync();
        });

    [Fact]
    public Task Costs_add_up_per_provider_without_rounding() => DatabaseQueries.WithDatabaseAsync(async database =>
    {
        await database.PostAsync(async service =>
        {
            await FillAsync(service);
            var requests = new[] { 9_999_999_999m, 0.0000000000000000000000000001m, 0.0000000000000000000000000001m }
                .Select((usd, i) => Call with
                {
                    RequestId = $"call-{i}",
                    Provider = "openai",
                    ProviderCostUsd = usd,
                    AmountCents = 0
                }).ToList();
            (await service.RecordUsagesAsync(requests[..2], default)).ShouldAllBe(outcome => outcome.Answer != null);
            (await service.RecordUsageAsync(requests[2], default)).Answer.ShouldNotBeNull();
            (await service.RecordUsageAsync(requests[2], default)).Replayed.ShouldBeTrue();
            (await service.RecordUsageAsync(Call with { RequestId = "free", ProviderCostUsd = 0, Provider = "free" },
                default)).Answer.ShouldNotBeNull();
        });
        (await database.ScalarAsync<string>(
            "SELECT trim_scale(cost_usd)::text FROM provider_usage_costs WHERE provider = 'openai'"))
            .ShouldBe("9999999999.0000000000000000000000000002");
        (await database.RowsAsync("SELECT provider, written_down_cents FROM provider_usage_costs ORDER BY 1"))
            .ShouldBe(["free|0", "openai|0"]);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task A_sum_that_is_not_that_of_the_usages_is_a_fault_of_a_full_check() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(async service =>
            {
                await FillAsync(service);
                (await service.RecordUsageAsync(
                    Call with { ProviderCostUsd = 0.5m, Provider = "openai" }, default)).Answer.ShouldNotBeNull();
            });
            await database.ExecuteAsync("UPDATE provider_usage_costs SET cost_usd = 0.4");
            var fault = (await new Integrity.IntegrityCheck(database.Ledger)
                .RunAsync(full: true, default)).Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id, fault.Detail)
                .ShouldBe(("provider-cost", "openai", "R19: the kept cost is 0.4 dollars, the usages say 0.5"));
            await database.ExecuteAsync("DELETE FROM provider_usage_costs");
            (await new Integrity.IntegrityCheck(database.Ledger)
                .RunAsync(full: true, default)).Faults.ShouldHaveSingleItem().Detail.ShouldContain("missing");
        });

    [Theory]
    [InlineData(
        "UPDATE provider_usage_costs SET written_down_cents = 40", "R19: the mark is at 40 cents, the entries say 50")]
    [InlineData("UPDATE provider_usage_costs SET written_down_cents = 0",
        "R19: the mark is at nothing cents, the entries say 50")]
    [InlineData("UPDATE ledger_entries SET reference_id = NULL WHERE reference_type = 'write_down'",
        "R19: the mark is at 50 cents, the entries say nothing")]
    public Task A_mark_that_is_not_what_was_booked_is_a_fault_of_a_full_check_R19(string sql, string detail) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await WriteDownFromUsageAsync(database);
            await database.AssertIntegrityAsync();
            await database.ExecuteAsync($"ALTER TABLE ledger_entries DISABLE TRIGGER USER; {sql}; "
                + "ALTER TABLE ledger_entries ENABLE TRIGGER USER");
            var fault = (await new Integrity.IntegrityCheck(database.Ledger)
                .RunAsync(full: true, default)).Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id, fault.Detail).ShouldBe(("written-down", "openai", detail));
        });

    [Fact]
    public Task More_written_down_than_usage_cost_is_a_fault_of_each_check_R19() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await WriteDownFromUsageAsync(database);
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
            await database.ExecuteAsync("UPDATE provider_usage_costs SET written_down_cents = 50.0000001");
            var fault = (await database.CheckIntegrityAsync()).Faults.ShouldHaveSingleItem();
            (fault.Kind, fault.Id, fault.Detail).ShouldBe(
                ("written-down", "openai", "R19: 50.0000001 cents were written down from usage that cost 50"));
        });

    [Fact]
    public Task Usage_from_before_each_vendor_had_one_name_is_written_down_with_the_vendors_R19() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(async service =>
            {
                await FillAsync(service);
                (await service.RecordUsageAsync(Call with { ProviderCostUsd = 0.5m, Provider = "some-old-name" },
                    default)).Answer.ShouldNotBeNull();
                (await service.WriteDownAsync(new() { FromUsage = true, Provider = "some-old-name", Force = true },
                    "old", default)).Answer!.AmountCents.ShouldBe(50);
                (await service.RecordUsageAsync(Call with
                {
                    RequestId = "call-2",
                    ProviderCostUsd = 0.25m,
                    Provider = "some-old-name"
                }, default)).Answer.ShouldNotBeNull();
            });
            // As it was before: its name was kept as it came.
            await database.ExecuteAsync("""
                ALTER TABLE llm_usage DISABLE TRIGGER USER;
                ALTER TABLE ledger_entries DISABLE TRIGGER USER;
                UPDATE llm_usage SET provider = 'vertex_ai-language-models';
                UPDATE provider_usage_costs SET provider = 'vertex_ai-language-models';
                UPDATE ledger_entries SET account = replace(account, 'some-old-name', 'vertex_ai-language-models');
                UPDATE account_totals SET account = replace(account, 'some-old-name', 'vertex_ai-language-models');
                ALTER TABLE ledger_entries ENABLE TRIGGER USER;
                ALTER TABLE llm_usage ENABLE TRIGGER USER
                """);
            await database.AssertIntegrityAsync();

            await database.PostAsync(async service =>
            {
                (await service.RecordUsageAsync(Call with
                {
                    RequestId = "call-3",
                    ProviderCostUsd = 0.1m,
                    Provider = "vertex_ai-language-models"
                }, default)).Answer!.Provider.ShouldBe("vertex_ai");
                (await service.WriteDownAsync(new() { FromUsage = true, Provider = "vertex_ai", Force = true }, "new",
                    default)).Answer!.AmountCents.ShouldBe(35);
                (await service.WriteDownAsync(new()
                {
                    FromUsage = true,
                    Provider = "vertex_ai-language-models",
                    Force = true
                }, "newer", default)).Answer!.TransactionId.ShouldBeNull();
            });

            (await database.RowsAsync(
                "SELECT provider, cost_usd, written_down_cents FROM provider_usage_costs ORDER BY 1"))
                .ShouldBe(["vertex_ai|0.1|10", "vertex_ai-language-models|0.75|75"]);
            (await database.RowsAsync("SELECT account, debit_cents FROM ledger_entries "
                + "WHERE reference_type = 'write_down' AND debit_cents > 0 ORDER BY id"))
                .ShouldBe(["asset:vertex_ai-language-models|50", "asset:vertex_ai|35"]);
            var report = await new Queries.MarginReports(database.Ledger)
                .ReadAsync("provider", null, null, 10, null, default);
            report.Groups.Select(line => $"{line.Group} {line.Calls}").ShouldBe(["vertex_ai 3"]);
            await database.AssertIntegrityAsync();
        });

    private static Task WriteDownFromUsageAsync(TestDatabase database) => database.PostAsync(async service =>
    {
        await FillAsync(service);
        (await service.RecordUsageAsync(
            Call with { ProviderCostUsd = 0.5m, Provider = "openai" }, default)).Answer.ShouldNotBeNull();
        (await service.WriteDownAsync(new() { FromUsage = true, Provider = "openai", Force = true }, "key", default))
            .Answer!.AmountCents.ShouldBe(50);
        (await service.WriteDownAsync(new() { AmountCents = 7, Provider = "openai", Force = true }, "other", default))
            .Answer!.AmountCents.ShouldBe(7);
    });

    [Fact]
    public Task What_waits_for_review_and_is_billed_later_is_no_fault_R16() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.PostAsync(async service =>
            {
                await FillAsync(service);
                (await service.RecordUsageAsync(
                    Call with { BillingStatus = "needs_review" }, default)).Answer.ShouldNotBeNull();
            });
            (await database.CheckIntegrityAsync()).IsBalanced.ShouldBeTrue();
            await database.PostAsync(async service =>
                (await service.RecordUsageAsync(
                    Call with { RequestId = "call-2", AmountCents = 5 }, default)).Answer.ShouldNotBeNull());
            // The review takes over the entries of another call, which then are charged without a usage of their own.
            await database.ExecuteAsync("""
                ALTER TABLE llm_usage DISABLE TRIGGER USER;
                UPDATE llm_usage waiting SET billing_status = 'billed', user_price_cents = 5,
                    transaction_id = other.transaction_id, reviewed_at = other.created_at
                FROM llm_usage other WHERE waiting.request_id = 'call-1' AND other.request_id = 'call-2';
                DELETE FROM llm_usage WHERE request_id = 'call-2';
                UPDATE llm_usage SET request_id = 'call-2' WHERE request_id = 'call-1';
                ALTER TABLE llm_usage ENABLE TRIGGER USER
                """);
            (await database.CheckIntegrityAsync()).Faults.ShouldBeEmpty();
            await database.AssertIntegrityAsync();
        });

    [Fact]
    public Task Aliases_are_kept_across_commits_in_any_order_R17() =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            var first = (await ReportAsync(database, "alice", "call-1")).Answer.ShouldNotBeNull();
            (await ReportAsync(database, "alice", "resp-1", "call-1")).Answer!.UsageId.ShouldBe(first.UsageId);
            var third = await ReportAsync(database, null, "resp-1");
            (third.Replayed, third.Answer).ShouldBe((true, first));
            var nobody = (await ReportAsync(database, null, "call-2")).Answer.ShouldNotBeNull();
            (await ReportAsync(database, null, "call-2")).Answer.ShouldBe(nobody);

            (await database.RowsAsync("SELECT source_system, external_id, usage_id FROM usage_aliases ORDER BY 2"))
                .ShouldBe([$"litellm|call-1|{first.UsageId}", $"litellm|call-2|{nobody.UsageId}",
                    $"litellm|resp-1|{first.UsageId}"]);
            (await database.RowsAsync("SELECT request_id, external_id, source_system, user_id, balance_after_cents, "
                + "review_reason FROM llm_usage ORDER BY id"))
                .ShouldBe(["call-1|call-1|litellm|alice|-5|", "call-2|call-2|litellm|||no-user"]);
            await database.AssertIntegrityAsync();
        });

    private static async Task<Outcome<RecordedUsage>> ReportAsync(
        TestDatabase database, string? userId, params string[] ids)
    {
        await using var writer = new LedgerWriter(
            database.Ledger, new WriterOptions(), TimeProvider.System, NullLogger<LedgerWriter>.Instance);
        var usage = new RecordReportedUsage(
            new() { UserId = userId, RequestId = ids[0], ProviderCostUsd = 0.05m, Provider = "openai" },
            new UsageOrigin("litellm", ids, $"derived-{ids[0]}") { VirtualKeyId = Guid.NewGuid() });
        await writer.WriteAsync([usage], default);
        return usage.Outcome;
    }

    private static async Task FillAsync(BudgetService service) =>
        (await service.GrantAsync(
            new() { UserId = "alice", AmountCents = 10_000 }, "root", Guid.NewGuid().ToString(), default)).Answer
            .ShouldNotBeNull();
}
