using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// Upgrades a ledger that ran with the first migration only: its usages and keys stay and keep their meaning.
/// </summary>
public sealed class DualCostUpgradeTests
{
    private const string Usages = """
        SELECT id, user_id, request_id, model, prompt_tokens, completion_tokens, user_price_cents, billing_status,
            occurred_at, created_at, transaction_id,
               balance_after_cents, request_hash, description, reference_id, metadata FROM llm_usage ORDER BY id
        """;

    // One call for 5 cents and a free one, with the hashes that the service had computed for them.
    private const string Rows = """
        INSERT INTO llm_usage (id, user_id, request_id, model, prompt_tokens, completion_tokens, user_price_cents,
            billing_status, occurred_at, created_at,
                               transaction_id, balance_after_cents, request_hash, metadata) VALUES
            ('01900000-0000-7000-8000-000000000003', 'alice', 'call-1', 'claude', 100, 10, 5, 'billed', '2026-01-01',
                '2026-01-02',
             '01900000-0000-7000-8000-000000000002', 95, 1, '{"a": 1}'),
            ('01900000-0000-7000-8000-000000000004', 'alice', 'call-2', NULL, NULL, NULL, 0, 'billed', '2026-01-01',
                '2026-01-02', NULL, 95, 2, NULL);
        INSERT INTO api_keys (id, name, role, key_prefix, secret_hash, created_at)
        VALUES (gen_random_uuid(), 'a bot', 'bot', 'fl_bot_1', sha256('x'), now()),
            (gen_random_uuid(), 'an admin', 'admin', 'fl_adm_1', sha256('y'), now());
        """;

    [Fact]
    public Task Usages_stay_as_they_were() => WithLedgerOfBeforeAsync(async database =>
    {
        var before = await database.RowsAsync(Usages);
        before.Count.ShouldBe(2);
        await database.MigrateAsync();
        (await database.RowsAsync(Usages)).ShouldBe(before);
        (await database.RowsAsync(
            "SELECT source_system, provider_cost_usd, markup_factor, price_version, review_reason FROM llm_usage"))
            .ShouldBe(["api||||", "api||||"]);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task No_key_may_overdraw_after_the_upgrade() => WithLedgerOfBeforeAsync(async database =>
    {
        await database.MigrateAsync();
        (await database.RowsAsync("SELECT role, may_overdraw FROM api_keys ORDER BY role"))
            .ShouldBe(["admin|False", "bot|False"]);
    });

    private static Task WithLedgerOfBeforeAsync(Func<TestDatabase, Task> test) =>
        EarlierLedger.WithAsync("CreateLedger", Rows, test);
}
