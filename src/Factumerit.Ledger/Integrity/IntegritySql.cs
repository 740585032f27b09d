using System.Globalization;
using Factumerit.Ledger.Storage;

namespace Factumerit.Ledger.Integrity;

/// <summary>
/// The statements of <see cref="IntegrityCheck"/>. Each takes its starting point as parameters, so the planner knows
/// how much there is to read. A full check starts at 0.
/// <para>
/// $1: the last entry of the checkpoint. $2: the time of that entry's commit. $3: the last legacy row of the
/// checkpoint. $4 and $5: the same entry and row, but not before the ledger began. $6: the smallest possible id of a
/// usage recorded since then. $7: the maximum age, in transaction ids, of a budget row that may have changed since;
/// null for all budgets. $8: the last entry in the digests.
/// </para>
/// <para>
/// Each returns the kind, id and detail of faults, up to a maximum. Transactions and Accounts add figures of the report
/// to every row, and return one row of nulls if there is no fault. docs/accounting.md explains each kind of fault.
/// </para>
/// </summary>
internal static class IntegritySql
{
    private static readonly string FaultsMax = IntegrityCheck.FaultsMaxPerKind.ToString(CultureInfo.InvariantCulture);

    // The upper bounds are always true. Without statistics the planner would estimate a third of the table; a range
    // with two bounds makes it expect few rows.
    private const string LaterEntries = "id > $1 AND id < 9223372036854775807";
    private const string LaterEntriesOfOurs = "id > $4 AND id < 9223372036854775807";
    private const string LaterHistory = "id > $5 AND id < 9223372036854775807";

    // A checkpoint without the sum over all users was written by an older version and is ignored: everything is read
    // again. Transaction ids are valid only in the cluster that assigned them, and for half their range. A checkpoint
    // that was restored from a dump is detected because its xmin differs from written_by. A fault resolved since the
    // last full check makes a full check due, because the fault may still be true.
    public const string Checkpoint = """
        SELECT coalesce(c.entry_id, 0), c.entry_created_at, coalesce(c.budget_transaction_id, 0), c.fully_checked_at,
               o.last_entry_id, o.last_budget_transaction_id,
               CASE WHEN c.xmin = c.written_by::xid
                         AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - c.unseen_from::text::bigint
                             BETWEEN 0 AND 2000000000
                    THEN age(c.unseen_from::xid) END,
               coalesce((SELECT max(last_entry_id) FROM ledger_entry_digests), 0),
               EXISTS (SELECT FROM ledger_faults WHERE resolved_at >= c.fully_checked_at),
               clock_timestamp(), CASE WHEN newest.id > o.last_entry_id THEN newest.id END, newest.created_at
        FROM ledger_origin o
        LEFT JOIN ledger_checkpoint c ON EXISTS (SELECT FROM ledger_checkpoint_accounts WHERE account = 'user:*')
        LEFT JOIN (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) newest ON true
        """;

    // R1. Nearly all transactions have two entries. Such a pair is balanced if minimum and maximum of both sides are
    // equal, which takes half the time of adding up. Only the other transactions are added up.
    public static readonly string Transactions = $"""
        WITH later AS MATERIALIZED (
            SELECT transaction_id, count(*) = 2 AND min(debit_cents) = min(credit_cents)
                                   AND max(debit_cents) = max(credit_cents) AS is_balanced_pair
            FROM ledger_entries WHERE {LaterEntries} GROUP BY transaction_id),
        faults AS MATERIALIZED (
            SELECT 'unbalanced-transaction' AS kind, transaction_id::text AS id,
                   'R1: credits exceed debits by ' || trim_scale(sum(credit_cents) - sum(debit_cents))
                   || ' cents' AS detail
            FROM ledger_entries
            WHERE {LaterEntries} AND transaction_id IN (SELECT transaction_id FROM later WHERE NOT is_balanced_pair)
            GROUP BY transaction_id HAVING sum(debit_cents) IS DISTINCT FROM sum(credit_cents))
        SELECT f.kind, f.id, f.detail,
               n.later + coalesce((SELECT transaction_count FROM ledger_checkpoint WHERE $1 > 0), 0)
        FROM (SELECT count(*) AS later FROM later) n LEFT JOIN (SELECT * FROM faults LIMIT {FaultsMax}) f ON true
        """;

