namespace Factumerit.Ledger.Reading;

/// <summary>
/// The statements of <see cref="IntegrityCheck"/>. All take where to begin: behind the entry with the id $1, committed at $2, and the
/// legacy row with the id $3; beginning at 0 is a full check. docs/accounting.md explains each kind of fault.
/// </summary>
internal static class IntegritySql
{
    public const string Checkpoint = "SELECT entry_id, entry_created_at, budget_transaction_id, fully_checked_at FROM ledger_checkpoint";

    // A sum that is no number has no decimal to show it; the entry that spoils it is a fault of its own.
    public const string Totals = """
        SELECT coalesce(nullif(sum(debit_cents), 'NaN'), 0) + coalesce(max(c.total_debits), 0), coalesce(nullif(sum(credit_cents), 'NaN'), 0) + coalesce(max(c.total_credits), 0),
               count(e.id) + coalesce(max(c.entry_count), 0), count(DISTINCT e.transaction_id) + coalesce(max(c.transaction_count), 0)
        FROM (SELECT id, transaction_id, debit_cents, credit_cents FROM ledger_entries WHERE id > $1) e
        FULL JOIN (SELECT * FROM ledger_checkpoint WHERE $1 > 0) c ON false
        """;

    // The sums of every account: those of the checkpoint, and what came after it.
    private const string Truth = """
        truth AS (
            SELECT account, sum(debits) AS debits, sum(credits) AS credits, sum(entries)::bigint AS entries FROM (
                SELECT account, sum(debit_cents) AS debits, sum(credit_cents) AS credits, count(*) AS entries FROM ledger_entries WHERE id > $1 GROUP BY account
                UNION ALL
                SELECT account, debits_cents, credits_cents, entry_count FROM ledger_checkpoint_accounts WHERE $1 > 0) parts
            GROUP BY account)
        """;

    private const string LaterLegacyRows = "SELECT * FROM budget_transactions WHERE id > greatest($3, (SELECT last_budget_transaction_id FROM ledger_origin))";

    private const string LaterEntries = "SELECT * FROM ledger_entries WHERE id > greatest($1, (SELECT last_entry_id FROM ledger_origin))";

    // A usage's id is a UUIDv7 made from the time of its commit: those of later commits begin with its milliseconds, or more. An older one may have been
    // billed since, by its review.
    private const string LaterUsages = """
        SELECT * FROM llm_usage WHERE id >= (SELECT coalesce(
            (lpad(to_hex(floor(extract(epoch FROM $2) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid, '00000000-0000-0000-0000-000000000000')) OR reviewed_at >= $2
        """;

