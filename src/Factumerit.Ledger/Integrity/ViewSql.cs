namespace Factumerit.Ledger.Integrity;

/// <summary>
/// The checks that compare every stored total and budget with the three views over the entries. Only a full check runs
/// them, because each view adds up all entries. They also find a view that no longer says what the entries say.
/// </summary>
internal static class ViewSql
{
    /// <summary>The id of a fault in the sum of all totals.</summary>
    public const string AllTotals = "ledger";

    /// <summary>
    /// A view that is missing, or that lacks a column, as a fault. The other checks would fail on it, so they run only
    /// if this one finds nothing.
    /// </summary>
    public const string Damaged = """
        SELECT 'view-damaged', v.name, 'the view ' || v.name || ' lacks '
               || CASE WHEN to_regclass(v.name) IS NULL THEN 'all of its columns: it does not exist'
                       ELSE string_agg(c.name, ', ') END
        FROM (VALUES ('account_balances', '{account,balance_cents,total_debits,total_credits,entry_count}'::text[]),
                     ('user_ledger_balances', '{user_id,balance_cents}'),
                     ('ledger_integrity', '{total_debits,total_credits,imbalance}')) v (name, columns)
        CROSS JOIN unnest(v.columns) AS c (name)
        WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(v.name) AND a.attname = c.name
                          AND NOT a.attisdropped)
        GROUP BY v.name
        """;

    /// <summary>The checks, each for one view.</summary>
    public static readonly string[] Checks =
    [
        // account_balances: the totals of the system accounts, and the sums in the users' budgets. An account without
        // entries is not in the view.
        """
        WITH balances AS MATERIALIZED (
            SELECT *, account >= 'user:' AND account < 'user;' AS is_user FROM account_balances)
        SELECT 'total-mismatch',
               CASE WHEN v.is_user OR s.is_user THEN substr(coalesce(s.account, v.account), 6)
                    ELSE coalesce(s.account, v.account) END,
               'the kept sums are ' || coalesce(trim_scale(s.debits_cents)::text, 'missing') || ' and '
               || coalesce(trim_scale(s.credits_cents)::text, 'missing') || ' in ' || coalesce(s.entry_count, 0)
               || ' entries, the view account_balances says ' || coalesce(trim_scale(v.total_debits)::text, 'nothing')
               || ' and ' || coalesce(trim_scale(v.total_credits)::text, 'nothing') || ' in '
               || coalesce(v.entry_count, 0) || ', a balance of ' || coalesce(trim_scale(v.balance_cents)::text, 'none')
        FROM (SELECT account, debits_cents, credits_cents, entry_count, false AS is_user FROM account_totals
              WHERE account <> 'user:*'
              UNION ALL
              SELECT 'user:' || user_id, debits_cents, credits_cents, entry_count, true FROM user_budgets) s
        FULL JOIN balances v ON v.account = s.account
        WHERE (coalesce(s.debits_cents, 0), coalesce(s.credits_cents, 0), coalesce(s.entry_count, 0),
               coalesce(s.credits_cents - s.debits_cents, 0))
              IS DISTINCT FROM (coalesce(v.total_debits, 0), coalesce(v.total_credits, 0), coalesce(v.entry_count, 0),
                                coalesce(v.balance_cents, 0))
           OR v.entry_count = 0
        UNION ALL
        SELECT 'total-mismatch', CASE WHEN is_user THEN substr(account, 6) ELSE account END,
               'the view account_balances says it ' || count(*) || ' times'
        FROM balances GROUP BY account, is_user HAVING count(*) > 1
        """,
        // user_ledger_balances: the budgets (R3).
        """
        WITH balances AS MATERIALIZED (SELECT * FROM user_ledger_balances)
        SELECT 'budget-mismatch', coalesce(b.user_id, v.user_id),
               'R3: the budget is ' || coalesce(trim_scale(b.balance_cents)::text, 'missing')
               || ', the view user_ledger_balances says '
               || trim_scale(coalesce(v.balance_cents, 0) + coalesce(b.opening_cents, 0))
        FROM user_budgets b FULL JOIN balances v ON v.user_id = b.user_id
        WHERE b.balance_cents IS DISTINCT FROM coalesce(v.balance_cents, 0) + coalesce(b.opening_cents, 0)
        UNION ALL
        SELECT 'budget-mismatch', user_id, 'R3: the view user_ledger_balances says it ' || count(*) || ' times'
        FROM balances GROUP BY user_id HAVING count(*) > 1
        """,
        // ledger_integrity: all totals together (R1).
        $"""
        SELECT 'total-mismatch', '{AllTotals}',
               'all kept totals are ' || trim_scale(t.debits) || ' and ' || trim_scale(t.credits)
               || ', the view ledger_integrity says ' || trim_scale(v.total_debits) || ' and '
               || trim_scale(v.total_credits) || ', an imbalance of ' || trim_scale(v.imbalance)
               || ', in ' || v.rows || CASE v.rows WHEN 1 THEN ' row' ELSE ' rows' END
        FROM (SELECT coalesce(sum(debits_cents), 0) AS debits, coalesce(sum(credits_cents), 0) AS credits
              FROM account_totals) t
        CROSS JOIN (SELECT coalesce(max(total_debits), 0) AS total_debits,
                           coalesce(max(total_credits), 0) AS total_credits, coalesce(max(imbalance), 0) AS imbalance,
                           count(*) AS rows
                    FROM ledger_integrity) v
        WHERE (t.debits, t.credits, t.credits - t.debits, 1)
              IS DISTINCT FROM (v.total_debits, v.total_credits, v.imbalance, v.rows)
        """,
    ];
}