    // R2
    public const string Entries = $"""
        SELECT 'invalid-entry', id::text,
               'R2: debit ' || debit_cents || ', credit ' || credit_cents || ' on ' || account
        FROM ledger_entries
        WHERE {LaterEntries} AND NOT (debit_cents <> 'NaN' AND credit_cents <> 'NaN'
                               AND ((debit_cents > 0 AND credit_cents = 0) OR (debit_cents = 0 AND credit_cents > 0)))
        """;

    // R3: compares the stored totals, the budgets and the sums in their rows with the ledger. R3 and R14: checks the
    // history in the format of the system before the ledger. The report's sums leave out NaN, which a decimal can't
    // hold; an entry with NaN is a fault of its own.
    public static readonly string Accounts = $"""
        -- Amounts of 0 are not added: every entry has one.
        WITH later AS MATERIALIZED (
            SELECT account, coalesce(sum(debit_cents) FILTER (WHERE debit_cents <> 0), 0) AS debits,
                   coalesce(sum(credit_cents) FILTER (WHERE credit_cents <> 0), 0) AS credits, count(*) AS entries,
                   count(*) FILTER (WHERE id > $4) AS entries_since_origin
            FROM ledger_entries WHERE {LaterEntries} GROUP BY account),
        later_users AS (SELECT * FROM later WHERE account >= 'user:' AND account < 'user;'),
        history AS MATERIALIZED (
            SELECT h.user_id, h.rows, t.balance_after
            FROM (SELECT user_id, count(*) AS rows, max(id) AS last_id
                  FROM budget_transactions WHERE {LaterHistory} GROUP BY user_id) h
            JOIN (SELECT id, balance_after FROM budget_transactions WHERE {LaterHistory}) t ON t.id = h.last_id),
        -- The sums of each system account, and of all users together: the checkpoint plus the later entries.
        system_truth AS MATERIALIZED (
            SELECT account, sum(debits) AS debits, sum(credits) AS credits, sum(entries)::bigint AS entries
            FROM (SELECT account, debits_cents, credits_cents, entry_count FROM ledger_checkpoint_accounts
                  WHERE $1 > 0 AND (account < 'user:' OR account = 'user:*' OR account >= 'user;')
                  UNION ALL
                  SELECT CASE WHEN account >= 'user:' AND account < 'user;' THEN 'user:*' ELSE account END,
                         debits, credits, entries FROM later)
                 s (account, debits, credits, entries)
            GROUP BY account),
        totals AS (
            SELECT 'total-mismatch' AS kind, coalesce(t.account, e.account) AS id,
                   'the kept total is ' || coalesce(trim_scale(t.credits_cents - t.debits_cents)::text, 'missing')
                   || ', the entries say ' || coalesce(trim_scale(e.credits - e.debits)::text, 'nothing') AS detail
            FROM account_totals t FULL JOIN system_truth e ON e.account = t.account
            -- A missing total counts as 0: a new ledger without users has none.
            WHERE (coalesce(t.debits_cents, 0), coalesce(t.credits_cents, 0), coalesce(t.entry_count, 0))
                  IS DISTINCT FROM (coalesce(e.debits, 0), coalesce(e.credits, 0), coalesce(e.entries, 0))),
        -- The budgets whose current row no check has read. There are as many budgets as users, but few of them changed.
        changed AS (
            SELECT b.*, coalesce(c.account, 'user:' || b.user_id) AS account,
                   coalesce(c.debits_cents, 0) AS checked_debits, coalesce(c.credits_cents, 0) AS checked_credits,
                   coalesce(c.entry_count, 0) AS checked_entries
            FROM (SELECT * FROM ledger_checkpoint_accounts
                  WHERE $1 > 0 AND account >= 'user:' AND account < 'user;' AND account <> 'user:*') c
            FULL JOIN user_budgets b ON 'user:' || b.user_id = c.account
            WHERE $7 IS NULL OR age(b.xmin) <= $7),
        -- The changed budgets that differ from the ledger or from their history.
        suspects AS MATERIALIZED (
            SELECT coalesce(b.user_id, substr(coalesce(b.account, l.account), 6)) AS user_id, b.balance_cents,
                   b.opening_cents, b.debits_cents, b.credits_cents, b.entry_count, h.balance_after,
                   coalesce(b.checked_debits, 0) + coalesce(l.debits, 0) AS debits,
                   coalesce(b.checked_credits, 0) + coalesce(l.credits, 0) AS credits,
                   coalesce(b.checked_entries, 0) + coalesce(l.entries, 0) AS entries
            FROM changed b
            FULL JOIN later_users l ON l.account = b.account
            LEFT JOIN history h ON h.user_id = b.user_id
            WHERE b.balance_cents IS DISTINCT FROM b.credits_cents - b.debits_cents + b.opening_cents
               OR b.balance_cents IS NULL
               OR h.balance_after <> b.balance_cents
               OR (b.debits_cents, b.credits_cents, b.entry_count) IS DISTINCT FROM (
                   b.checked_debits + coalesce(l.debits, 0), b.checked_credits + coalesce(l.credits, 0),
                   b.checked_entries + coalesce(l.entries, 0))),
        -- A deleted budget row is not among the changed budgets, but its entries are missing from the sum.
        gone AS (
            SELECT 'budget-mismatch', 'user:*',
                   'R3: the budgets have ' || b.entries || ' entries, the ledger ' || e.entries
            FROM (SELECT coalesce(sum(entry_count), 0) AS entries FROM user_budgets) b,
                 (SELECT coalesce(sum(entries), 0) AS entries FROM system_truth WHERE account = 'user:*') e
            WHERE $7 IS NOT NULL AND b.entries <> e.entries),
        budget_faults AS (
            SELECT k.kind, user_id, k.detail
            FROM (SELECT *, credits - debits + coalesce(opening_cents, 0) AS expected_cents FROM suspects) s
            CROSS JOIN LATERAL (
                SELECT 'budget-mismatch' AS kind,
                       'R3: the budget is ' || coalesce(trim_scale(balance_cents)::text, 'missing')
                       || ', the ledger says ' || trim_scale(expected_cents) AS detail
                WHERE balance_cents IS DISTINCT FROM expected_cents
                UNION ALL
                SELECT 'total-mismatch',
                       'the kept sums are ' || trim_scale(debits_cents) || ' and ' || trim_scale(credits_cents)
                       || ' in ' || entry_count || ' entries, the entries say ' || trim_scale(debits)
                       || ' and ' || trim_scale(credits) || ' in ' || entries
                WHERE (debits_cents, credits_cents, entry_count) IS DISTINCT FROM (debits, credits, entries)
                  AND entry_count IS NOT NULL) k),
        history_mismatches AS (
            SELECT 'history-mismatch', user_id,
                   'R3: the budget is ' || trim_scale(balance_cents)
                   || ', its last legacy row says ' || trim_scale(balance_after)
            FROM suspects WHERE balance_after <> balance_cents),
        history_missing AS (
            SELECT 'history-missing', coalesce(substr(e.account, 6), h.user_id),
                   'R14: ' || coalesce(e.entries_since_origin, 0) || ' entries, '
                   || coalesce(h.rows, 0) || ' legacy rows since the last check'
            FROM (SELECT * FROM later_users WHERE entries_since_origin > 0) e
            FULL JOIN history h ON 'user:' || h.user_id = e.account
            WHERE e.entries_since_origin IS DISTINCT FROM h.rows),
        faults AS (
            SELECT * FROM (SELECT * FROM totals UNION ALL SELECT * FROM gone UNION ALL SELECT * FROM budget_faults
                           LIMIT {FaultsMax}) r3
            UNION ALL (SELECT * FROM history_mismatches LIMIT {FaultsMax})
            UNION ALL (SELECT * FROM history_missing LIMIT {FaultsMax}))
        SELECT f.kind, f.id, f.detail, s.debits, s.credits, s.entries
        FROM (SELECT coalesce(sum(nullif(debits, 'NaN')), 0) AS debits,
                     coalesce(sum(nullif(credits, 'NaN')), 0) AS credits,
                     coalesce(sum(entries), 0)::bigint AS entries FROM system_truth) s
        LEFT JOIN faults f ON true
        """;