    public static readonly string[] Checks =
    [
        // R1
        """
        SELECT 'unbalanced-transaction', transaction_id::text, 'R1: credits exceed debits by ' || trim_scale(sum(credit_cents) - sum(debit_cents)) || ' cents'
        FROM ledger_entries WHERE id > $1 GROUP BY transaction_id HAVING sum(debit_cents) IS DISTINCT FROM sum(credit_cents)
        """,
        // R2
        """
        SELECT 'invalid-entry', id::text, 'R2: debit ' || debit_cents || ', credit ' || credit_cents || ' on ' || account
        FROM ledger_entries
        WHERE id > $1 AND NOT (debit_cents <> 'NaN' AND credit_cents <> 'NaN'
                               AND ((debit_cents > 0 AND credit_cents = 0) OR (debit_cents = 0 AND credit_cents > 0)))
        """,
        // R3: budgets against the ledger. The sums kept beside them are held against the entries in the same pass.
        $"""
        WITH {Truth}
        SELECT k.kind, coalesce(b.user_id, substr(t.account, 6)), k.detail
        FROM (SELECT * FROM truth WHERE account >= 'user:' AND account < 'user;') t
        FULL JOIN user_budgets b ON 'user:' || b.user_id = t.account
        CROSS JOIN LATERAL (
            SELECT 'budget-mismatch' AS kind,
                   'R3: the budget is ' || coalesce(trim_scale(b.balance_cents)::text, 'missing') || ', the ledger says '
                   || trim_scale(coalesce(t.credits - t.debits, 0) + coalesce(b.opening_cents, 0)) AS detail
            WHERE b.balance_cents IS DISTINCT FROM coalesce(t.credits - t.debits, 0) + coalesce(b.opening_cents, 0)
            UNION ALL
            SELECT 'total-mismatch', 'the kept sums are ' || trim_scale(b.debits_cents) || ' and ' || trim_scale(b.credits_cents) || ' in ' || b.entry_count
                   || ' entries, the entries say ' || trim_scale(coalesce(t.debits, 0)) || ' and ' || trim_scale(coalesce(t.credits, 0)) || ' in ' || coalesce(t.entries, 0)
            WHERE (b.debits_cents, b.credits_cents, b.entry_count) IS DISTINCT FROM (coalesce(t.debits, 0), coalesce(t.credits, 0), coalesce(t.entries, 0))
                  AND b.user_id IS NOT NULL) k
        """,
        $"""
        WITH {Truth},
        system_truth AS (
            SELECT CASE WHEN account >= 'user:' AND account < 'user;' THEN 'user:*' ELSE account END AS account,
                   sum(debits) AS debits, sum(credits) AS credits, sum(entries)::bigint AS entries
            FROM truth GROUP BY 1)
        SELECT 'total-mismatch', coalesce(t.account, e.account), 'the kept total is ' || coalesce(trim_scale(t.credits_cents - t.debits_cents)::text, 'missing')
               || ', the entries say ' || coalesce(trim_scale(e.credits - e.debits)::text, 'nothing')
        FROM account_totals t FULL JOIN system_truth e ON e.account = t.account
        WHERE (t.debits_cents, t.credits_cents, t.entry_count) IS DISTINCT FROM (e.debits, e.credits, e.entries)
        """,
        // R3, R14: the history of the system before
        $"""
        SELECT 'history-mismatch', b.user_id, 'R3: the budget is ' || trim_scale(b.balance_cents) || ', its last legacy row says ' || trim_scale(t.balance_after)
        FROM (SELECT DISTINCT ON (user_id) user_id, balance_after FROM ({LaterLegacyRows}) l ORDER BY user_id, id DESC) t
        JOIN user_budgets b ON b.user_id = t.user_id
        WHERE t.balance_after <> b.balance_cents
        """,
        $"""
        SELECT 'history-missing', coalesce(e.user_id, t.user_id), 'R14: ' || coalesce(e.entries, 0) || ' entries, ' || coalesce(t.rows, 0) || ' legacy rows since the last check'
        FROM (SELECT substr(account, 6) AS user_id, count(*) AS entries FROM ({LaterEntries}) l WHERE account >= 'user:' AND account < 'user;' GROUP BY account) e
        FULL JOIN (SELECT user_id, count(*) AS rows FROM ({LaterLegacyRows}) l GROUP BY user_id) t ON t.user_id = e.user_id
        WHERE e.entries IS DISTINCT FROM t.rows
        """,
        // R5, R9, R16: each usage moved what it says, which is nothing while it waits for review, and no call was charged without one
        $"""
        SELECT 'usage-mismatch', u.id::text, 'usage of ' || coalesce(trim_scale(u.user_price_cents)::text, 'no') || ' cents, but its transaction took '
               || coalesce(trim_scale(e.debit_cents)::text, 'nothing')
        FROM ({LaterUsages}) u
        LEFT JOIN ({LaterEntries}) e ON e.transaction_id = u.transaction_id AND e.account = 'user:' || u.user_id
        WHERE ($2 IS NULL OR greatest(u.created_at, u.reviewed_at) > $2) AND coalesce(e.debit_cents, 0) <> coalesce(u.user_price_cents, 0)
        """,
        $"""
        SELECT 'usage-missing', e.id::text, 'a call was charged to ' || e.account || ', but no usage tells of it'
        FROM ({LaterEntries}) e
        LEFT JOIN ({LaterUsages}) u ON u.transaction_id = e.transaction_id
        WHERE e.reference_type = 'llm_call' AND e.account >= 'user:' AND e.account < 'user;' AND u.transaction_id IS NULL
        """,
        // R19: what all usage of a provider cost. A full check alone, as it reads every usage.
        """
        SELECT 'provider-cost', coalesce(c.provider, u.provider), 'R19: the kept cost is ' || coalesce(trim_scale(c.cost_usd)::text, 'missing')
               || ' dollars, the usages say ' || coalesce(trim_scale(u.cost_usd)::text, 'nothing')
        FROM provider_usage_costs c
        FULL JOIN (SELECT provider, sum(provider_cost_usd) AS cost_usd FROM llm_usage WHERE provider IS NOT NULL AND provider_cost_usd IS NOT NULL GROUP BY provider) u
            ON u.provider = c.provider
        WHERE $1 = 0 AND c.cost_usd IS DISTINCT FROM u.cost_usd
        """,
        // R11
        """
        SELECT 'deleted-with-balance', user_id, 'R11: deleted, yet the budget is ' || trim_scale(balance_cents)
        FROM user_budgets WHERE deleted_at IS NOT NULL AND balance_cents <> 0
        """,
        // R13
        $"""
        SELECT 'time-reversed', id::text, 'R13: recorded at ' || created_at || ', after an entry of ' || before
        FROM (SELECT id, created_at, coalesce(lag(created_at) OVER (ORDER BY id), $2) AS before FROM ({LaterEntries}) l) e
        WHERE created_at < before
        """,
    ];

    public const string ForgetAccounts = "DELETE FROM ledger_checkpoint_accounts WHERE $1 = 0";

    public const string AdvanceAccounts = """
        INSERT INTO ledger_checkpoint_accounts AS c (account, debits_cents, credits_cents, entry_count)
        SELECT account, sum(debit_cents), sum(credit_cents), count(*) FROM ledger_entries WHERE id > $1 GROUP BY account
        ON CONFLICT (account) DO UPDATE SET debits_cents = c.debits_cents + excluded.debits_cents,
            credits_cents = c.credits_cents + excluded.credits_cents, entry_count = c.entry_count + excluded.entry_count
        """;

    // $4 to $7: the totals of the report.
    public const string AdvanceCheckpoint = """
        INSERT INTO ledger_checkpoint (entry_id, entry_created_at, budget_transaction_id, total_debits, total_credits, entry_count, transaction_count,
                                       checked_at, fully_checked_at)
        SELECT coalesce(e.id, $1), coalesce(e.created_at, $2), coalesce((SELECT max(id) FROM budget_transactions), $3),
               $4, $5, $6, $7, now(), now()
        FROM (VALUES (1)) one
        LEFT JOIN LATERAL (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) e ON true
        ON CONFLICT (id) DO UPDATE SET entry_id = excluded.entry_id, entry_created_at = excluded.entry_created_at,
            budget_transaction_id = excluded.budget_transaction_id, total_debits = excluded.total_debits,
            total_credits = excluded.total_credits, entry_count = excluded.entry_count, transaction_count = excluded.transaction_count,
            checked_at = excluded.checked_at,
            fully_checked_at = CASE WHEN $1 = 0 THEN excluded.fully_checked_at ELSE ledger_checkpoint.fully_checked_at END
        RETURNING checked_at
        """;
}
