-- The rows of a batch of usages, as the service would write them, by one statement.
WITH asked AS (
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS a
        (usage_id, transaction_id, user_id, request_id, prompt_tokens, completion_tokens, cents, balance_after_cents, request_hash)
), usages AS (
    INSERT INTO llm_usage (id, user_id, request_id, model, prompt_tokens, completion_tokens, user_price_cents, billing_status, occurred_at,
                           transaction_id, balance_after_cents, request_hash, created_at)
    SELECT usage_id, user_id, request_id, 'claude-sonnet-4-5', prompt_tokens, completion_tokens, cents, 'billed', now(),
           transaction_id, balance_after_cents, request_hash, now()
    FROM asked
), entries AS (
    INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, description, reference_type, reference_id, created_at)
    SELECT a.transaction_id, leg.account, leg.debit_cents, leg.credit_cents, '', 'llm_call', a.request_id, now()
    FROM asked a CROSS JOIN LATERAL (VALUES ('user:' || a.user_id, a.cents, 0), ('expense:api', 0, a.cents)) AS leg (account, debit_cents, credit_cents)
), history AS (
    INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, created_at)
    SELECT user_id, -cents, balance_after_cents, 'llm_call', now() FROM asked
), totals AS (
    INSERT INTO account_totals AS t (account, debits_cents, credits_cents, entry_count)
    SELECT leg.account, sum(leg.debit_cents), sum(leg.credit_cents), count(*)
    FROM asked a CROSS JOIN LATERAL (VALUES ('user:*', a.cents, 0), ('expense:api', 0, a.cents)) AS leg (account, debit_cents, credit_cents)
    GROUP BY leg.account
    ON CONFLICT (account) DO UPDATE SET debits_cents = t.debits_cents + excluded.debits_cents,
        credits_cents = t.credits_cents + excluded.credits_cents, entry_count = t.entry_count + excluded.entry_count
)
UPDATE user_budgets b SET
    balance_cents = b.balance_cents - s.cents, total_spent_cents = b.total_spent_cents + s.cents, debits_cents = b.debits_cents + s.cents,
    entry_count = b.entry_count + s.calls, updated_at = now()
FROM (SELECT user_id, sum(cents) AS cents, count(*) AS calls FROM asked GROUP BY user_id) s
WHERE b.user_id = s.user_id
