using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// Upgrades a ledger that ran with the first two migrations to narrow indexes: every row stays, and every rule of the
/// old indexes still holds.
/// </summary>
public sealed class NarrowIndexesUpgradeTests
{
    // A call for 5 cents, and two that wait for somebody to say whose they are: such may have the same request id.
    private const string Rows = """
        INSERT INTO llm_usage (id, user_id, request_id, user_price_cents, billing_status, occurred_at, created_at,
            transaction_id, balance_after_cents,
                               request_hash, review_reason) VALUES
            ('01900000-0000-7000-8000-000000000003', 'alice', 'call-1', 5, 'billed', '2026-01-01', '2026-01-02',
                '01900000-0000-7000-8000-000000000002', 95, 1, NULL),
            ('01900000-0000-7000-8000-000000000004', NULL, 'call-1', NULL, 'needs_review', '2026-01-01', '2026-01-02',
                NULL, NULL, 2, 'unknown-user'),
            ('01900000-0000-7000-8000-000000000005', NULL, 'call-1', NULL, 'needs_review', '2026-01-01', '2026-01-02',
                NULL, NULL, 3, 'unknown-user');
        """;

    private static readonly string[] Tables = [
        "user_budgets", "ledger_entries", "budget_transactions", "account_totals", "llm_usage"];

    [Fact]
    public Task Every_row_stays_as_it_was() => WithLedgerOfBeforeAsync(async database =>
    {
        var before = await ReadAsync(database);
        await database.MigrateAsync();
        (await ReadAsync(database)).ShouldBe(before);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task A_request_of_before_is_known_R9() => WithLedgerOfBeforeAsync(async database =>
    {
        await database.MigrateAsync();
        await database.PostAsync(async service =>
            (await service.RecordUsageAsync(
                new() { UserId = "alice", AmountCents = 6, RequestId = "call-1" }, CancellationToken.None))
                .Refusal.ShouldBeOfType<Refusal.IdempotencyKeyReused>());
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task A_request_of_before_is_kept_once_per_user_by_the_database_R9() =>
        WithLedgerOfBeforeAsync(async database =>
        {
            await database.MigrateAsync();
            static string Usage(string user) =>
                "INSERT INTO llm_usage (id, user_id, request_id, billing_status, user_price_cents, occurred_at, "
                + "created_at, balance_after_cents, request_hash) "
                + $"VALUES (gen_random_uuid(), {user}, 'call-1', 'billed', 0, now(), now(), 0, 0)";
            await RefusedAsync(database, Usage("'alice'"));
            await RefusedAsync(database, "UPDATE llm_usage SET user_id = 'alice' WHERE user_id IS NULL");
            (await database.RefusalOfAsync(Usage("'bob'"))).ShouldBeNull();
        });

    [Fact]
    public Task Entries_whose_transactions_have_growing_ids_get_the_block_range_index() =>
        WithLedgerOfBeforeAsync(async database =>
        {
            (await KindOfIndexAsync(database)).ShouldBe("btree");
            await database.MigrateAsync();
            (await KindOfIndexAsync(database)).ShouldBe("brin");
        });

    [Theory]
    [InlineData("00000000-0000-7000-8000-000000000009", "brin")]
    [InlineData("6c3b5d1e-5f0a-4c3e-9a51-0d7c54b3f001", "btree")]
    public Task Adopted_entries_with_random_ids_keep_their_index(string transactionId, string kind) =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows + OldDatabase.Ledger, async database =>
        {
            await database.ExecuteAsync(
                $"UPDATE ledger_entries SET transaction_id = '{transactionId}' WHERE reference_type = 'purchase'");
            await database.MigrateAsync();
            (await KindOfIndexAsync(database)).ShouldBe(kind);
        });

    [Fact]
    public Task The_keys_of_adopted_tables_are_filled_to_the_brim_too() =>
        OldDatabase.WithAsync(OldDatabase.Serial + OldDatabase.Rows + OldDatabase.Ledger, async database =>
        {
            await database.MigrateAsync();
            (await database.RowsAsync("""
                SELECT conrelid::regclass::text, reloptions[1] FROM pg_constraint JOIN pg_class
                    ON pg_class.oid = conindid
                WHERE contype = 'p' AND conrelid IN ('ledger_entries'::regclass, 'budget_transactions'::regclass,
                    'llm_usage'::regclass) ORDER BY 1
                """)).ShouldBe([
                    "budget_transactions|fillfactor=100", "ledger_entries|fillfactor=100", "llm_usage|fillfactor=100"]);
        });

    private static async Task RefusedAsync(TestDatabase database, string sql)
    {
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(sql));
        (refusal.SqlState, refusal.ConstraintName)
            .ShouldBe((PostgresErrorCodes.ExclusionViolation, "uq_llm_usage_user_request"));
    }

    private static Task<string> KindOfIndexAsync(TestDatabase database) => database.ScalarAsync<string>(
        "SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
        + "WHERE c.relname = 'ix_ledger_entries_transaction_id'");

    private static async Task<List<string>> ReadAsync(TestDatabase database)
    {
        var rows = new List<string>();
        foreach (var table in Tables)
            // Columns that later migrations add are no part of it.
            rows.AddRange(await database.RowsAsync($"""
                SELECT (to_jsonb(t) - 'signed_up_at' - 'filled_at' - 'payer_hint' - 'posted_by' - 'reviewed_by_id'
                    - 'opening_spent_cents' - 'opening_added_cents' - 'held_cents' - 'holds_expire_at'
                    - 'holds_version' - 'hold_id')::text FROM {table} t ORDER BY 1
                """));
        return rows;
    }

    private static Task WithLedgerOfBeforeAsync(Func<TestDatabase, Task> test) =>
        EarlierLedger.WithAsync("AddDualCost", Rows, test);
}
