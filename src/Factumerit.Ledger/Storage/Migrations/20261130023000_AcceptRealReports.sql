-- Makes room for what real reports and price maps say: who a call without a user may belong to, when a waiting usage
-- was completed by a later report, the prices of a model beside those of its plain tokens, and when a user signed up.
-- No row is rewritten but those of user_budgets. Triggers work in every session.

-- 1. Usages -----------------------------------------------------------------------------------------------------------------------------

ALTER TABLE llm_usage
    ADD COLUMN filled_at timestamptz,
    ADD COLUMN payer_hint jsonb;

-- The integrity check looks for what changed since the last one.
CREATE INDEX ix_llm_usage_filled_at ON llm_usage (filled_at) WHERE filled_at IS NOT NULL;

COMMENT ON COLUMN llm_usage.filled_at IS 'When a later report of the same call added what was not known before; NULL when none did.';
COMMENT ON COLUMN llm_usage.payer_hint IS 'What the report of a call without a user says of its payer: key alias and hash, user id, e-mail, end user. For the reviewer.';

-- 2. Prices -----------------------------------------------------------------------------------------------------------------------------

ALTER TABLE model_prices
    ALTER COLUMN output_usd_per_token DROP NOT NULL,
    ADD COLUMN mode text,
    ADD COLUMN other_prices jsonb;

COMMENT ON COLUMN model_prices.output_usd_per_token IS 'NULL when it is not known although the model charges for output in another way.';
COMMENT ON COLUMN model_prices.mode IS 'What the model is for, as the price map says it; NULL when it does not say.';
COMMENT ON COLUMN model_prices.other_prices IS 'Further prices of the model by their names in the price map; NULL when it has none.';

-- 3. Signup (R7) ------------------------------------------------------------------------------------------------------------------------

ALTER TABLE user_budgets ADD COLUMN signed_up_at timestamptz;

-- Only a call, a grant or a bill opens a budget without a signup, each with a row of its own commit. Every other budget counts as signed up, and so does
-- one that got signup credit in the same commit: nobody is given credit twice.
UPDATE user_budgets b SET signed_up_at = created_at
WHERE NOT EXISTS (SELECT FROM budget_transactions t
                  WHERE t.user_id = b.user_id AND t.created_at = b.created_at AND t.transaction_type IN ('llm_call', 'admin_credit'))
  AND NOT EXISTS (SELECT FROM llm_usage u WHERE u.user_id = b.user_id AND u.created_at = b.created_at)
  AND NOT EXISTS (SELECT FROM llm_usage u WHERE u.user_id = b.user_id AND u.reviewed_at = b.created_at);

UPDATE user_budgets b SET signed_up_at = created_at
WHERE signed_up_at IS NULL AND EXISTS (SELECT FROM budget_transactions t WHERE t.user_id = b.user_id AND t.transaction_type = 'initial');

COMMENT ON COLUMN user_budgets.signed_up_at IS 'When the user signed up; NULL while only calls or grants have opened the budget (R7).';

-- 4. Functions that work whatever the search path of the session is
-- ---------------------------------------------------------------------

-- Logical replication and restores run triggers in sessions whose search path is empty. Each function gets the path to
-- the schema that it is in.
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT p.oid::regprocedure AS name, n.nspname AS schema
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.oid IN ('ledger_entries_refuse_change()'::regprocedure, 'ledger_entries_note_open()'::regprocedure,
                            'ledger_open_transactions_close()'::regprocedure, 'llm_usage_refuse_change()'::regprocedure,
                            'model_prices_refuse_change()'::regprocedure) LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', own.name, own.schema);
    END LOOP;
END $$;
