using System.Data;
using Factumerit.Ledger.Storage;
using Npgsql;

namespace Factumerit.Ledger.Reading;

/// <summary>
/// Holds everything that is stored against the entries, in one read-only snapshot: each rule that can be broken by a bug, a restore or a hand
/// in the database is looked for, and each breach is a fault with a name.
/// </summary>
public sealed class IntegrityCheck(LedgerDatabase database)
{
    /// <summary>At most so many faults of one kind are listed.</summary>
    public const int FaultsMaxPerKind = 100;

    // A sum that is no number has no decimal to show it; the entry that spoils it is a fault of its own.
    private const string Totals = """
        SELECT coalesce(nullif(total_debits, 'NaN'), 0), coalesce(nullif(total_credits, 'NaN'), 0), coalesce(nullif(imbalance, 'NaN'), 0),
               (SELECT count(*) FROM ledger_entries), (SELECT count(DISTINCT transaction_id) FROM ledger_entries)
        FROM ledger_integrity
        """;

    // Each finds rows (id, detail); the kind is the name of the fault. docs/operating.md explains them.
    private static readonly (string Kind, string Sql)[] Checks =
    [
        ("unbalanced-transaction", """
            SELECT transaction_id::text, 'R1: credits exceed debits by ' || trim_scale(sum(credit_cents) - sum(debit_cents)) || ' cents'
            FROM ledger_entries GROUP BY transaction_id HAVING sum(debit_cents) IS DISTINCT FROM sum(credit_cents)
            """),
        ("invalid-entry", """
            SELECT id::text, 'R2: debit ' || debit_cents || ', credit ' || credit_cents || ' on ' || account
            FROM ledger_entries
            WHERE NOT (debit_cents <> 'NaN' AND credit_cents <> 'NaN' AND
                       ((debit_cents > 0 AND credit_cents = 0) OR (debit_cents = 0 AND credit_cents > 0)))
            """),
        ("budget-mismatch", """
            SELECT coalesce(b.user_id, l.user_id), 'R3: the budget is ' || coalesce(trim_scale(b.balance_cents)::text, 'missing') || ', the ledger says '
                   || trim_scale(coalesce(l.balance_cents, 0) + coalesce(b.opening_cents, 0))
            FROM user_budgets b FULL JOIN user_ledger_balances l ON l.user_id = b.user_id
            WHERE b.balance_cents IS DISTINCT FROM coalesce(l.balance_cents, 0) + coalesce(b.opening_cents, 0)
            """),
        ("history-mismatch", """
            SELECT b.user_id, 'R3: the budget is ' || trim_scale(b.balance_cents) || ', its last legacy row says ' || trim_scale(t.balance_after)
            FROM user_budgets b
            CROSS JOIN LATERAL (SELECT id, balance_after FROM budget_transactions WHERE user_id = b.user_id ORDER BY id DESC LIMIT 1) t
            WHERE t.id > (SELECT last_budget_transaction_id FROM ledger_origin) AND t.balance_after <> b.balance_cents
            """),
        ("history-missing", """
            SELECT e.account, 'R14: ' || e.entries || ' entries since the ledger began, ' || coalesce(t.rows, 0) || ' legacy rows'
            FROM (SELECT account, count(*) AS entries FROM ledger_entries
                  WHERE account >= 'user:' AND account < 'user;' AND id > (SELECT last_entry_id FROM ledger_origin) GROUP BY account) e
            LEFT JOIN (SELECT 'user:' || user_id AS account, count(*) AS rows FROM budget_transactions
                       WHERE id > (SELECT last_budget_transaction_id FROM ledger_origin) GROUP BY user_id) t USING (account)
            WHERE e.entries <> coalesce(t.rows, 0)
            """),
        ("usage-mismatch", """
            SELECT u.id::text, 'usage of ' || trim_scale(u.user_price_cents) || ' cents, but its transaction took ' || coalesce(trim_scale(e.debit_cents)::text, 'nothing')
            FROM llm_usage u
            LEFT JOIN ledger_entries e ON e.transaction_id = u.transaction_id AND e.account = 'user:' || u.user_id
            WHERE coalesce(e.debit_cents, 0) IS DISTINCT FROM u.user_price_cents
            """),
        ("total-mismatch", """
            SELECT coalesce(t.account, e.account), 'the kept total is ' || coalesce(trim_scale(t.credits_cents - t.debits_cents)::text, 'missing') || ', the entries say '
                   || coalesce(trim_scale(e.credits - e.debits)::text, 'nothing')
            FROM (SELECT account, debits_cents, credits_cents, entry_count FROM account_totals
                  UNION ALL
                  SELECT 'user:' || user_id, debits_cents, credits_cents, entry_count FROM user_budgets WHERE entry_count <> 0) t
            FULL JOIN (SELECT account, total_debits AS debits, total_credits AS credits, entry_count FROM account_balances
                       UNION ALL
                       SELECT 'user:*', sum(total_debits), sum(total_credits), sum(entry_count) FROM account_balances
                       WHERE account >= 'user:' AND account < 'user;' HAVING count(*) > 0) e ON e.account = t.account
            WHERE (t.debits_cents, t.credits_cents, t.entry_count) IS DISTINCT FROM (e.debits, e.credits, e.entry_count::bigint)
            """),
        ("time-reversed", """
            SELECT id::text, 'R13: recorded at ' || created_at || ', after an entry of ' || before
            FROM (SELECT id, created_at, lag(created_at) OVER (ORDER BY id) AS before FROM ledger_entries
                  WHERE id > (SELECT last_entry_id FROM ledger_origin)) e
            WHERE created_at < before
            """),
        ("deleted-with-balance", """
            SELECT user_id, 'R11: deleted, yet the budget is ' || trim_scale(balance_cents) FROM user_budgets WHERE deleted_at IS NOT NULL AND balance_cents <> 0
            """),
    ];

    /// <summary>Reads everything. It takes time in proportion to the number of entries, and holds up no writer.</summary>
    public async Task<IntegrityReport> RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.Readers.OpenConnectionAsync(cancellationToken);
        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("SET TRANSACTION READ ONLY"), new(Totals) }, Timeout = 600 };
        foreach (var (_, sql) in Checks)
            batch.BatchCommands.Add(new($"{sql} LIMIT {FaultsMaxPerKind}"));

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (debits, credits, imbalance) = (reader.GetDecimal(0), reader.GetDecimal(1), reader.GetDecimal(2));
        var (entryCount, transactionCount) = (reader.GetInt64(3), reader.GetInt64(4));
        var faults = new List<IntegrityFault>();
        foreach (var (kind, _) in Checks)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                faults.Add(new IntegrityFault(kind, reader.GetString(0), reader.GetString(1)));
        }
        return new IntegrityReport(imbalance == 0 && faults.Count == 0, debits, credits, imbalance, entryCount, transactionCount, faults);
    }
}