    // The usages recorded since the checkpoint, and older ones that were reviewed or filled since. A usage's id is a
    // UUIDv7 with the time of its commit.
    private const string LaterUsages = """
        SELECT * FROM llm_usage WHERE id >= $6 AND id < 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        UNION ALL
        SELECT * FROM llm_usage WHERE reviewed_at >= $2 AND reviewed_at < 'infinity' AND id < $6
        UNION ALL
        SELECT * FROM llm_usage WHERE filled_at >= $2 AND filled_at < 'infinity' AND id < $6
            AND (reviewed_at IS NULL OR reviewed_at < $2)
        """;

    /// <summary>The checks of the other rules. Each returns only its faults.</summary>
    public static readonly string[] Checks =
    [
        // R5, R9, R16: each usage moved its own amount under its own request id, or nothing while it waits for review,
        // and no call was charged without a usage
        $"""
        SELECT CASE WHEN u.id IS NULL THEN 'usage-missing' ELSE 'usage-mismatch' END, coalesce(u.id::text, e.id::text),
               CASE WHEN u.id IS NULL THEN 'a call was charged to ' || e.account || ', but no usage tells of it'
                    WHEN e.debit_cents = u.user_price_cents THEN 'usage of the request ' || u.request_id
                         || ', but its entries are of ' || coalesce(e.reference_id, 'none')
                         || ' or have another description'
                    ELSE 'usage of ' || coalesce(trim_scale(u.user_price_cents)::text, 'no')
                         || ' cents, but its transaction took '
                         || coalesce(trim_scale(e.debit_cents)::text, 'nothing') END
        FROM ({LaterUsages}) u
        FULL JOIN (SELECT * FROM ledger_entries
                   WHERE {LaterEntriesOfOurs} AND reference_type = 'llm_call'
                     AND account >= 'user:' AND account < 'user;') e
            ON e.transaction_id = u.transaction_id AND e.account = 'user:' || u.user_id
        WHERE u.id IS NULL
           OR (($2 IS NULL OR greatest(u.created_at, u.reviewed_at, u.filled_at) > $2)
               AND coalesce(e.debit_cents, 0) <> coalesce(u.user_price_cents, 0))
           OR (e.id IS NOT NULL AND (e.reference_id, e.description) IS DISTINCT FROM (u.request_id, u.description))
        """,
        // R19: the write-downs from usage are not greater than its cost
        """
        SELECT 'written-down', provider,
               'R19: ' || trim_scale(written_down_cents) || ' cents were written down from usage that cost '
               || trim_scale(cost_usd * 100)
        FROM provider_usage_costs WHERE written_down_cents > cost_usd * 100
        """,
        // R11
        """
        SELECT 'deleted-with-balance', user_id, 'R11: deleted, yet the budget is ' || trim_scale(balance_cents)
        FROM user_budgets WHERE deleted_at IS NOT NULL AND balance_cents <> 0
        """,
        // R3, R8: what all users had before the ledger, which is part of the headroom
        """
        SELECT 'opening-mismatch', 'user:*',
               'R8: ' || trim_scale(o.opening_cents) || ' cents from before the ledger count for the headroom, '
               || 'the budgets say ' || trim_scale(b.opening_cents)
        FROM ledger_origin o, (SELECT coalesce(sum(opening_cents), 0) AS opening_cents FROM user_budgets) b
        WHERE o.opening_cents <> b.opening_cents
        """,
        // R21, R23: what a budget holds is the sum over its open holds, and none of them expires before it says
        """
        SELECT 'hold-mismatch', coalesce(b.user_id, h.user_id),
               'R21: the budget holds ' || coalesce(trim_scale(b.held_cents)::text, 'nothing') || ' until '
               || coalesce(b.holds_expire_at::text, 'never') || ', the open holds '
               || coalesce(trim_scale(h.held_cents)::text, 'nothing') || ' until '
               || coalesce(h.expires_at::text, 'never')
        FROM (SELECT user_id, held_cents, holds_expire_at FROM user_budgets
              WHERE held_cents <> 0 OR holds_expire_at IS NOT NULL) b
        FULL JOIN (SELECT user_id, sum(held_cents) AS held_cents, min(expires_at) AS expires_at
                   FROM holds WHERE state = 'open' GROUP BY user_id) h ON h.user_id = b.user_id
        WHERE coalesce(b.held_cents, 0) <> coalesce(h.held_cents, 0)
           OR (h.expires_at IS NOT NULL AND (b.holds_expire_at IS NULL OR b.holds_expire_at > h.expires_at))
        """,
        // R13
        $"""
        SELECT 'time-reversed', id::text, 'R13: recorded at ' || created_at || ', after an entry of ' || before
        FROM (SELECT id, created_at, coalesce(lag(created_at) OVER (ORDER BY id), $2) AS before
              FROM ledger_entries WHERE {LaterEntriesOfOurs}) e
        WHERE created_at < before
        """,
    ];

