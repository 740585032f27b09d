using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// What a role needs to serve, table by table: the one list that the start checks, that docs/operating.md shows and
/// that the tests hold the service against. Migrations need a role that owns the tables.
/// </summary>
public static class ServingRights
{
    private const string Read = "SELECT";
    private const string Add = "SELECT, INSERT";
    private const string Change = "SELECT, INSERT, UPDATE";
    private const string Replace = "SELECT, INSERT, UPDATE, DELETE";

    // The columns that the service changes. What a key may do, whose it is, and who posted a usage are none of them.
    private const string ChangeOfApiKeys =
        $"{Add}, UPDATE (revoked_at, last_used_at, expires_at, key_prefix, secret_hash, old_key_prefix, "
        + "old_secret_hash, old_secret_ends_at)";

    private const string ChangeOfFaults = $"{Add}, UPDATE (last_seen_at, detail, resolved_at, resolved_by, reason)";
    private const string ChangeOfUsages =
        $"{Add}, UPDATE (user_id, model, provider, provider_cost_usd, user_price_cents, markup_factor, "
        + "price_version, prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens, "
        + "reasoning_tokens, usage, billing_status, transaction_id, filled_at, review_reason, reviewed_by, "
        + "reviewed_by_id, reviewed_at, review_note, review_key, review_hash, review_balance_cents)";

    private const string ChangeOfBudgets =
        $"{Add}, UPDATE (balance_cents, total_spent_cents, total_added_cents, debits_cents, credits_cents, "
        + "entry_count, promo_expires_at, updated_at, deleted_at, signed_up_at)";

    private const string ChangeOfVirtualKeys =
        $"{Add}, UPDATE (status, is_blocked, key_hash, key_name, updated_at, revoked_at, checked_at, last_error)";

    /// <summary>Tables and the rights on them, as GRANT has them.</summary>
    public static IReadOnlyDictionary<string, string> ByTable { get; } = new SortedDictionary<string, string>(
        StringComparer.Ordinal)
    {
        [MigrationHistory.Table] = Read,
        ["account_totals"] = Change,
        ["actors"] = Add,
        // A trigger counts changes of keys here, with the rights of whoever changes them.
        ["api_key_changes"] = "SELECT, UPDATE",
        ["api_keys"] = ChangeOfApiKeys,
        ["audit_log"] = Add,
        ["budget_transactions"] = Add,
        ["idempotency_keys"] = Add,
        ["ledger_checkpoint"] = Change,
        ["ledger_checkpoint_accounts"] = Replace,
        ["ledger_entries"] = Add,
        ["ledger_entry_digests"] = Change,
        ["ledger_faults"] = ChangeOfFaults,
        // The trigger on ledger_entries writes here with the rights of whoever inserts.
        ["ledger_open_transactions"] = "INSERT",
        // Writers lock this table to take turns; PostgreSQL asks for UPDATE to let them.
        ["ledger_origin"] = "SELECT, UPDATE",
        ["litellm_outbox"] = Replace,
        ["llm_usage"] = ChangeOfUsages,
        ["model_prices"] = Add,
        ["price_cancellations"] = Add,
        ["price_versions"] = Add,
        ["provider_usage_costs"] = Change,
        ["usage_aliases"] = Add,
        ["user_budgets"] = ChangeOfBudgets,
        ["virtual_keys"] = ChangeOfVirtualKeys,
    };

    /// <summary>The statement that gives a role rights on a table.</summary>
    public static string Grant(string rights, string table, string role) =>
        $"GRANT {rights} ON {Quote(table)} TO {Quote(role)};";

    // A table that lacks one of the columns is of a schema that is not migrated yet.
    private const string FindTables = """
        SELECT n.name FROM unnest($1, $2) AS n (name, rights), to_regclass(quote_ident(n.name)) AS found
        WHERE found IS NOT NULL AND NOT EXISTS (
            SELECT FROM unnest(string_to_array(substring(n.rights FROM '\((.*)\)'), ', ')) AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = found AND a.attname = needed AND NOT a.attisdropped))
        """;

    /// <summary>Gives a role these rights on the tables that are there, and takes all others from it.</summary>
    public static async Task GiveAsync(LedgerDatabase owner, string role, CancellationToken cancellationToken)
    {
        await using var connection = await owner.Readers.OpenConnectionAsync(cancellationToken);
        await using var find = new NpgsqlCommand(FindTables, connection)
        {
            Parameters = { new() { Value = ByTable.Keys.ToArray() }, new() { Value = ByTable.Values.ToArray() } },
        };
        var grants = new List<string> { $"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {Quote(role)};" };
        await using (var reader = await find.ExecuteReaderAsync(cancellationToken))
            while (await reader.ReadAsync(cancellationToken))
                grants.Add(Grant(ByTable[reader.GetString(0)], reader.GetString(0), role));
        // One message: one transaction.
        await using var give = new NpgsqlCommand(string.Join(' ', grants), connection);
        await give.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>A name as SQL has it: in quotes where it would be another one without.</summary>
    public static string Quote(string name) =>
        name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_') && !char.IsAsciiDigit(name[0])
            ? name
            : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
