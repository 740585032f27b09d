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

    /// <summary>Tables and the rights on them.</summary>
    public static IReadOnlyDictionary<string, string> ByTable { get; } = new SortedDictionary<string, string>(
        StringComparer.Ordinal)
    {
        [MigrationHistory.Table] = Read,
        ["account_totals"] = Change,
        ["actors"] = Add,
        // A trigger counts changes of keys here, with the rights of whoever changes them.
        ["api_key_changes"] = "SELECT, UPDATE",
        ["api_keys"] = Change,
        ["audit_log"] = Add,
        ["budget_transactions"] = Add,
        ["idempotency_keys"] = Add,
        ["ledger_checkpoint"] = Change,
        ["ledger_checkpoint_accounts"] = Replace,
        ["ledger_entries"] = Add,
        ["ledger_entry_digests"] = Change,
        ["ledger_faults"] = Change,
        // The trigger on ledger_entries writes here with the rights of whoever inserts.
        ["ledger_open_transactions"] = "INSERT",
        // Writers lock this table to take turns; PostgreSQL asks for UPDATE to let them.
        ["ledger_origin"] = "SELECT, UPDATE",
        ["litellm_outbox"] = Replace,
        ["llm_usage"] = Change,
        ["model_prices"] = Add,
        ["price_cancellations"] = Add,
        ["price_versions"] = Add,
        ["provider_usage_costs"] = Change,
        ["usage_aliases"] = Add,
        ["user_budgets"] = Change,
        ["virtual_keys"] = Change,
    };

    /// <summary>The statement that gives a role rights on a table.</summary>
    public static string Grant(string rights, string table, string role) =>
        $"GRANT {rights} ON {Quote(table)} TO {Quote(role)};";

    /// <summary>Gives a role these rights on the tables that are there, and takes all others from it.</summary>
    public static async Task GiveAsync(LedgerDatabase owner, string role, CancellationToken cancellationToken)
    {
        await using var connection = await owner.Readers.OpenConnectionAsync(cancellationToken);
        await using var find = new NpgsqlCommand(
            "SELECT name FROM unnest($1) AS name WHERE to_regclass(quote_ident(name)) IS NOT NULL", connection)
        {
            Parameters = { new() { Value = ByTable.Keys.ToArray() } },
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