    /// <summary>The checks that only a full check runs, because they read every usage and every entry.</summary>
    public static readonly string[] FullChecks =
    [
        .. TamperingSql.Checks,
        // R19: the stored cost of a provider equals the cost of all its usage.
        """
        SELECT 'provider-cost', coalesce(c.provider, u.provider),
               'R19: the kept cost is ' || coalesce(trim_scale(c.cost_usd)::text, 'missing')
               || ' dollars, the usages say ' || coalesce(trim_scale(u.cost_usd)::text, 'nothing')
        FROM provider_usage_costs c
        FULL JOIN (SELECT provider, sum(provider_cost_usd) AS cost_usd FROM llm_usage
                   WHERE provider IS NOT NULL AND provider_cost_usd IS NOT NULL GROUP BY provider) u
            ON u.provider = c.provider
        WHERE c.cost_usd IS DISTINCT FROM u.cost_usd
        """,
        // R19: the mark of the write-downs from usage equals the entries. An amount that is marked under an old name of
        // a vendor may have been booked under the vendor's own name.
        $"""
        SELECT 'written-down', coalesce(c.provider, e.provider),
               'R19: the mark is at ' || coalesce(trim_scale(c.written_down_cents)::text, 'nothing')
               || ' cents, the entries say ' || coalesce(trim_scale(e.cents)::text, 'nothing')
        FROM (SELECT {VendorSql.Of("provider")} AS provider, sum(written_down_cents) AS written_down_cents
              FROM provider_usage_costs WHERE written_down_cents <> 0 GROUP BY 1) c
        FULL JOIN (SELECT {VendorSql.Of("substr(account, 7)")} AS provider, sum(debit_cents) AS cents
                   FROM ledger_entries
                   WHERE id > $4 AND reference_type = 'write_down' AND reference_id = 'usage'
                     AND account LIKE 'asset:%' GROUP BY 1) e ON e.provider = c.provider
        WHERE c.written_down_cents IS DISTINCT FROM e.cents
        """,
    ];

