namespace Factumerit.Ledger.Integrity;

/// <summary>
/// The statements of a full check that detect changes made behind the service. They take the parameters of
/// <see cref="IntegritySql"/> and compare data that is stored twice. Sums of hashes replace sorting, because they don't
/// depend on the order of the rows.
/// </summary>
internal static class TamperingSql
{
    // One block covers 65,536 ids. The digest does not include columns that a later version adds.
    private const string DigestOfBlocks = """
        SELECT id >> 16 AS block, max(id) AS last_entry_id, count(*) AS entry_count,
               sum(hash_record_extended(ROW(id, transaction_id, account, debit_cents, credit_cents, description,
                   reference_type, reference_id, created_at), 0)) AS digest
        FROM ledger_entries
        """;

    /// <summary>Adds the entries that are not in a digest yet.</summary>
    public const string AdvanceDigests = $"""
        INSERT INTO ledger_entry_digests AS d (block, last_entry_id, entry_count, digest)
        {DigestOfBlocks} WHERE id > $8 AND id < 9223372036854775807 GROUP BY 1
        ON CONFLICT (block) DO UPDATE SET last_entry_id = excluded.last_entry_id,
            entry_count = d.entry_count + excluded.entry_count, digest = d.digest + excluded.digest
        """;

    public static readonly string[] Checks =
    [
        // R2: entries are unchanged since a check first read them
        $"""
        SELECT 'entries-changed', (d.block << 16) || '-' || (d.block << 16) + 65535,
               'R2: of the entries with these ids, ' || d.entry_count || ' were read by an earlier check, '
               || coalesce(e.entry_count, 0) || ' are there, and some are not what they were'
        FROM ledger_entry_digests d
        LEFT JOIN ({DigestOfBlocks} WHERE id <= $8 GROUP BY 1) e ON e.block = d.block
        WHERE (d.entry_count, d.digest) IS DISTINCT FROM (e.entry_count, e.digest)
        """,
        // R2: the entries of a transaction agree in description, reference and time
        """
        SELECT 'entry-changed', transaction_id::text, 'R2: its entries differ in description, reference or time'
        FROM (SELECT transaction_id,
                     hash_record_extended(ROW(description, reference_type, reference_id, created_at), 0) AS hash
              FROM ledger_entries WHERE id > $4) e
        GROUP BY transaction_id HAVING min(hash) <> max(hash)
        """,
        // R9: each operation with an idempotency key has a stored key whose answer names its transaction
        """
        SELECT 'key-missing', coalesce(e.transaction_id, k.operation || ' ' || k.key),
               CASE WHEN k.key IS NULL THEN 'R9: no idempotency key is kept for this ' || e.reference_type
                    ELSE 'R9: the kept answer names the transaction ' || k.transaction_id || ', which is not there' END
        FROM (SELECT transaction_id::text AS transaction_id, min(reference_type) AS reference_type FROM ledger_entries
              WHERE id > $4 AND reference_type IN ('admin_credit', 'purchase', 'write_down') GROUP BY 1) e
        FULL JOIN (SELECT * FROM (
                       SELECT operation, key,
                              coalesce(answer->>'transaction_id', answer->>'TransactionId') AS transaction_id
                       FROM idempotency_keys WHERE operation IN ('grant', 'purchase', 'write-down')) a
                   WHERE transaction_id IS NOT NULL) k
            ON k.transaction_id = e.transaction_id
        WHERE e.transaction_id IS NULL OR k.transaction_id IS NULL
        """,
        // R17: the first id of each usage that another system reported is an alias of a usage, maybe a different one
        """
        SELECT 'alias-missing', id::text, 'R17: nothing is kept under its id ' || external_id || ' at ' || source_system
        FROM llm_usage u
        WHERE external_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM usage_aliases a WHERE a.source_system = u.source_system AND a.external_id = u.external_id)
        """,
        // R15, R17: the usage of each alias exists
        """
        SELECT 'usage-missing', usage_id::text, 'R15: it is kept under the id ' || min(external_id) || ' at '
               || min(source_system) || ', but is not there'
        FROM usage_aliases a WHERE NOT EXISTS (SELECT FROM llm_usage u WHERE u.id = a.usage_id) GROUP BY usage_id
        """,
        // R14: since the ledger began, a user's history rows equal the entries, and their balances form a chain: the
        // balance before each row but the first is the balance after another row.
        """
        WITH entries AS (
            SELECT substr(account, 6) AS user_id, count(*) AS rows, sum(hash_record_extended(
                       ROW(credit_cents - debit_cents, reference_type, description, created_at), 0)) AS digest
            FROM ledger_entries WHERE id > $4 AND account >= 'user:' AND account < 'user;' GROUP BY account),
        history AS (
            SELECT user_id, count(*) AS rows, sum(amount_cents) AS amount_cents, sum(hash_record_extended(
                       ROW(amount_cents, transaction_type, description, created_at), 0)) AS digest,
                   sum(hash_numeric_extended(balance_after - amount_cents, 0)) AS before,
                   sum(hash_numeric_extended(balance_after, 0)) AS after
            FROM budget_transactions WHERE id > $5 GROUP BY user_id)
        SELECT 'history-mismatch', user_id, CASE WHEN h.digest <> e.digest
                   THEN 'R14: its legacy rows differ from its entries in an amount, type, description or time'
                   ELSE 'R14: the balances of its legacy rows do not follow from their amounts' END
        FROM history h JOIN entries e USING (user_id, rows) JOIN user_budgets b USING (user_id)
        WHERE h.digest <> e.digest
           OR before - after <> hash_numeric_extended(b.balance_cents - h.amount_cents, 0)::numeric
                                - hash_numeric_extended(b.balance_cents, 0)
        """,
        // The lifetime totals of each user
        """
        SELECT 'lifetime-mismatch', user_id, 'the budget says ' || trim_scale(total_spent_cents) || ' spent and '
               || trim_scale(total_added_cents) || ' added, the entries ' || trim_scale(spent) || ' and '
               || trim_scale(added)
        FROM (SELECT b.user_id, b.total_spent_cents, b.total_added_cents,
                     b.opening_spent_cents + coalesce(e.spent, 0) AS spent,
                     b.opening_added_cents + coalesce(e.added, 0) AS added
              FROM user_budgets b
              LEFT JOIN (SELECT account, sum(debit_cents) FILTER (WHERE reference_type = 'llm_call') AS spent,
                                sum(credit_cents) FILTER (WHERE reference_type IN ('initial', 'admin_credit')) AS added
                         FROM ledger_entries WHERE id > $4 AND account >= 'user:' AND account < 'user;'
                         GROUP BY account) e
                  ON e.account = 'user:' || b.user_id) u
        WHERE (total_spent_cents, total_added_cents) IS DISTINCT FROM (spent, added)
        """,
    ];
}
