using Npgsql;

namespace Factumerit.Ledger.Storage;

/// <summary>
/// The rights that a role needs to serve, by table and view. The start checks this list, docs/operating.md shows it,
/// and the tests run the service with exactly these rights. Migrations need a role that owns the tables.
/// </summary>
public static class ServingRights
{
    private const string Read = "SELECT";
    private const string Add = "SELECT, INSERT";
    private const string Change = "SELECT, INSERT, UPDATE";
    private const string Replace = "SELECT, INSERT, UPDATE, DELETE";

    // The columns that the service changes. A key's rights and owner and a usage's poster are not among them.
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
        + "entry_count, promo_expires_at, updated_at, deleted_at, signed_up_at, held_cents, holds_expire_at, "
        + "holds_version)";

    private const string ChangeOfHolds =
        $"{Add}, UPDATE (state, requested_cents, held_cents, settled_cents, expires_at, closed_at, settled_late_at, "
        + "release_reason, closed_by)";

    private const string ChangeOfVirtualKeys =
        $"{Add}, UPDATE (status, is_blocked, key_hash, key_name, updated_at, revoked_at, checked_at, last_error)";

    /// <summary>The tables with the rights on them, in the syntax of GRANT.</summary>
    public static IReadOnlyDictionary<string, string> ByTable { get; } = new SortedDictionary<string, string>(
        StringComparer.Ordinal)
    {
        [MigrationHistory.Table] = Read,
        ["account_balances"] = Read,
        ["account_totals"] = Change,
        ["actors"] = Add,
        // A trigger counts changes of keys here, with the rights of the role that changes them.
        ["api_key_changes"] = "SELECT, UPDATE",
        ["api_keys"] = ChangeOfApiKeys,
        ["audit_log"] = Add,
        ["budget_transactions"] = Add,
        ["holds"] = ChangeOfHolds,
        ["idempotency_keys"] = Add,
        ["ledger_checkpoint"] = Change,
        ["ledger_checkpoint_accounts"] = Replace,
        ["ledger_entries"] = Add,
        ["ledger_entry_digests"] = Change,
        ["ledger_faults"] = ChangeOfFaults,
        ["ledger_integrity"] = Read,
        // The trigger on ledger_entries writes here with the rights of the inserting role.
        ["ledger_open_transactions"] = "INSERT",
        // Writers take turns by locking this table. PostgreSQL requires UPDATE for that lock.
        ["ledger_origin"] = "SELECT, UPDATE",
        ["outbox"] = Replace,
        ["llm_usage"] = ChangeOfUsages,
        ["model_prices"] = Add,
        ["price_cancellations"] = Add,
        ["price_versions"] = Add,
        ["provider_usage_costs"] = Change,
        ["usage_aliases"] = Add,
        ["user_budgets"] = ChangeOfBudgets,
        ["user_ledger_balances"] = Read,
        ["virtual_keys"] = ChangeOfVirtualKeys,
    };

    /// <summary>Builds the statement that grants a role rights on a table.</summary>
    public static string Grant(string rights, string table, string role) =>
        $"GRANT {rights} ON {Quote(table)} TO {Quote(role)};";

    // Leaves out tables that lack one of the columns: their schema is not migrated yet.
    private const string FindTables = """
        SELECT n.name FROM unnest($1, $2) AS n (name, rights), to_regclass(quote_ident(n.name)) AS found
        WHERE found IS NOT NULL AND NOT EXISTS (
            SELECT FROM unnest(string_to_array(substring(n.rights FROM '\((.*)\)'), ', ')) AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = found AND a.attname = needed AND NOT a.attisdropped))
        """;

    /// <summary>Grants a role these rights on the existing tables, and revokes all others.</summary>
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
        // One message runs as one transaction.
        await using var give = new NpgsqlCommand(string.Join(' ', grants), connection);
        await give.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Quotes an SQL name if it would mean another name without quotes.</summary>
    public static string Quote(string name) =>
        name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_') && !char.IsAsciiDigit(name[0])
            ? name
            : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
