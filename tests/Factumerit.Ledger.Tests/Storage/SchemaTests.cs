using Factumerit.Ledger.Tests.Database;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>The tables, views and columns that others rely on: names, types and keys are fixed.</summary>
public sealed class SchemaTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const string Cents = "numeric(20,7)";
    private const string Time = "timestamp with time zone";

    [Fact]
    public Task Ledger_entries_has_its_columns() => HasAsync("ledger_entries",
        ("id", "bigint"), ("transaction_id", "uuid"), ("account", "text"), ("debit_cents", Cents),
        ("credit_cents", Cents), ("description", "text?"),
        ("reference_type", "text?"), ("reference_id", "text?"), ("created_at", Time));

    [Fact]
    public Task User_budgets_has_its_columns() => HasAsync("user_budgets",
        ("user_id", "text"), ("balance_cents", Cents), ("total_spent_cents", "numeric(30,7)"),
        ("total_added_cents", "numeric(30,7)"), ("promo_expires_at", Time + "?"),
        ("created_at", Time), ("updated_at", Time), ("deleted_at", Time + "?"), ("opening_cents", Cents));

    [Fact]
    public Task Budget_transactions_has_its_columns_R14() => HasAsync("budget_transactions",
        ("id", "bigint"), ("user_id", "text"), ("amount_cents", Cents), ("balance_after", Cents),
        ("transaction_type", "text"), ("description", "text?"),
        ("created_at", Time));

    [Fact]
    public Task Llm_usage_has_its_columns() => HasAsync("llm_usage",
        ("id", "uuid"), ("user_id", "text?"), ("request_id", "text"), ("model", "text?"), ("prompt_tokens", "integer?"),
        ("completion_tokens", "integer?"),
        ("provider_cost_usd", "numeric?"), ("user_price_cents", Cents + "?"), ("billing_status", "text"),
        ("occurred_at", Time), ("created_at", Time),
        ("provider", "text?"), ("markup_factor", "numeric?"), ("price_version", "bigint?"),
        ("cache_read_tokens", "integer?"),
        ("cache_write_tokens", "integer?"), ("reasoning_tokens", "integer?"), ("usage", "jsonb?"),
        ("virtual_key_id", "uuid?"),
        ("source_system", "text"), ("external_id", "text?"), ("transaction_id", "uuid?"), ("review_reason", "text?"),
        ("reviewed_by", "text?"),
        ("reviewed_at", Time + "?"), ("review_note", "text?"));

    [Fact]
    public Task Model_prices_has_its_columns() => HasAsync("model_prices",
        ("model", "text"), ("version", "bigint"), ("provider", "text?"), ("valid_from", Time + "?"),
        ("input_usd_per_token", "numeric"),
        ("output_usd_per_token", "numeric?"), ("cache_read_usd_per_token", "numeric?"),
        ("cache_write_usd_per_token", "numeric?"),
        ("reasoning_usd_per_token", "numeric?"), ("is_gone", "boolean"));

    [Fact]
    public Task Virtual_keys_has_its_columns_and_none_for_the_secret() => HasAsync("virtual_keys",
        ("id", "uuid"), ("user_id", "text"), ("label", "text"), ("alias", "text"), ("key_hash", "text?"),
        ("key_name", "text?"), ("models", "text[]?"),
        ("max_budget_usd", "numeric?"), ("expires_at", Time + "?"), ("status", "text"), ("is_blocked", "boolean"),
        ("created_at", Time));

    [Fact]
    public Task Account_balances_has_its_columns() => HasAsync("account_balances",
        ("account", "text?"), ("balance_cents", "numeric?"), ("total_debits", "numeric?"),
        ("total_credits", "numeric?"), ("entry_count", "bigint?"));

    [Fact]
    public Task User_ledger_balances_has_its_columns() =>
        HasAsync("user_ledger_balances", ("user_id", "text?"), ("balance_cents", "numeric?"));

    [Fact]
    public Task Ledger_integrity_has_its_columns() => HasAsync("ledger_integrity",
        ("total_debits", "numeric?"), ("total_credits", "numeric?"), ("imbalance", "numeric?"));

    [Theory]
    [InlineData("ledger_entries", "id")]
    [InlineData("budget_transactions", "id")]
    public async Task Ids_are_counted_by_the_database(string table, string column) =>
        (await database.ScalarAsync<string>("SELECT is_identity FROM information_schema.columns "
            + $"WHERE table_name = '{table}' AND column_name = '{column}'")).ShouldBe("YES");

    [Fact]
    public async Task Every_constraint_has_an_explicit_name()
    {
        var names = await database.RowsAsync("""
            SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                AND contype IN ('p', 'u', 'f', 'c')
            AND conname !~ '^(pk|uq|fk|ck)_' AND conrelid <> to_regclass('"__EFMigrationsHistory"')
            """);
        names.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("pk_ledger_entries", "UNIQUE", "(id) WITH (fillfactor='100')")]
    [InlineData("ix_ledger_entries_transaction_id", "brin", "(transaction_id) WITH (autosummarize='on')")]
    [InlineData("ix_ledger_entries_user_account", "INDEX",
        "(account) WHERE ((account >= 'user:'::text) AND (account < 'user;'::text))")]
    [InlineData("ix_budget_transactions_user_id", "INDEX", "(user_id)")]
    [InlineData("pk_user_budgets", "UNIQUE", "(user_id)")]
    [InlineData(
        "uq_llm_usage_user_request", "hash", "((((user_id || ' '::text) || request_id))) WITH (fillfactor='90')")]
    [InlineData("ix_llm_usage_review", "INDEX", "(created_at, id) WHERE (billing_status = 'needs_review'::text)")]
    [InlineData("ix_llm_usage_occurred_at", "brin", "(occurred_at) WITH (autosummarize='on')")]
    [InlineData("pk_usage_aliases", "UNIQUE", "(source_system, external_id)")]
    [InlineData("pk_model_prices", "UNIQUE", "(model, version)")]
    [InlineData("ix_virtual_keys_user_id", "INDEX", "(user_id)")]
    [InlineData("ix_outbox_key", "INDEX", "(kind, ordering_key, id)")]
    [InlineData("pk_idempotency_keys", "UNIQUE", "(operation, key)")]
    [InlineData("pk_account_totals", "UNIQUE", "(account)")]
    [InlineData("uq_api_keys_key_prefix", "UNIQUE", "(key_prefix)")]
    public async Task The_indexes_that_queries_rely_on_are_there(string name, string kind, string columns)
    {
        var definition = await database.ScalarAsync<string>(
            $"SELECT indexdef FROM pg_indexes WHERE indexname = '{name}'");
        definition.ShouldContain(kind);
        definition.ShouldEndWith(columns);
    }

    [Theory]
    [InlineData("tr_ledger_entries_immutable")]
    [InlineData("tr_ledger_entries_balanced")]
    [InlineData("tr_ledger_open_transactions_close")]
    [InlineData("tr_llm_usage_written_once")]
    [InlineData("tr_llm_usage_kept")]
    public async Task The_triggers_fire_always_R1_R2_R15(string name) =>
        (await database.ScalarAsync<char>($"SELECT tgenabled FROM pg_trigger WHERE tgname = '{name}'")).ShouldBe('A');

    [Theory]
    [InlineData("ck_ledger_entries_one_side")]
    [InlineData("ck_ledger_entries_account")]
    [InlineData("ck_user_budgets_finite")]
    [InlineData("ck_user_budgets_deleted")]
    [InlineData("ck_llm_usage_billing_status")]
    [InlineData("ck_llm_usage_tokens")]
    [InlineData("ck_llm_usage_cost")]
    public async Task On_a_new_database_every_check_is_proven(string name) =>
        (await database.ScalarAsync<bool>($"SELECT convalidated FROM pg_constraint WHERE conname = '{name}'"))
            .ShouldBeTrue();

    private async Task HasAsync(string table, params (string Name, string Type)[] expected)
    {
        var columns = await database.RowsAsync($"""
            SELECT attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '' ELSE '?' END
            FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """);
        expected.Select(c => $"{c.Name}|{c.Type}").ShouldBeSubsetOf(columns);
    }
}
