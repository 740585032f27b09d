using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>Upgrades a ledger without actors: its rows do not change, and its keys keep their rights.</summary>
public sealed class KnowActorsUpgradeTests
{
    private const string Keys = """
        INSERT INTO api_keys (id, name, role, user_prefix, key_prefix, secret_hash, created_at, revoked_at) VALUES
            ('01900000-0000-7000-8000-00000000000a', 'gateway', 'bot', NULL, 'fa_bot_1', sha256('1'), '2026-01-01',
                NULL),
            ('01900000-0000-7000-8000-00000000000b', 'gateway', 'bot', 'vik', 'fa_bot_2', sha256('2'), '2026-01-02',
                NULL),
            ('01900000-0000-7000-8000-00000000000c', 'bound', 'bot', 'vikunja:', 'fa_bot_3', sha256('3'), '2026-01-03',
                NULL),
            ('01900000-0000-7000-8000-00000000000d', 'ended', 'bot', 'a.b-9', 'fa_bot_4', sha256('4'), '2026-01-04',
                '2026-01-05'),
            ('01900000-0000-7000-8000-00000000000e', 'bootstrap', 'admin', NULL, 'fa_admin_5', sha256('5'),
                '2026-01-05', NULL);
        """;

    private const string Call = """
        INSERT INTO llm_usage (id, user_id, request_id, user_price_cents, billing_status, occurred_at, created_at,
            transaction_id,
                               balance_after_cents, request_hash)
        VALUES ('01900000-0000-7000-8000-000000000003', 'alice', 'call-1', 5, 'billed', '2026-01-01', '2026-01-02',
                '01900000-0000-7000-8000-000000000002', 95, 1);
        """;

    private const string TakenIn = """
        INSERT INTO usage_aliases (source_system, external_id, usage_id)
            VALUES ('litellm', 'x', '01900000-0000-7000-8000-000000000003');
        """;

    private static readonly string[] Tables = ["ledger_entries", "budget_transactions", "user_budgets", "llm_usage"];

    [Fact]
    public Task Every_row_stays_and_has_no_actor() => WithLedgerOfBeforeAsync("", async database =>
    {
        var before = await ReadAsync(database);
        await database.MigrateAsync();

        (await ReadAsync(database)).ShouldBe(before);
        (await database.ScalarAsync<long>("SELECT count(*) FROM ledger_entries WHERE posted_by IS NOT NULL"))
            .ShouldBe(0);
        await database.AssertIntegrityAsync();
    });

    [Fact]
    public Task Every_key_is_an_actor_in_the_order_they_were_made() => WithLedgerOfBeforeAsync("", async database =>
    {
        await database.MigrateAsync();
        (await database.RowsAsync(
            "SELECT actor_id, right(api_key_id::text, 1), name FROM actors ORDER BY actor_id")).ShouldBe(
            ["1||service", "2||bootstrap", "101|a|gateway", "102|b|gateway", "103|c|bound", "104|d|ended",
                "105|e|bootstrap"]);
    });

    [Fact]
    public Task A_key_that_a_process_of_the_version_before_makes_is_an_actor_too() =>
        WithLedgerOfBeforeAsync("", async database =>
        {
            await database.MigrateAsync();
            await database.ExecuteAsync("""
                INSERT INTO api_keys (id, name, role, key_prefix, secret_hash, created_at, may_overdraw)
                VALUES ('01900000-0000-7000-8000-00000000000f', 'late', 'ops', 'fa_ops_6', sha256('6'), now(), false)
                """);
            (await database.RowsAsync("SELECT name FROM actors "
                + "WHERE api_key_id = '01900000-0000-7000-8000-00000000000f'")).ShouldBe(["late"]);
        });

    [Fact]
    public Task Prefixes_without_a_boundary_go_on_covering_what_begins_so() =>
        WithLedgerOfBeforeAsync("", async database =>
        {
            await database.MigrateAsync();
            (await database.RowsAsync("SELECT user_prefix FROM api_keys ORDER BY id"))
                .ShouldBe(["", "vik*", "vikunja:", "a.b-9*", ""]);
        });

    [Theory]
    [InlineData(TakenIn, "True", "True", "True", "False", "False")]
    [InlineData("", "False", "False", "False", "False", "False")]
    public Task Bot_keys_may_take_in_calls_where_calls_were_taken_in(string rows, params string[] mayIntake) =>
        WithLedgerOfBeforeAsync(rows, async database =>
        {
            await database.MigrateAsync();
            (await database.RowsAsync("SELECT may_intake FROM api_keys ORDER BY id")).ShouldBe(mayIntake);
        });

    [Theory]
    [InlineData("UPDATE audit_log SET action = 'x'")]
    [InlineData("DELETE FROM audit_log")]
    [InlineData("TRUNCATE audit_log")]
    [InlineData("UPDATE actors SET name = 'somebody else'")]
    [InlineData("DELETE FROM actors WHERE actor_id > 2")]
    [InlineData("TRUNCATE actors CASCADE")]
    [InlineData("UPDATE llm_usage SET posted_by = 2")]
    public Task What_tells_who_did_it_is_never_changed(string sql) =>
        DatabaseQueries.WithDatabaseAsync(async database =>
        {
            await database.ExecuteAsync(Keys);
            await database.ExecuteAsync(
                "INSERT INTO audit_log (at, actor_id, action, subject) VALUES (now(), 1, 'user.deleted', 'u')");
            await database.PostAsync(async service =>
                (await service.RecordUsageAsync(new() { UserId = "u", AmountCents = 0, RequestId = "r" },
                    CancellationToken.None)).Refusal.ShouldBeNull());

            (await database.RefusalOfAsync(sql)).ShouldBe(PostgresErrorCodes.RestrictViolation);
        });

    // Without the columns that later versions add.
    private static async Task<List<string>> ReadAsync(TestDatabase database)
    {
        var rows = new List<string>();
        foreach (var table in Tables)
            rows.AddRange(await database.RowsAsync("SELECT (to_jsonb(t) "
                + "- '{posted_by,reviewed_by_id,opening_added_cents,opening_spent_cents,held_cents,holds_expire_at,"
                + "holds_version,hold_id}'::text[])::text "
                + $"FROM {table} t ORDER BY 1"));
        return rows;
    }

    private static Task WithLedgerOfBeforeAsync(string rows, Func<TestDatabase, Task> test) =>
        EarlierLedger.WithAsync("AcceptRealReports", Keys + Call + rows, test);
}
