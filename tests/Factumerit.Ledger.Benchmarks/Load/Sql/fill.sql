-- Fills the ledger with :usages usages in the shape of real ones (the formula of Calls.cs), two entries each, so that every rule holds. Ids carry the time
-- of the commit, as real ones do. Indexes are built afterwards.
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';

CREATE TEMP TABLE fill_indexes AS
SELECT c.conrelid::regclass::text AS tab, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop_it,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS make_it
FROM pg_constraint c WHERE c.contype IN ('p', 'u', 'x') AND c.conrelid::regclass::text IN ('llm_usage', 'ledger_entries', 'budget_transactions')
UNION ALL
SELECT i.indrelid::regclass::text, format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
FROM pg_index i WHERE i.indrelid::regclass::text IN ('llm_usage', 'ledger_entries', 'budget_transactions')
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid);

CREATE TEMP TABLE fill AS
SELECT n, 'bench:' || lpad(u::text, 5, '0') AS user_id, cents, 'chatcmpl-000-0-' || lpad(n::text, 9, '0') AS request_id,
       (SELECT max(balance_cents) FROM user_budgets) - sum(cents) OVER (PARTITION BY u ORDER BY n) AS balance_after,
       200 + high % 4000 AS prompt_tokens, 20 + low % 900 AS completion_tokens,
       (prefix || substr(md5('u' || n), 1, 3) || '8' || substr(md5('u' || n), 4, 15))::uuid AS usage_id,
       (prefix || substr(md5('t' || n), 1, 3) || '8' || substr(md5('t' || n), 4, 15))::uuid AS transaction_id,
       ('x' || substr(md5('h' || n), 1, 16))::bit(64)::bigint AS request_hash,
       (SELECT max(created_at) FROM ledger_entries) + n * interval '1 microsecond' AS at
FROM (SELECT n, high, low, (high + 1) * (low + 1) % 1000003 % 10000 AS u, ((high * 31 + low) % 9999 + 1)::numeric / 10000 AS cents,
             lpad(to_hex((extract(epoch FROM (SELECT max(created_at) FROM ledger_entries) + n * interval '1 microsecond') * 1000)::bigint), 12, '0') || '7' AS prefix
      FROM (SELECT n, n * 1597334677 % 4294967296 / 65536 AS high, n * 1597334677 % 65536 AS low FROM generate_series(1::bigint, :usages) AS n) hashed) calls;

DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT drop_it FROM fill_indexes LOOP
        EXECUTE statement;
    END LOOP;
END $$;

INSERT INTO llm_usage (id, user_id, request_id, model, prompt_tokens, completion_tokens, user_price_cents, billing_status, occurred_at,
                       transaction_id, balance_after_cents, request_hash, created_at)
SELECT usage_id, user_id, request_id, 'claude-sonnet-4-5', prompt_tokens, completion_tokens, cents, 'billed', at, transaction_id, balance_after, request_hash, at
FROM fill ORDER BY n;

INSERT INTO ledger_entries (transaction_id, account, debit_cents, credit_cents, reference_type, reference_id, created_at)
SELECT f.transaction_id, leg.account, leg.debit_cents, leg.credit_cents, 'llm_call', f.request_id, f.at
FROM (SELECT * FROM fill ORDER BY n) f CROSS JOIN LATERAL (VALUES ('user:' || f.user_id, f.cents, 0), ('expense:api', 0, f.cents)) AS leg (account, debit_cents, credit_cents);

INSERT INTO budget_transactions (user_id, amount_cents, balance_after, transaction_type, created_at)
SELECT user_id, -cents, balance_after, 'llm_call', at FROM fill ORDER BY n;

UPDATE user_budgets b SET balance_cents = b.balance_cents - s.cents, total_spent_cents = b.total_spent_cents + s.cents,
    debits_cents = b.debits_cents + s.cents, entry_count = b.entry_count + s.calls, updated_at = s.at
FROM (SELECT user_id, sum(cents) AS cents, count(*) AS calls, max(at) AS at FROM fill GROUP BY user_id) s WHERE b.user_id = s.user_id;

INSERT INTO account_totals AS t (account, debits_cents, credits_cents, entry_count)
SELECT leg.account, leg.debit_cents, leg.credit_cents, s.calls
FROM (SELECT sum(cents) AS cents, count(*) AS calls FROM fill) s
CROSS JOIN LATERAL (VALUES ('user:*', s.cents, 0), ('expense:api', 0, s.cents)) AS leg (account, debit_cents, credit_cents)
ON CONFLICT (account) DO UPDATE SET debits_cents = t.debits_cents + excluded.debits_cents,
    credits_cents = t.credits_cents + excluded.credits_cents, entry_count = t.entry_count + excluded.entry_count;

DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT make_it FROM fill_indexes LOOP
        EXECUTE statement;
    END LOOP;
END $$;

-- As autovacuum has done many times by the time a ledger has grown so large.
ANALYZE;
