using Factumerit.Ledger.Tests.Database;
using Npgsql;

namespace Factumerit.Ledger.Tests.Storage;

/// <summary>
/// R15 and R16 in the database: a usage's cost is written once, and a usage in review has moved no money.
/// </summary>
public sealed class UsageConstraintTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const string Waiting =
        "'needs_review', user_price_cents = NULL, transaction_id = NULL, review_reason = 'requested'";

    [Theory]
    [InlineData("provider_cost_usd = 0.0000001")]
    [InlineData("provider_cost_usd = NULL")]
    [InlineData("provider = 'openai'")]
    [InlineData("user_price_cents = 0")]
    [InlineData("markup_factor = 2")]
    [InlineData("markup_factor = NULL")]
    [InlineData("price_version = 8")]
    [InlineData("transaction_id = gen_random_uuid()")]
    [InlineData("billing_status = 'waived', user_price_cents = NULL, transaction_id = NULL, reviewed_at = now()")]
    public async Task What_was_written_never_changes_R15(string change)
    {
        var id = await InsertAsync();
        var sql = $"UPDATE llm_usage SET {change} WHERE id = '{id}'";
        (await database.RefusalOfAsync(sql)).ShouldBe(PostgresErrorCodes.RestrictViolation);
        (await database.RefusalOfAsync($"SET session_replication_role = replica; {sql}"))
            .ShouldBe(PostgresErrorCodes.RestrictViolation, "as a replica");
    }

    [Fact]
    public async Task What_is_not_known_yet_is_written_once_R15()
    {
        var id = await InsertAsync("'needs_review', NULL, NULL, NULL, NULL, NULL, NULL, 'unknown-model'");
        await database.ExecuteAsync($"""
            UPDATE llm_usage SET billing_status = 'billed', user_price_cents = 1, provider_cost_usd = 0.01,
                markup_factor = 1, price_version = 7, provider = 'openai',
                reviewed_at = now() WHERE id = '{id}'
            """);
        (await database.RefusalOfAsync($"UPDATE llm_usage SET provider_cost_usd = 0.02 WHERE id = '{id}'"))
            .ShouldBe(PostgresErrorCodes.RestrictViolation);
        (await database.RefusalOfAsync("UPDATE llm_usage SET description = 'a note', provider_cost_usd = 0.010 "
            + $"WHERE id = '{id}'")).ShouldBeNull("the cost is the same");
    }

    [Theory]
    [InlineData("DELETE FROM llm_usage")]
    [InlineData("DELETE FROM llm_usage WHERE false")]
    [InlineData("TRUNCATE llm_usage")]
    public async Task Usages_are_never_deleted_R15(string sql)
    {
        await InsertAsync();
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(sql));
        refusal.SqlState.ShouldBe(PostgresErrorCodes.RestrictViolation);
        refusal.MessageText.ShouldContain("R15");
    }

    [Theory]
    [InlineData("'billed', NULL, NULL, NULL, NULL, NULL, NULL, NULL")]
    [InlineData("'needs_review', 0, NULL, NULL, NULL, NULL, NULL, 'requested'")]
    [InlineData("'needs_review', NULL, NULL, NULL, NULL, NULL, gen_random_uuid(), 'requested'")]
    [InlineData("'needs_review', NULL, NULL, NULL, NULL, NULL, NULL, NULL")]
    [InlineData("'waived', NULL, NULL, NULL, NULL, NULL, NULL, 'requested'")]
    [InlineData("'free', 0, NULL, NULL, NULL, NULL, NULL, NULL")]
    public async Task Price_and_status_agree_R16(string values)
    {
        var refusal = await Should.ThrowAsync<PostgresException>(() => InsertAsync(values));
        refusal.ConstraintName.ShouldBe("ck_llm_usage_billing_status");
    }

    [Theory]
    [InlineData("provider_cost_usd", "-0.0000001", "ck_llm_usage_cost")]
    [InlineData("provider_cost_usd", "'NaN'", "ck_llm_usage_cost")]
    [InlineData("provider_cost_usd", "'Infinity'", "ck_llm_usage_cost")]
    [InlineData("markup_factor", "'NaN'", "ck_llm_usage_markup")]
    [InlineData("markup_factor", "-1", "ck_llm_usage_markup")]
    [InlineData("cache_read_tokens", "-1", "ck_llm_usage_tokens")]
    [InlineData("reasoning_tokens", "-1", "ck_llm_usage_tokens")]
    [InlineData("prompt_tokens", "-1", "ck_llm_usage_tokens")]
    public async Task Costs_and_tokens_are_numbers_from_0(string column, string value, string constraint)
    {
        var id = await InsertAsync("'needs_review', NULL, NULL, NULL, NULL, NULL, NULL, 'no-tokens'");
        var refusal = await Should.ThrowAsync<PostgresException>(
            () => database.ExecuteAsync($"UPDATE llm_usage SET {column} = {value} WHERE id = '{id}'"));
        refusal.ConstraintName.ShouldBe(constraint);
    }

    [Fact]
    public async Task A_billed_usage_does_not_go_back_to_review_R16()
    {
        var id = await InsertAsync("'billed', 0, NULL, NULL, NULL, NULL, NULL, NULL");
        (await database.RefusalOfAsync($"UPDATE llm_usage SET billing_status = {Waiting} WHERE id = '{id}'"))
            .ShouldBe(PostgresErrorCodes.RestrictViolation);
    }

    [Theory]
    [InlineData("('m', 1, 'openai', -1, 0, NULL)")]
    [InlineData("('m', 1, 'openai', 0, 'NaN', NULL)")]
    [InlineData("('m', 1, 'openai', 0, 0, 'Infinity')")]
    public async Task Prices_are_numbers_from_0(string values)
    {
        await database.ExecuteAsync("""
            INSERT INTO price_versions (version, valid_from, imported_at, content_hash, source, imported_by, added,
                changed, gone)
            VALUES (1, now(), now(), '', 'a test', 'a test', 0, 0, 0) ON CONFLICT DO NOTHING
            """);
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(
            "INSERT INTO model_prices (model, version, provider, input_usd_per_token, output_usd_per_token, "
            + $"reasoning_usd_per_token) VALUES {values}"));
        refusal.ConstraintName.ShouldBe("ck_model_prices_usd");
    }

    [Theory]
    [InlineData("UPDATE model_prices SET input_usd_per_token = 0")]
    [InlineData("DELETE FROM model_prices")]
    [InlineData("TRUNCATE model_prices")]
    [InlineData("UPDATE price_versions SET valid_from = now()")]
    [InlineData("DELETE FROM price_versions")]
    public async Task Prices_that_are_there_are_never_changed_R18(string sql) =>
        (await database.RefusalOfAsync(sql)).ShouldBe(PostgresErrorCodes.RestrictViolation);

    [Fact]
    public async Task An_id_at_another_system_is_one_usage_R17()
    {
        static string Alias(string system) => "INSERT INTO usage_aliases (source_system, external_id, usage_id) "
            + $"VALUES ('{system}', 'call-1', gen_random_uuid())";
        await database.ExecuteAsync(Alias("litellm"));
        (await database.RefusalOfAsync(Alias("another"))).ShouldBeNull();
        var refusal = await Should.ThrowAsync<PostgresException>(() => database.ExecuteAsync(Alias("litellm")));
        refusal.ConstraintName.ShouldBe("pk_usage_aliases");
    }

    // The columns: status, price, cost, factor, version, provider, transaction, reason.
    private async Task<Guid> InsertAsync(
        string values = "'billed', 5, 0.05, 1, 7, 'anthropic', gen_random_uuid(), NULL")
    {
        var id = Guid.NewGuid();
        await database.ExecuteAsync($"""
            INSERT INTO llm_usage (id, user_id, request_id, occurred_at, created_at, request_hash, billing_status,
                user_price_cents, provider_cost_usd, markup_factor,
                                   price_version, provider, transaction_id, review_reason)
            VALUES ('{id}', 'alice', '{id}', now(), now(), 0, {values})
            """);
        return id;
    }
}