    // Materialized, so the LIMIT does not change the plan of the check itself. Otherwise the planner would expect to
    // find the first faults early, and scan all old, correct rows along an index.
    public static string First(string check) =>
        $"WITH faults (kind, id, detail) AS MATERIALIZED ({check}) "
        + $"SELECT kind, id, detail FROM faults LIMIT {FaultsMax}";

    public const string ForgetAccounts = "DELETE FROM ledger_checkpoint_accounts WHERE $1 = 0";

    // After a check without faults the stored sums equal the entries. So the checkpoint copies the sums of the changed
    // budgets, and the totals of the system accounts and of all users, without adding up entries.
    public const string AdvanceAccounts = """
        INSERT INTO ledger_checkpoint_accounts AS c (account, debits_cents, credits_cents, entry_count)
        SELECT 'user:' || user_id, debits_cents, credits_cents, entry_count
        FROM user_budgets WHERE entry_count > 0 AND ($7 IS NULL OR age(xmin) <= $7)
        UNION ALL
        SELECT account, debits_cents, credits_cents, entry_count FROM account_totals WHERE account <> 'user:*'
        UNION ALL
        SELECT 'user:*', coalesce(sum(debits_cents), 0), coalesce(sum(credits_cents), 0), coalesce(sum(entry_count), 0)
        FROM account_totals WHERE account = 'user:*'
        ON CONFLICT (account) DO UPDATE SET debits_cents = excluded.debits_cents,
            credits_cents = excluded.credits_cents, entry_count = excluded.entry_count
        WHERE c.entry_count <> excluded.entry_count
        """;

    // The same after a check that found faults: the stored sums may be wrong, so the entries are added up again.
    public const string AdvanceAccountsByEntries = $"""
        WITH later AS (
            SELECT account, sum(debit_cents) AS debits, sum(credit_cents) AS credits, count(*) AS entries
            FROM ledger_entries WHERE {LaterEntries} GROUP BY account)
        INSERT INTO ledger_checkpoint_accounts AS c (account, debits_cents, credits_cents, entry_count)
        SELECT * FROM later
        UNION ALL
        SELECT 'user:*', coalesce(sum(debits), 0), coalesce(sum(credits), 0), coalesce(sum(entries), 0)
        FROM later WHERE account >= 'user:' AND account < 'user;'
        ON CONFLICT (account) DO UPDATE SET debits_cents = c.debits_cents + excluded.debits_cents,
            credits_cents = c.credits_cents + excluded.credits_cents, entry_count = c.entry_count + excluded.entry_count
        """;

    // $9 to $12: the totals of the report.
    public const string AdvanceCheckpoint = """
        INSERT INTO ledger_checkpoint (entry_id, entry_created_at, budget_transaction_id, total_debits, total_credits,
                                       entry_count, transaction_count, checked_at, fully_checked_at, unseen_from,
                                       written_by)
        SELECT coalesce(e.id, $1), coalesce(e.created_at, $2), coalesce((SELECT max(id) FROM budget_transactions), $3),
               $9, $10, $11, $12, now(), now(), pg_snapshot_xmin(pg_current_snapshot()), pg_current_xact_id()
        FROM (VALUES (1)) one
        LEFT JOIN LATERAL (SELECT id, created_at FROM ledger_entries ORDER BY id DESC LIMIT 1) e ON true
        ON CONFLICT (id) DO UPDATE SET entry_id = excluded.entry_id, entry_created_at = excluded.entry_created_at,
            budget_transaction_id = excluded.budget_transaction_id, total_debits = excluded.total_debits,
            total_credits = excluded.total_credits, entry_count = excluded.entry_count,
            transaction_count = excluded.transaction_count, checked_at = excluded.checked_at,
            unseen_from = excluded.unseen_from, written_by = excluded.written_by,
            fully_checked_at = CASE WHEN $1 = 0 THEN excluded.fully_checked_at
                                    ELSE ledger_checkpoint.fully_checked_at END
        RETURNING checked_at
        """;
}
